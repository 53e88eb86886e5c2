// Formats times. "Now" is the server's clock or, while the past is shown, the selected moment.

import { element } from "./dom.js";

// The page is in English: readers of another kind of English get the dates of theirs, all others British ones.
const locale = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
const exactFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
  serverOffset = Math.max(serverOffset, Date.parse(timestamp) - Date.now());
}

// Makes `now` return this moment; null makes it return the server's time again.
export function setMoment(time) {
  selectedMoment = time;
}

export const formatExact = (time) => exactFormat.format(time);
export const formatDay = (time) => dayFormat.format(time);
export const formatTime = (time) => timeFormat.format(time);

export function formatRelative(time) {
  const age = now() - time;
  if (age < 0.75 * MINUTE) return "now";
  if (age < HOUR) return `${Math.round(age / MINUTE)} min`;
  if (age < 24 * HOUR) return `${Math.floor(age / HOUR)} h`;
  return timeFormat.format(time);
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
