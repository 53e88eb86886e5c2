// The timeline: a bar chart of the number of messages over time, and a slider whose value is a moment or now. It shows the whole
// log, or the time range that timeline_zoom.js sets: the window.

import { formatDate, formatExact, serverNow } from "./clock.js";
import { byId, element, notice } from "./dom.js";
import { onResize, setAria } from "./old_browsers.js";
import { loadLater, text } from "./texts.js";
import { ticks } from "./time_scale.js";

const PIXELS_PER_BAR = 6;
const FEWEST_BARS = 60;
// The server's limit.
export const MOST_BARS = 1_000;
// The height of a bar with the fewest messages, as a share of the chart's height: it must be visible.
const LOWEST_BAR = 0.08;
// What timeline_controls.js does with these keys while the slider has the focus.
const KEYS = /^(Arrow(Left|Down|Right|Up)|Page(Up|Down)|Home|End|[-+=_0,.[\]])$/;

const timeline = byId("timeline");
const chart = byId("chart");
const handle = byId("handle");
const tickList = byId("ticks");

// The time range of the log, from its first record to now, in milliseconds since 1970. Every window has this form, too.
let logRange = { from: 0, to: 1000 };
let shownWindow = logRange;
// Counts of messages in bars of `width` milliseconds from `from` on: of the whole log, and of its parts that were loaded.
let whole = { from: 0, width: 1000, messages: [], isOpen: true };
let parts = [];
// timeline_zoom.js, once it is in use.
let zoom = null;
let selectedMoment = null;
// Whether the log has no message, as far as is known.
let isEmpty = false;
let drawnBars = whole;
let drawRequest;
let pixels = 0;
let drawnTicks = "";
let canvas;
let onMove;

// Until there is something to show, the timeline has its place and cannot be seen: the layout stays as it is.
const isReserved = () => timeline.classList.contains("reserved");

export const spanOf = ({ from, to }) => to - from;
export const isWithin = ({ from, to }, time) => time >= from && time <= to;
export const barsIn = (width) => Math.max(FEWEST_BARS, Math.min(MOST_BARS, Math.floor(width / PIXELS_PER_BAR)));
// Converts a response of GET /api/activity. With `isOpen` the bars extend to now: bars are added for new messages.
export const barsOf = (response, isOpen = true) => ({
  from: Date.parse(response.from ?? 0),
  width: response.seconds * 1000,
  messages: response.messages,
  isOpen,
});

export const state = () => ({ logRange, shownWindow, whole, parts, pixels, barWidth: drawnBars.width });
export const selected = () => selectedMoment;
// The selected moment, or now.
export const currentMoment = () => selectedMoment ?? logRange.to;
export const beginning = () => logRange.from;
// The horizontal position of a time on the chart: 0 is the left end, 1 the right one.
export const shareOf = (time) => (time - shownWindow.from) / spanOf(shownWindow);

export function showActivity(response) {
  isEmpty = response.from === null;
  timeline.classList.toggle("reserved", isEmpty);
  whole = barsOf(response);
  parts = [];
  logRange = { from: whole.from, to: 0 };
  grow();
  requestDraw();
}

// Extends the log's time range to now.
function grow() {
  const former = logRange;
  logRange = { from: logRange.from, to: Math.max(serverNow(), logRange.from + 1000) };
  shownWindow = zoom ? zoom.followEnd(former, logRange, shownWindow) : logRange;
}

export function setParts(newParts) {
  parts = newParts;
  requestDraw();
}

// Counts a message that was posted since the activity was loaded.
export function countMessage({ timestamp }) {
  if (isEmpty) showActivity({ from: timestamp, seconds: 1, messages: [] });
  for (const { from, width, messages, isOpen } of [whole, ...parts]) {
    const bar = Math.floor((Date.parse(timestamp) - from) / width);
    if (!(bar >= 0 && bar < (isOpen ? 2 * MOST_BARS : messages.length))) continue; // also when there is no activity yet
    for (let next = messages.length; next <= bar; next += 1) messages.push(0);
    messages[bar] += 1;
  }
  requestDraw();
}

function requestDraw() {
  drawRequest ??= requestAnimationFrame(draw);
}

function draw() {
  drawRequest = undefined;
  if (isReserved()) return;
  pixels ||= Math.max(1, chart.getBoundingClientRect().width);
  grow();
  drawBars(zoom ? zoom.nearestBars() : whole);
  drawTicks();
  drawHandle();
}

