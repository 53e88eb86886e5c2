// The fields of a search beside its words: an agent, and the days between which the messages were posted.

import { element } from "./dom.js";
import { search } from "./search_box.js";
import { text } from "./texts.js";

const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;

// Returns the instant at which a day of the reader's time zone begins, so many days later; of anything else what it is.
export function instantOf(day, later = 0) {
  const [found, year, month, date] = day.match(DAY) ?? [];
  return found ? new Date(Number(year), Number(month) - 1, Number(date) + later).toISOString() : day;
}

function field(name, type, label, value = "") {
  const input = element("input", "");
  Object.assign(input, { name, type, value, autocomplete: "off", spellcheck: false });
  return element("label", "", element("span", "", label), input);
}

export function createForm(fields) {
  const button = element("button", "", text("search.apply"));
  const form = element(
    "form",
    "search-fields",
    field("from", "text", text("search.from"), fields.from),
    field("since", "date", text("search.since"), fields.since),
    field("until", "date", text("search.until"), fields.until),
    button,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  return form;
}
