// The dialog in which a moment is entered, with the list of the timeline's keys. Loaded when it is first opened.

import { formatExact, serverNow } from "./clock.js";
import { element } from "./dom.js";
import { closeDialog, openDialog, setAria } from "./old_browsers.js";
import { text } from "./texts.js";
import * as timeline from "./timeline.js";

const MINUTE = 60_000;
const KEYS = [
  ["timeline.key-arrows", "timeline.key-arrows-does"],
  ["timeline.key-days", "timeline.key-days-does"],
  ["timeline.key-ends", "timeline.key-ends-does"],
  ["timeline.key-messages", "timeline.key-messages-does"],
  ["timeline.key-zoom", "timeline.key-zoom-does"],
  ["timeline.key-pan", "timeline.key-pan-does"],
];

let dialog;
let input;
let error;

// The value of an <input type=datetime-local>: the reader's local time without a time zone.
const toLocal = (time) => new Date(time - new Date(time).getTimezoneOffset() * MINUTE).toISOString().slice(0, 19);

// Returns what is wrong with an entered moment, "" if nothing is.
function problemOf(moment) {
  // Browsers without such a field have one for text.
  if (Number.isNaN(moment)) return text("timeline.no-moment", { example: toLocal(serverNow()).replace("T", " ") });
  if (moment < Math.floor(timeline.beginning() / 1000) * 1000) {
    return text("timeline.before-beginning", { time: formatExact(timeline.beginning()) });
  }
  return moment > serverNow() ? text("timeline.in-future", { time: formatExact(serverNow()) }) : "";
}

const keyItem = ([keys, does]) => element("li", "", element("kbd", "", text(keys)), ` ${text(does)}`);

function createInput() {
  const created = Object.assign(element("input", ""), { type: "datetime-local", step: 1, id: "moment-input" });
  return setAria(created, { describedby: "moment-error" });
}

function createDialog(onMoment) {
  input = createInput();
  error = Object.assign(element("p", "error"), { id: "moment-error" });
  error.setAttribute("role", "alert");
  const label = Object.assign(element("label", "", text("timeline.moment-label")), { htmlFor: input.id });
  const close = Object.assign(element("button", "plain", "✕"), { type: "button", id: "moment-close" });
  const title = Object.assign(element("h2", "", text("timeline.go-to")), { id: "moment-title" });
  const keys = element("ul", "keys", ...KEYS.map(keyItem));
  const form = element("form", "", title, setAria(close, { label: text("page.close") }), label, input, error);
  form.append(element("button", "", text("timeline.go")), element("h3", "small", text("timeline.keys")), keys);
  form.noValidate = true; // the page says itself what is wrong
  form.addEventListener("submit", (event) => submit(event, onMoment));
  close.addEventListener("click", () => closeDialog(dialog));
  dialog = Object.assign(element("dialog", "", form), { id: "moment-dialog" });
  document.body.append(setAria(dialog, { labelledby: title.id }));
}

function submit(event, onMoment) {
  event.preventDefault();
  const moment = new Date(input.value).getTime();
  error.textContent = problemOf(moment);
  setAria(input, { invalid: error.textContent !== "" });
  if (error.textContent) return input.focus();
  closeDialog(dialog);
  onMoment(moment);
}

// Calls `onMoment` with the moment that the reader enters, in milliseconds.
export function openMomentDialog(onMoment) {
  if (!dialog) createDialog(onMoment);
  error.textContent = "";
  input.min = toLocal(Math.floor(timeline.beginning()));
  input.max = toLocal(serverNow());
  input.value = toLocal(timeline.currentMoment());
  openDialog(dialog);
  input.focus();
}
