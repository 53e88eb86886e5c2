// The timeline: a bar chart of how many messages were posted when, and a slider that stands at a moment or at now.

import { formatDay, formatExact, formatTime, serverNow } from "./clock.js";
import { byId } from "./dom.js";
import { setAria } from "./old_browsers.js";

const PIXELS_PER_BAR = 6;
const FEWEST_BARS = 60;
const MOST_BARS = 1_000;
// The height of a bar with the fewest messages, so that it can be seen at all; 1 is the whole chart.
const LOWEST_BAR = 0.08;
// Bars by which a key moves the slider. Home and End are the browser's own.
const BARS_BY_KEY = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

const timeline = byId("timeline");
const chart = byId("chart");
const handle = byId("handle");

// As GET /api/activity returns it: the time of the first record, and the messages in each bucket of so many seconds.
let activity = { from: null, seconds: 1, messages: [] };
let begin = 0;
let selectedMoment = null;
let drawRequest;

export const wantedBars = () =>
  Math.max(FEWEST_BARS, Math.min(MOST_BARS, Math.floor(innerWidth / PIXELS_PER_BAR)));

// The time of the room's first record.
export const beginning = () => begin;

export function showActivity(newActivity) {
  activity = newActivity;
  begin = Date.parse(activity.from ?? 0);
  timeline.hidden = activity.from === null;
  if (!timeline.hidden) draw();
}

// Adds a message that was posted since the activity was loaded.
export function countMessage(timestamp) {
  const bucket = Math.floor((Date.parse(timestamp) - begin) / 1000 / activity.seconds);
  if (!(bucket >= 0 && bucket < 2 * MOST_BARS)) return; // also when there is no activity yet
  for (let next = activity.messages.length; next <= bucket; next += 1) activity.messages.push(0);
  activity.messages[bucket] += 1;
  drawRequest ??= requestAnimationFrame(draw);
}

function draw() {
  drawRequest = undefined;
  const most = Math.max(...activity.messages);
  // The square root keeps a quiet day visible beside a busy one.
  const heights = activity.messages.map((messages) => Math.sqrt(messages / most));
  byId("bars").setAttribute("d", heights.map(barPath).join(""));
  byId("beginning").textContent = formatDay(begin) === formatDay(serverNow()) ? formatTime(begin) : formatDay(begin);
  placeHandle(selectedMoment);
}

const barPath = (height, index) =>
  height ? `M${index + 0.1} 1V${(1 - LOWEST_BAR - (1 - LOWEST_BAR) * height).toFixed(3)}h.8V1z` : "";

// Puts the slider at a moment, or with null at its end, which is now.
export function placeHandle(moment) {
  selectedMoment = moment;
  if (activity.from === null) return;
  const end = Math.max(serverNow(), begin + 1000);
  chart.setAttribute("viewBox", `0 0 ${(end - begin) / 1000 / activity.seconds} 1`);
  handle.min = begin;
  handle.max = end;
  handle.value = moment ?? end;
  timeline.style.setProperty("--moment", moment === null ? 1 : (moment - begin) / (end - begin));
  setAria(handle, { valuetext: moment === null ? "now, live" : formatExact(moment) });
}

const momentOfHandle = () => (Number(handle.value) >= Number(handle.max) ? null : Math.round(Number(handle.value)));

function moveByKey(event) {
  const bars = BARS_BY_KEY[event.key];
  if (bars === undefined) return;
  event.preventDefault();
  handle.value = Number(handle.value) + bars * activity.seconds * 1000;
  handle.dispatchEvent(new Event("input"));
}

// Calls `onMove` with the moment to which the slider is moved, null = now.
export function start(onMove) {
  handle.addEventListener("keydown", moveByKey);
  handle.addEventListener("input", () => {
    placeHandle(momentOfHandle());
    onMove(selectedMoment);
  });
}
