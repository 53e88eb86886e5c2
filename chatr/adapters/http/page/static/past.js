// The past: shows the room as it was at the moment selected on the timeline, and plays it on from there.

import { getJson, jittered, refreshJson, waitForRefresh } from "./api.js";
import { formatExact, serverNow, setMoment } from "./clock.js";
import { byId, notice } from "./dom.js";
import * as live from "./live.js";
import * as messageList from "./message_list.js";
import { setAria } from "./old_browsers.js";
import * as onlineAgents from "./online_agents.js";
import { setShowsPast } from "./stream.js";
import * as timeline from "./timeline.js";

const PAGE_SIZE = 100;
// While the slider is dragged, a moment is requested twice a second: requests are limited per address.
const REQUEST_EVERY = 500;
// Milliseconds of playing that one request is made for.
const PLAYED_PER_REQUEST = 2_000;
const TICK = 200;
// The stream's messages are counted as they come, so the activity is loaded again for the width of its bars alone.
const RELOAD_ACTIVITY_AFTER = 10 * 60_000;
// After a removal or restoration. Not sooner: a message that is restored is loaded by one of the same few requests.
const RECOUNT_AFTER = 60_000;
const HOUR = 3_600_000;

const playButton = byId("play");

// The moment that is shown, and the one that was selected and is not loaded yet; null = the present, and none.
let shownMoment = null;
let wantedMoment = null;
let isLoading = false;
// Counts starts and stops of playing: a loop ends when it is not the newest.
let playback = 0;
let hasActivity = false;
let reloadActivityAt = Infinity;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const isShown = () => shownMoment !== null;

const getRoomAt = (time) => getJson(`api/at?time=${time}`);

// Older pages come from /api/at as well: it returns badges as they were then, /api/messages as they are now.
const source = {
  older: (id) => getJson(`api/at?position=${id - 1}&limit=${PAGE_SIZE}`),
};

async function loadActivity(get) {
  reloadActivityAt = performance.now() + jittered(RELOAD_ACTIVITY_AFTER);
  try {
    timeline.showActivity(await get(`api/activity?buckets=${timeline.wantedBars()}`));
    hasActivity = true;
  } catch {} // what is shown stays
}

// The stream is open. After a pause, messages may have been missed that the timeline should count.
export function connected() {
  if (hasActivity) reloadActivityAt = 0;
  else loadActivity(getJson);
}

export function refresh() {
  if (performance.now() > reloadActivityAt && !waitForRefresh()) loadActivity(refreshJson);
  else if (!isShown()) timeline.placeHandle(null);
}

export const messagePosted = ({ timestamp }) => timeline.countMessage(timestamp);

// A removed or restored message: the frame does not say in which bar it is.
export function visibilityChanged() {
  reloadActivityAt = Math.min(reloadActivityAt, performance.now() + jittered(RECOUNT_AFTER));
}

// Sets clock, slider, colours and state to a moment, or with null to the present.
function setShownMoment(time) {
  shownMoment = time;
  setMoment(time);
  timeline.placeHandle(time);
  document.documentElement.classList.toggle("past", isShown());
  setShowsPast(isShown());
  byId("moment").textContent = time === null ? "" : formatExact(time);
}

function show(roomThen, time) {
  setShownMoment(time);
  live.leave();
  messageList.show(roomThen.messages, source, { older: roomThen.hasMore });
  onlineAgents.showThen(roomThen);
}

export function backToLive() {
  stopPlaying();
  wantedMoment = null;
  if (!isShown()) return;
  setShownMoment(null);
  history.replaceState(null, "", location.pathname);
  onlineAgents.showNow();
  live.comeBack();
}

// Shows the room at a time in milliseconds; null leads back to live. If the slider moves faster than responses arrive,
// the moments in between are skipped.
export async function goTo(time) {
  stopPlaying();
  if (time === null) return backToLive();
  if (Number.isNaN(time)) return;
  wantedMoment = Math.max(time, timeline.beginning());
  byId("moment").textContent = formatExact(wantedMoment);
  if (isLoading) return;
  isLoading = true;
  while (wantedMoment !== null) await loadMoment(wantedMoment);
  isLoading = false;
}

async function loadMoment(time) {
  try {
    const [roomThen] = await Promise.all([getRoomAt(time), sleep(isShown() ? REQUEST_EVERY : 0)]);
    if (wantedMoment !== time) return;
    show(roomThen, time);
    history.replaceState(null, "", `#t-${new Date(time).toISOString()}`);
  } catch (error) {
    notice(`That moment could not be loaded: ${error.message}`, 8);
  }
  if (wantedMoment === time) wantedMoment = null;
}

export const reload = () => goTo(shownMoment);

function stopPlaying() {
  playback += 1;
  setAria(playButton, { pressed: false });
}

const speed = () => Number(document.querySelector("[name=speed]:checked").value);

async function play() {
  const started = (playback += 1);
  setAria(playButton, { pressed: true });
  try {
    while (started === playback) await playPart(() => started === playback);
  } catch (error) {
    notice(`Playing stopped: ${error.message}`, 8);
    stopPlaying();
  }
}

// Plays two seconds: their messages appear one by one, and at their end agents and totals are shown as they were then.
async function playPart(isPlaying) {
  const end = shownMoment + PLAYED_PER_REQUEST * speed();
  if (end >= serverNow()) return backToLive();
  const roomThen = await getRoomAt(end);
  const added = roomThen.messages.filter((message) => messageList.idOf(message) > messageList.lastShown());
  // Nothing but new messages: some between these and the list may be missing, so the list is replaced.
  const hasGap = added.length === PAGE_SIZE && roomThen.hasMore;
  for (const message of hasGap ? [] : added) {
    if (!(await letTimePass(Date.parse(message.timestamp), isPlaying))) return;
    messageList.appendNew([message]);
  }
  if (!(await letTimePass(end, isPlaying))) return;
  if (hasGap) messageList.show(roomThen.messages, source, { older: true });
  onlineAgents.showThen(roomThen);
}

// Moves the shown moment to `until` at the selected speed. Resolves to false if playing was stopped meanwhile.
async function letTimePass(until, isPlaying) {
  while (isPlaying() && shownMoment < until) {
    const step = Math.min(TICK, (until - shownMoment) / speed());
    await sleep(step);
    if (isPlaying()) setShownMoment(Math.min(until, shownMoment + step * speed()));
  }
  messageList.refreshTimes();
  return isPlaying();
}

// From live, the last hour is played.
async function togglePlaying() {
  if (playButton.getAttribute("aria-pressed") === "true") return stopPlaying();
  if (!isShown()) await goTo(Math.round(serverNow() - HOUR));
  if (isShown()) play();
}

export function start() {
  timeline.start(goTo);
  byId("back-to-live").addEventListener("click", backToLive);
  playButton.addEventListener("click", togglePlaying);
}
