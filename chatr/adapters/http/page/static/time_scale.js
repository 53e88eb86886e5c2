// The dated ticks below the timeline: times at round numbers of the reader's calendar and clock, as many as fit.

import * as clock from "./clock.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;
const YEAR = 365.25 * DAY;
// Pixels between two labels at least, and below which no label fits.
const GAP = 14;
const NARROWEST = 30;

const isOtherDay = (one, other) => new Date(one).getDate() !== new Date(other).getDate();
const isOtherYear = (one, other) => new Date(one).getFullYear() !== new Date(other).getFullYear();

// `floor` returns the last tick not after a time; it counts in the reader's time zone. The label of the
// first tick of a day or year names it.
const step = (length, floor, label) => ({ length, floor, label });

function timeLabel(format) {
  return (time, before) => (isOtherDay(time, before) ? dayLabel(time, before) : format(time));
}

const dayLabel = (time, before) => (isOtherYear(time, before) ? clock.formatDate(time) : clock.formatShortDay(time));
const monthLabel = (time, before) => (isOtherYear(time, before) ? clock.formatYear(time) : clock.formatMonth(time));

// Up to an hour, steps have the same length whatever the clock does: an hour that is repeated has its ticks twice.
function fixed(length, format) {
  const floor = (time) => {
    const offset = new Date(time).getTimezoneOffset() * MINUTE;
    return Math.floor((time - offset) / length) * length + offset;
  };
  return step(length, floor, timeLabel(format));
}

function calendar(length, count, label, floorParts) {
  const floor = (time) => {
    const date = new Date(time);
    const parts = [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours()];
    return new Date(...floorParts(count, ...parts)).getTime();
  };
  return step(count * length, floor, label);
}

const hours = (count, year, month, day, hour) => [year, month, day, hour - (hour % count)];
// Days are counted from a Monday, so that weeks begin on Mondays.
const days = (count, year, month, day) => [year, month, day - ((Date.UTC(year, month, day) / DAY + 3) % count)];
const months = (count, year, month) => [year, month - (month % count)];
const years = (count, year) => [year - (year % count), 0];

const STEPS = [
  ...[10, 15, 30].map((count) => fixed(count * 1000, clock.formatSecond)),
  ...[1, 5, 10, 30, 60].map((count) => fixed(count * MINUTE, clock.formatTime)),
  ...[3, 6, 12].map((count) => calendar(HOUR, count, timeLabel(clock.formatTime), hours)),
  ...[1, 2, 7, 14].map((count) => calendar(DAY, count, dayLabel, days)),
  ...[1, 3, 6].map((count) => calendar(MONTH, count, monthLabel, months)),
  ...[1, 2, 5, 10, 20, 50, 100, 500, 1000].map((count) => calendar(YEAR, count, clock.formatYear, years)),
];

// Returns the ticks of a window as {time, label}. A step and a half after a tick is always before the tick after the next.
function ticksOf({ length, floor, label }, { from, to }) {
  const ticks = [];
  let before = from;
  for (let time = floor(from); time <= to; time = floor(time + 1.5 * length)) {
    if (time < from) continue;
    ticks.push({ time, label: label(time, before), isPlain: label(time, before) === label(time, time) });
    before = time;
  }
  return ticks;
}

// Leaves out what would overlap: the less important one of two neighbours, and what reaches beyond `start` or `end`.
function withoutOverlap(ticks, place, width, start, end) {
  const placed = [];
  for (const tick of ticks) {
    const [left, right] = [place(tick.time) - width(tick.label) / 2, place(tick.time) + width(tick.label) / 2];
    if (left < start || right > end) continue;
    const before = placed[placed.length - 1];
    if (before && left < before.right + GAP) {
      if (tick.isPlain || !before.isPlain) continue;
      placed.pop();
    }
    placed.push({ ...tick, right });
  }
  return placed;
}

// Returns the ticks of a window that is `pixels` wide, as {time, label}. `width` returns the pixels of a label; the first
// `start` and the last `end` pixels have no label.
export function ticks(window, pixels, width, start, end) {
  const perMillisecond = pixels / (window.to - window.from);
  const hasRoom = ({ length, label }) =>
    length * perMillisecond > NARROWEST && length * perMillisecond > width(label(window.from, window.from)) + GAP;
  const chosen = STEPS.find(hasRoom);
  const place = (time) => (time - window.from) * perMillisecond;
  return chosen ? withoutOverlap(ticksOf(chosen, window), place, width, start + GAP, pixels - end - GAP) : [];
}
