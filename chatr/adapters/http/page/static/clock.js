// Formats times. "Now" is the server's clock or, while the past is shown, the selected moment.

import { element } from "./dom.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

// The page is in English: readers of another kind of English get the dates of theirs, all others British ones.
// A time that is none is shown as "?". A browser may name a locale that its Intl rejects, as Chromium did with en-US@posix.
function formatter(options) {
  let format;
  try {
    format = new Intl.DateTimeFormat(/^en/.test(navigator.language) ? navigator.language : "en-GB", options);
  } catch {
    format = new Intl.DateTimeFormat("en-GB", options);
  }
  return (time) => (Number.isFinite(time) ? format.format(time) : "?");
}

let serverOffset = 0;
let selectedMoment = null;

export const serverNow = () => Date.now() + serverOffset;
export const now = () => selectedMoment ?? serverNow();

// Readers' clocks are wrong by minutes and by years. The Date header is right to the second, on average half a second old.
export function setClock(response) {
  const date = Date.parse(response.headers.get("Date"));
  if (date) serverOffset = date + 500 - Date.now();
}

// A message that has arrived was not posted in the future.
export function setClockNotBefore(timestamp) {
  serverOffset = Math.max(serverOffset, (Date.parse(timestamp) || 0) - Date.now());
}

// Makes `now` return this moment; null makes it return the server's time again.
export function setMoment(time) {
  selectedMoment = time;
}

export const formatTime = formatter({ timeStyle: "short" });
export const formatDay = formatter({ dateStyle: "full" });
export const formatExact = formatter({ dateStyle: "medium", timeStyle: "medium" });

export function formatRelative(time) {
  const age = now() - time;
  if (age < 0.75 * MINUTE) return "now";
  if (age < HOUR) return `${Math.round(age / MINUTE)} min`;
  if (age < 24 * HOUR) return `${Math.floor(age / HOUR)} h`;
  return formatTime(time);
}

// Fills a <time> with the relative and the exact time; CSS shows the exact one on hover and focus.
export function fillTime(timeElement, timestamp) {
  const time = Date.parse(timestamp);
  timeElement.dateTime = timestamp;
  timeElement.replaceChildren(
    element("span", "relative", formatRelative(time)),
    element("span", "exact", formatExact(time)),
  );
  return timeElement;
}

// Updates the relative times below an element. Equal text is not written again.
export function refreshRelativeTimes(root) {
  for (const timeElement of root.querySelectorAll("time[datetime]")) {
    const [relative] = timeElement.children;
    const text = formatRelative(Date.parse(timeElement.dateTime));
    if (relative?.className === "relative" && relative.textContent !== text) relative.textContent = text;
  }
}
