// Formats times, and waits. "Now" is the server's clock or, while the past is shown, the selected moment.

import { element } from "./dom.js";
import { readersLocale, speaksPageLanguage, text } from "./texts.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

// Dates have the words of the page's language, in the form of a reader who prefers that language. Other readers get theirs in
// digits, so that no sentence mixes languages, and with the years of the addresses of moments.
const DIGITS_ONLY = { calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" };
const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
const TIME = { hour: "2-digit", minute: "2-digit" };

// A format is made when it is first used: the first one takes the browser some milliseconds. A time that is none is shown as "?".
function formatter(options, digits) {
  let format;
  return (time) => {
    if (!Number.isFinite(time)) return "?";
    format ??= new Intl.DateTimeFormat(readersLocale, speaksPageLanguage ? options : { ...DIGITS_ONLY, ...digits });
    return format.format(time);
  };
}

let serverOffset = 0;
let selectedMoment = null;

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
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

export const formatTime = formatter({ timeStyle: "short" }, TIME);
export const formatSecond = formatter({ timeStyle: "medium" }, { ...TIME, second: "2-digit" });
export const formatDay = formatter({ dateStyle: "full" }, DAY);
export const formatDate = formatter({ dateStyle: "medium" }, DAY);
export const formatExact = formatter({ dateStyle: "medium", timeStyle: "medium" }, { ...DAY, ...TIME, second: "2-digit" });
export const formatShortDay = formatter({ month: "short", day: "numeric" }, { month: "2-digit", day: "2-digit" });
export const formatMonth = formatter({ month: "short" }, { year: "numeric", month: "2-digit" });
export const formatYear = formatter({ year: "numeric" }, { year: "numeric" });

// Returns a duration in the largest unit of which it has two, or else in seconds.
export function formatDuration(milliseconds) {
  if (milliseconds >= 48 * HOUR) return text("clock.days", { count: Math.round(milliseconds / (24 * HOUR)) });
  if (milliseconds >= 2 * HOUR) return text("clock.hours", { count: Math.round(milliseconds / HOUR) });
  if (milliseconds >= 2 * MINUTE) return text("clock.minutes", { count: Math.round(milliseconds / MINUTE) });
  return text("clock.seconds", { count: Math.max(1, Math.round(milliseconds / 1000)) });
}

export function formatRelative(time) {
  const age = now() - time;
  if (age < 0.75 * MINUTE) return text("clock.now");
  if (age < HOUR) return text("clock.minutes", { count: Math.round(age / MINUTE) });
  if (age < 24 * HOUR) return text("clock.hours", { count: Math.floor(age / HOUR) });
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