function drawBars(bars) {
  drawnBars = bars;
  const first = (shownWindow.from - bars.from) / bars.width;
  const length = spanOf(shownWindow) / bars.width;
  const begin = Math.max(0, Math.floor(first));
  const shown = bars.messages.slice(begin, Math.ceil(first + length));
  const most = Math.max(...shown);
  // The square root keeps a quiet day visible beside a busy one.
  const path = shown.map((count, index) => barPath(Math.sqrt(count / most), begin + index));
  chart.setAttribute("viewBox", `${first} 0 ${length} 1`);
  byId("bars").setAttribute("d", path.join(""));
}

const barPath = (height, index) =>
  height ? `M${index + 0.1} 1V${(1 - LOWEST_BAR - (1 - LOWEST_BAR) * height).toFixed(3)}h.8V1z` : "";

function widthOf(label) {
  if (!canvas) {
    canvas = document.createElement("canvas").getContext("2d");
    canvas.font = getComputedStyle(tickList).font;
  }
  return canvas.measureText(label).width;
}

// Ticks between the day on which the window begins and, if it reaches it, now.
function drawTicks() {
  const [first, last] = [formatDate(shownWindow.from), shownWindow.to < logRange.to ? "" : text("timeline.now")];
  const found = ticks(shownWindow, pixels, widthOf, widthOf(first), widthOf(last)).map(({ time, label }) => {
    const item = element("span", "tick", label);
    item.style.left = `${(shareOf(time) * 100).toFixed(2)}%`;
    return item;
  });
  const drawn = [first, last, ...found.map((item) => item.textContent + item.style.left)].join();
  if (drawn === drawnTicks) return;
  drawnTicks = drawn;
  tickList.replaceChildren(element("span", "", first), ...found, element("span", "", last));
}

function drawHandle() {
  const moment = currentMoment();
  handle.min = shownWindow.from;
  handle.max = shownWindow.to;
  handle.value = moment;
  chart.style.setProperty("--moment", Math.max(0, Math.min(1, shareOf(moment))));
  timeline.classList.toggle("elsewhere", !isWithin(shownWindow, moment));
  setAria(handle, { valuetext: selectedMoment === null ? text("timeline.now-live") : formatExact(moment) });
}

// Sets the slider to a moment, null = now. If the moment has changed, the window is moved to contain it.
export function placeHandle(moment) {
  const hasMoved = moment !== selectedMoment;
  selectedMoment = moment;
  if (isReserved()) return;
  grow();
  if (!hasMoved) return requestDraw();
  zoom?.follow(currentMoment());
  drawHandle();
}

// Shows a window instead of the whole log. `zooming` is timeline_zoom.js.
export function setWindow(newWindow, zooming) {
  [shownWindow, zoom] = [newWindow, zooming];
  requestDraw();
}

// Moves the slider to a moment within the log's time range, null = now.
export function moveTo(moment) {
  const isNow = moment === null || moment >= logRange.to;
  placeHandle(isNow ? null : Math.round(Math.max(moment, logRange.from)));
  zoom?.follow(currentMoment()); // also if it was there already: the window may be elsewhere
  onMove(selectedMoment);
}

// Loads a module when the reader first needs it, and calls `use` with it.
export const withModule = (name, use) => loadLater(name).then(use, () => notice(text("error.unreachable"), 8));

const withControls = (use) => withModule("timeline_controls.js", use);

function keyPressed(event) {
  // With Ctrl, + and - are the browser's zoom.
  const isBrowsers = event.altKey || event.metaKey || (event.ctrlKey && !event.key.startsWith("Arrow"));
  if (!KEYS.test(event.key) || isBrowsers) return;
  event.preventDefault();
  withControls((controls) => controls.keyPressed(event));
}

// Calls `listener` with the moment to which the slider is moved, null = now.
export function start(listener) {
  onMove = listener;
  handle.addEventListener("input", () => moveTo(Number(handle.value) >= handle.max ? shownWindow.to : Number(handle.value)));
  handle.addEventListener("keydown", keyPressed);
  for (const type of ["pointerenter", "focus"]) {
    handle.addEventListener(type, (event) => withControls(({ entered }) => entered(event)), { once: true });
  }
  // A second finger on the slider zooms, but the first one would have moved it if the module were loaded only then.
  addEventListener("touchstart", () => loadLater("timeline_controls.js").catch(() => {}), { once: true, passive: true });
  byId("zoom").addEventListener("change", () => withControls(({ chooseZoom }) => chooseZoom()));
  onResize(() => {
    pixels = 0;
    canvas = undefined;
    requestDraw();
  }, handle);
}
