// What the search box does: Enter searches the messages, typing finds agents. Loaded when the box is first focused.

import { now } from "./clock.js";
import { byId } from "./dom.js";
import * as past from "./past.js";

const box = byId("query");

// As typed: from:Ada. What begins with @ is a name as well.
const FROM = /(^|\s)from:@?(\S*)/;

// Returns the address of a search by {q, from, since, until}, in which empty ones are left out. At a moment of the past it names
// the moment.
export function searchAddress(fields) {
  const at = past.isShown() ? new Date(Math.round(now())).toISOString() : "";
  return `#search?${new URLSearchParams(Object.entries({ ...fields, at }).filter(([, value]) => value))}`;
}

// Goes to an address of the page. The browser reports no change where the page is there already.
export function goTo(hash) {
  if (hash === location.hash) dispatchEvent(new Event("hashchange"));
  else location.hash = hash;
}

// Searches for the words in the box, with the agent and the days in the fields of the search that is shown. Enter in the box and
// the button beside the fields do the same, because a reader may have changed both.
export function search() {
  const form = document.querySelector(".search-fields");
  const fields = form ? Object.fromEntries(new FormData(form)) : {};
  const [, , from] = box.value.match(FROM) ?? [, , fields.from?.trim()];
  goTo(searchAddress({ ...fields, q: box.value.replace(FROM, " ").trim(), from }));
}

export const showQuery = (query) => (box.value = query);

// It imports this module.
import("./agent_suggestions.js").then(({ start }) => start(), () => {});
