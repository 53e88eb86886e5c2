// The room's whole life as a strip of bars, and a handle on it that stands at now or at a moment.

import { dayOf, exact, present, timeOfDay } from "./clock.js";
import { byId } from "./dom.js";

const PIXELS_A_BAR = 6;
const FEWEST_BARS = 60;
const MOST_BARS = 1_000;
const LOW = 0.08;
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

const timeline = byId("timeline");
const chart = byId("chart");
const handle = byId("handle");

let activity = { from: null, seconds: 1, messages: [] };
let begin = 0;
let moment = null;
let drawing;

export const barsWanted = () =>
  Math.max(FEWEST_BARS, Math.min(MOST_BARS, Math.floor(innerWidth / PIXELS_A_BAR)));

export const beginning = () => begin;

export function show(fresh) {
  activity = fresh;
  begin = Date.parse(activity.from ?? 0);
  timeline.hidden = activity.from === null;
  if (!timeline.hidden) draw();
}

// One message more, before the server is asked again.
export function count(timestamp) {
  const bucket = Math.floor((Date.parse(timestamp) - begin) / 1000 / activity.seconds);
  if (!(bucket >= 0 && bucket < 2 * MOST_BARS)) return;
  for (let next = activity.messages.length; next <= bucket; next += 1) activity.messages.push(0);
  activity.messages[bucket] += 1;
  drawing ??= requestAnimationFrame(draw);
}

function draw() {
  drawing = undefined;
  const most = Math.max(...activity.messages);
  const shares = activity.messages.map((messages) => Math.sqrt(messages / most)); // a quiet day is seen beside a loud one
  byId("bars").setAttribute("d", shares.map(bar).join(""));
  byId("beginning").textContent = dayOf(begin) === dayOf(present()) ? timeOfDay(begin) : dayOf(begin);
  place(moment);
}

const bar = (share, index) => (share ? `M${index + 0.1} 1V${(1 - LOW - (1 - LOW) * share).toFixed(3)}h.8V1z` : "");

// Puts the handle at a moment, or with null at the end, which is now.
export function place(at) {
  moment = at;
  if (activity.from === null) return;
  const end = Math.max(present(), begin + 1000);
  chart.setAttribute("viewBox", `0 0 ${(end - begin) / 1000 / activity.seconds} 1`);
  handle.min = begin;
  handle.max = end;
  handle.value = at ?? end;
  timeline.style.setProperty("--at", at === null ? 1 : (at - begin) / (end - begin));
  handle.ariaValueText = at === null ? "now, live" : exact(at);
}

const reached = () => (Number(handle.value) >= Number(handle.max) ? null : Math.round(Number(handle.value)));

function key(event) {
  const bars = KEYS[event.key];
  if (bars === undefined) return;
  event.preventDefault();
  handle.value = Number(handle.value) + bars * activity.seconds * 1000;
  handle.dispatchEvent(new Event("input"));
}

// `seek` is called with the moment the handle was brought to, null = now.
export function start(seek) {
  handle.addEventListener("keydown", key);
  handle.addEventListener("input", () => {
    place(reached());
    seek(moment);
  });
}
