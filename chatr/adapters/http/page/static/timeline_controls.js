// Zooming and panning the timeline with wheel, pointers and keys, and the time under the pointer. Loaded when the slider is
// first used.

import { formatExact } from "./clock.js";
import { byId } from "./dom.js";
import { stepMessage } from "./playback.js";
import * as timeline from "./timeline.js";
import { spanOf } from "./timeline.js";
import * as zoom from "./timeline_zoom.js";

// Pixels of the wheel that double or halve the window's span, and the most pixels that are counted in one event.
const WHEEL_DOUBLES = 200;
const MOST_WHEEL = 200;
const PIXELS_PER_LINE = 16;
const KEY_ZOOM = 2;
// The part of the window by which a key pans.
const KEY_PAN = 0.5;

export { chooseZoom } from "./timeline_zoom.js";

const handle = byId("handle");
const chart = byId("chart");
const pointedTime = byId("pointed-time");

// Positions of the pointers that are down, by their ids, in the order in which they were pressed.
const pointers = new Map();
let isPanning = false;
let momentBefore = null;

const shareAt = (x) => {
  const { left, width } = chart.getBoundingClientRect();
  return (x - left) / width;
};
const timeAt = (x) => {
  const window = timeline.state().shownWindow;
  return window.from + Math.max(0, Math.min(1, shareAt(x))) * spanOf(window);
};
const millisecondsIn = (pixels) => (pixels / chart.getBoundingClientRect().width) * spanOf(timeline.state().shownWindow);

function wheel(event) {
  event.preventDefault();
  const scale = event.deltaMode ? PIXELS_PER_LINE : 1;
  const [x, y] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  if (Math.abs(x) > Math.abs(y)) return zoom.panBy(millisecondsIn(x * scale));
  const pixels = Math.max(-MOST_WHEEL, Math.min(MOST_WHEEL, y * scale));
  zoom.zoomBy(2 ** (pixels / WHEEL_DOUBLES), timeAt(event.clientX));
}

// With one pointer down the browser moves the slider. A second one, or the shift key, moves the window instead.
function pointerDown(event) {
  if (!pointers.size) momentBefore = timeline.selected();
  pointers.set(event.pointerId, event.clientX);
  if (pointers.size !== 2 && !event.shiftKey) return;
  isPanning = true;
  handle.setPointerCapture(event.pointerId);
  if (timeline.selected() !== momentBefore) timeline.moveTo(momentBefore);
}

function pointerMoved(event) {
  showPointedTime(timeAt(event.clientX));
  if (!isPanning || !pointers.has(event.pointerId)) return;
  const before = [...pointers.values()].slice(0, 2);
  pointers.set(event.pointerId, event.clientX);
  const after = [...pointers.values()].slice(0, 2);
  zoom.panBy(millisecondsIn(middle(before) - middle(after)));
  if (after.length === 2) zoom.zoomBy(distance(before) / distance(after), timeAt(middle(after)));
}

const middle = (places) => places.reduce((one, other) => one + other) / places.length;
const distance = ([one, other]) => Math.max(1, Math.abs(one - other));

function pointerUp(event) {
  pointers.delete(event.pointerId);
  if (!pointers.size) isPanning = false;
}

// While the window is moved, the slider stays at its moment.
function inputWhilePanning(event) {
  if (!isPanning) return;
  event.stopImmediatePropagation();
  timeline.placeHandle(timeline.selected());
}

function showPointedTime(time) {
  pointedTime.textContent = formatExact(time);
  pointedTime.hidden = false;
  pointedTime.style.setProperty("--share", Math.max(0, Math.min(1, timeline.shareOf(time))));
}

// Handles the event that made the page load this module.
export function entered(event) {
  if (event.type === "focus") focused();
  else pointerMoved(event);
}

const showFocusedTime = () => showPointedTime(timeline.currentMoment());
const focused = () => handle.matches(":focus-visible") && showFocusedTime();
const hidePointedTime = () => (pointedTime.hidden = true);

// Moves by days of the reader's calendar: some have 23 or 25 hours.
function moveByDays(count) {
  const date = new Date(timeline.currentMoment());
  date.setDate(date.getDate() + count);
  timeline.moveTo(date.getTime());
}

function moveByArrow(direction, { shiftKey, ctrlKey }) {
  const moment = timeline.currentMoment();
  if (ctrlKey) zoom.panBy(direction * KEY_PAN * spanOf(timeline.state().shownWindow));
  else if (shiftKey) moveByDays(direction);
  else timeline.moveTo(moment + direction * timeline.state().barWidth);
}

const back = (event) => moveByArrow(-1, event);
const forth = (event) => moveByArrow(1, event);
const zoomIn = () => zoom.zoomBy(1 / KEY_ZOOM);
const zoomOut = () => zoom.zoomBy(KEY_ZOOM);

const BY_KEY = {
  ArrowLeft: back,
  ArrowDown: back,
  ArrowRight: forth,
  ArrowUp: forth,
  PageDown: () => moveByDays(-1),
  PageUp: () => moveByDays(1),
  Home: () => timeline.moveTo(timeline.beginning()),
  End: () => timeline.moveTo(null),
  "+": zoomIn,
  "=": zoomIn,
  "-": zoomOut,
  _: zoomOut,
  0: zoom.showAll,
  "[": () => moveByArrow(-1, { ctrlKey: true }),
  "]": () => moveByArrow(1, { ctrlKey: true }),
  ",": () => stepMessage(-1),
  ".": () => stepMessage(1),
};

export async function keyPressed(event) {
  await BY_KEY[event.key](event);
  if (document.activeElement === handle) showFocusedTime();
}

handle.addEventListener("wheel", wheel, { passive: false });
handle.addEventListener("pointerdown", pointerDown);
handle.addEventListener("pointermove", pointerMoved);
handle.addEventListener("pointerleave", hidePointedTime);
for (const type of ["pointerup", "pointercancel"]) handle.addEventListener(type, pointerUp);
// The browser would move the slider.
handle.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
handle.addEventListener("input", inputWhilePanning, { capture: true });
handle.addEventListener("focus", focused);
handle.addEventListener("blur", hidePointedTime);
