// Zooming: the window, which is the time range that the timeline shows, and the bars of the parts of the log that were shown.
// Loaded when the reader first zooms.

import { getJson } from "./api.js";
import { sleep } from "./clock.js";
import { byId } from "./dom.js";
import * as timeline from "./timeline.js";
import { isWithin, spanOf } from "./timeline.js";

// The shortest window: one second is the width of the narrowest bar.
const SHORTEST = 60_000;
// While a reader zooms, bars are requested twice a second at most: requests are limited per address.
const REQUEST_EVERY = 500;
const MOST_PARTS = 24;

const select = byId("zoom");

let isLoading = false;
// What was requested last: {path, whole}.
let last = {};

// Moves a window into the time range of the log. Its span changes only if it is longer than that. Both ends are whole milliseconds,
// as those of the log: after rounding errors a window at the log's end would no longer follow it, nor count as all of the log.
function moveInto(logRange, { from, to }) {
  const span = Math.min(Math.round(to - from), spanOf(logRange));
  const start = Math.max(logRange.from, Math.min(Math.round(from), logRange.to - span));
  return { from: start, to: start + span };
}

const moved = (logRange, { from, to }, by) => moveInto(logRange, { from: from + by, to: to + by });

// Returns the window after the log's range has grown: one that shows all of it grows, too, and one at its end follows the end.
export function followEnd(former, logRange, window) {
  if (window.to < former.to) return moveInto(logRange, window);
  return window.from <= former.from ? logRange : moved(logRange, window, logRange.to - window.to);
}

function show(window) {
  const { logRange } = timeline.state();
  const hasSpan = ({ value }) => Math.abs(Number(value) - spanOf(window)) < 1;
  select.value = spanOf(window) < spanOf(logRange) ? ([...select.options].find(hasSpan)?.value ?? "") : "all";
  timeline.setWindow(window, { followEnd, follow, nearestBars });
}

export function panBy(milliseconds) {
  const { logRange, shownWindow } = timeline.state();
  show(moved(logRange, shownWindow, milliseconds));
}

// If a moment is outside of the window, moves the window there, most of it to the side to which the moment moves.
export function follow(moment) {
  const { shownWindow } = timeline.state();
  if (isWithin(shownWindow, moment)) return;
  const share = moment > shownWindow.to ? 0.1 : 0.9;
  panBy(moment - share * spanOf(shownWindow) - shownWindow.from);
}

// Shows a window of `span` milliseconds. The time `at` keeps its place on the chart; without it the selected moment does if it
// is in the window, or else the middle.
export function zoomTo(span, at) {
  const { logRange, shownWindow } = timeline.state();
  const moment = timeline.currentMoment();
  const fixed = at ?? (isWithin(shownWindow, moment) ? moment : (shownWindow.from + shownWindow.to) / 2);
  const newSpan = Math.max(SHORTEST, span);
  const from = fixed - timeline.shareOf(fixed) * newSpan;
  show(moveInto(logRange, { from, to: from + newSpan }));
}

export const zoomBy = (factor, at) => zoomTo(spanOf(timeline.state().shownWindow) * factor, at);
export const showAll = () => show(timeline.state().logRange);

export function widenTo(span) {
  if (spanOf(timeline.state().shownWindow) < span) zoomTo(span);
}

// The width of a bar in the window, in milliseconds: a power of two seconds, so that windows of similar spans share bars.
function wantedWidth({ shownWindow, pixels }) {
  const seconds = spanOf(shownWindow) / timeline.barsIn(pixels) / 1000;
  return 1000 * 2 ** Math.max(0, Math.ceil(Math.log2(seconds)));
}

const covers = ({ from, width, messages, isOpen }, window) =>
  from <= window.from && (isOpen || from + width * messages.length >= window.to);

// Returns those loaded bars of the window whose width is nearest to the wanted one. If they are wider, narrower ones are loaded.
function nearestBars() {
  const state = timeline.state();
  const width = wantedWidth(state);
  const distance = (bars) => Math.abs(Math.log2(bars.width / width));
  const covering = state.parts.filter((part) => covers(part, state.shownWindow));
  const nearest = covering.reduce((one, other) => (distance(other) < distance(one) ? other : one), state.whole);
  if (nearest.width > width && spanOf(state.shownWindow) < spanOf(state.logRange)) load(partAround(state, width));
  return nearest;
}

// The window and half as much on both sides, for panning, as {from, to, width}, in whole bars within the log's range.
function partAround({ shownWindow, logRange }, width) {
  const span = spanOf(shownWindow);
  const margin = Math.min(span, (timeline.MOST_BARS - 2) * width - span) / 2;
  const from = Math.floor(Math.max(logRange.from, shownWindow.from - margin) / width) * width;
  const to = Math.ceil(Math.min(logRange.to, shownWindow.to + margin) / width) * width;
  return { from, to, width, isOpen: to >= logRange.to };
}

async function load({ from, to, width, isOpen }) {
  const [begin, end] = [from, to].map((time) => new Date(time).toISOString());
  const path = `api/activity?from=${begin}&to=${end}&buckets=${(to - from) / width}`;
  const { whole } = timeline.state();
  // The same request again: its response was lost, or has no narrower bars.
  if (isLoading || (path === last.path && whole === last.whole)) return;
  isLoading = true;
  last = { path, whole };
  try {
    const [response] = await Promise.all([getJson(path), sleep(REQUEST_EVERY)]);
    const state = timeline.state();
    // If the whole was loaded again meanwhile, this may be older.
    if (whole === state.whole) timeline.setParts([...state.parts.slice(1 - MOST_PARTS), timeline.barsOf(response, isOpen)]);
  } catch {} // wider bars are shown
  isLoading = false;
  nearestBars(); // the window may have moved on
}

// Shows the span that is chosen in the select. A window that does not show the selected moment moves to it first.
export function chooseZoom() {
  const chosen = select.value;
  follow(timeline.currentMoment());
  if (chosen === "all") showAll();
  else zoomTo(Number(chosen));
}
