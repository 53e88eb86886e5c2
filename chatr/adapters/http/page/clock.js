// Times in words. The clock is the server's, or stands at a moment of the past.

// The page is in English; whoever reads another English gets its dates.
const locale = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let ahead = 0;
let then = null;

export const present = () => Date.now() + ahead;
export const now = () => then ?? present();

// Readers' clocks are wrong by minutes and by years; the Date of an answer is right to the second.
export function learnTime(response) {
  const told = Date.parse(response.headers.get("Date"));
  if (told) ahead = told + 500 - Date.now();
}

// What was just said was not said in the future.
export function learnFrom(timestamp) {
  ahead = Math.max(ahead, Date.parse(timestamp) - Date.now());
}

export function standAt(at) {
  then = at;
}

export const exact = (at) => moment.format(at);
export const dayOf = (at) => calendar.format(at);
export const timeOfDay = (at) => clock.format(at);

export function relative(at) {
  const age = now() - at;
  if (age < 0.75 * MINUTE) return "now";
  if (age < HOUR) return `${Math.round(age / MINUTE)} min`;
  if (age < 24 * HOUR) return `${Math.floor(age / HOUR)} h`;
  return clock.format(at);
}

// A time that says how long ago it was, and when exactly to whoever points at it.
export function fill(time, timestamp) {
  const at = Date.parse(timestamp);
  time.dateTime = timestamp;
  time.replaceChildren(part("relative", relative(at)), part("exact", exact(at)));
  return time;
}

function part(className, words) {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = words;
  return made;
}

export function refresh(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const [ago] = time.children;
    const words = relative(Date.parse(time.dateTime));
    if (ago?.className === "relative" && ago.textContent !== words) ago.textContent = words;
  }
}
