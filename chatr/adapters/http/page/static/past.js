// The past: shows the room as it was at the moment selected on the timeline, and plays it on from there.

import { getJson, jittered, refreshJson, waitForRefresh } from "./api.js";
import { formatExact, serverNow, setMoment, sleep } from "./clock.js";
import { byId, notice } from "./dom.js";
import * as live from "./live.js";
import * as messageList from "./message_list.js";
import { setAria } from "./old_browsers.js";
import * as onlineAgents from "./online_agents.js";
import { setShowsPast } from "./stream.js";
import { text } from "./texts.js";
import * as timeline from "./timeline.js";

const PAGE_SIZE = 100;
// While the slider is dragged, a moment is requested twice a second: requests are limited per address.
const REQUEST_EVERY = 500;
// The stream's messages are counted as they come, so the activity is loaded again for the width of its bars alone.
const RELOAD_ACTIVITY_AFTER = 10 * 60_000;
// Clocks of servers and of this machine may differ by so much, without a message being missed.
const CLOCKS_DIFFER = 60_000;
// After a removal or restoration. Not sooner: a message that is restored is loaded by one of the same few requests.
const RECOUNT_AFTER = 60_000;
// While the slider moves, only as many messages as fill a screen are drawn, and no agents: to draw a hundred of each takes longer
// than a frame. All are drawn when no other moment was selected for this many milliseconds.
const DRAWN_WHILE_MOVING = 25;
const DRAW_ALL_AFTER = 200;
// Steps to the message before and after, while the messages have the focus; on the slider timeline_controls.js does.
const STEPS = { ",": -1, ".": 1 };
const SKIPS_SILENCE = "chatr-skip-silence";

const [playButton, skipSilence, momentButton] = ["play", "skip-silence", "moment"].map(byId);

// The moment that is shown, null = the present, and the position in the log of the last record that it shows.
let [shownMoment, shownPosition] = [null, null];
// What was selected and is not loaded yet: {query, time}, null = nothing.
let wanted = null;
// The promise of loading what was selected; it settles when nothing more is selected. null = nothing is loading.
let loading = null;
let isMoving = false;
// The room of which only the last messages are drawn so far, and the timer that draws all of it.
let [partlyDrawn, drawAllTimer] = [null, undefined];
// The number of starts and stops of playing: a playing loop ends when the number has changed.
let playback = 0;
let [hasActivity, reloadActivityAt] = [false, Infinity];

const removeHash = () => history.replaceState(null, "", location.pathname + location.search);
const withPlayback = (use) => timeline.withModule("playback.js", use);

export const isShown = () => shownMoment !== null;
export const isLoading = () => loading !== null;
export const shownTime = () => shownMoment;
// The position of the last record that is shown or was selected, null = the newest.
export const selectedPosition = () => wanted?.position ?? shownPosition;

// Older pages come from /api/at as well: it returns badges as they were then, /api/messages as they are now.
export const source = {
  older: (id) => getJson(`api/at?position=${id - 1}&limit=${PAGE_SIZE}`),
};

const loadsNothing = { older: () => new Promise(() => {}) };

async function loadActivity(get) {
  reloadActivityAt = performance.now() + jittered(RELOAD_ACTIVITY_AFTER);
  try {
    // Messages of clocks that are far ahead would take most of the chart.
    const end = new Date(serverNow() + CLOCKS_DIFFER).toISOString();
    timeline.showActivity(await get(`api/activity?to=${end}&buckets=${timeline.barsIn(innerWidth)}`));
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
  else timeline.placeHandle(timeline.selected());
}

export const messagePosted = timeline.countMessage;

// A removed or restored message: the frame does not say in which bar it is.
export function visibilityChanged() {
  reloadActivityAt = Math.min(reloadActivityAt, performance.now() + jittered(RECOUNT_AFTER));
}

// Sets the clock, colours and state to a moment, null = the present; the slider too, unless another moment was selected.
export function setShownTime(time, isLatest = true) {
  shownMoment = time;
  setMoment(time);
  document.documentElement.classList.toggle("past", isShown());
  setShowsPast(isShown());
  if (!isLatest) return;
  timeline.placeHandle(time);
  momentButton.textContent = time === null ? text("timeline.go-to") : formatExact(time);
}

export const setPosition = (position) => (shownPosition = position);

function show(roomThen, time, isLatest) {
  setPosition(roomThen.position);
  setShownTime(time, isLatest);
  live.leave();
  if (!isMoving) return draw(roomThen);
  messageList.show(roomThen.messages.slice(-DRAWN_WHILE_MOVING), loadsNothing);
  partlyDrawn = roomThen;
  if (isLatest) drawAllTimer = setTimeout(draw, DRAW_ALL_AFTER, roomThen);
}

function draw(roomThen) {
  stopMoving();
  messageList.show(roomThen.messages, source, { older: roomThen.hasMore });
  onlineAgents.showThen(roomThen);
}

export function backToLive() {
  stopPlaying();
  stopMoving();
  wanted = null;
  if (!isShown()) return;
  setPosition(null);
  setShownTime(null);
  removeHash();
  onlineAgents.showNow();
  live.comeBack();
}

function stopMoving() {
  clearTimeout(drawAllTimer);
  isMoving = false;
  partlyDrawn = null;
}

// Shows the room at a time in milliseconds; null leads back to live.
export async function goTo(time) {
  if (time === null) return backToLive();
  if (Number.isNaN(time)) return; // a search at such a moment says so
  const moment = Math.max(Math.round(time), timeline.beginning()); // while it plays, moments are fractions
  await goToWanted({ query: `time=${moment}`, time: moment });
}

// Shows the room at what `query` says to GET /api/at. If moments are selected faster than responses arrive, some are skipped.
export async function goToWanted(selected) {
  stopPlaying();
  wanted = selected;
  momentButton.textContent = formatExact(selected.time);
  clearTimeout(drawAllTimer);
  if (loading) isMoving = true;
  return (loading ??= loadSelected());
}

async function loadSelected() {
  while (wanted !== null) await loadWanted(wanted);
  loading = null;
}

// Stops playing, and resolves when the room at the selected moment is drawn whole.
export async function settle() {
  stopPlaying();
  await loading;
  if (partlyDrawn) draw(partlyDrawn);
}

async function loadWanted(selected) {
  try {
    const [[roomThen, time]] = await Promise.all([getRoomAt(selected), sleep(isShown() ? REQUEST_EVERY : 0)]);
    if (wanted === null) return; // live again
    if (wanted === selected && !selected.position && time > serverNow()) return refuseFuture();
    // The slider stays at what was selected since.
    show(roomThen, time, wanted === selected);
    if (wanted === selected) history.replaceState(null, "", `#t-${new Date(time).toISOString()}`);
  } catch (error) {
    const reason = error.code === "no_such_moment" ? text("list.empty") : error.message; // the room has no moments yet
    notice(text("timeline.moment-not-loaded", { reason }), 8);
    if (partlyDrawn) draw(partlyDrawn);
    if (wanted === selected) setShownTime(shownMoment);
  }
  if (wanted === selected) wanted = null;
}

function refuseFuture() {
  backToLive();
  setShownTime(null); // also where live was shown
  removeHash();
  notice(text("timeline.in-future", { time: formatExact(serverNow()) }), 8);
}

// Returns the room at what was selected, and the time. The chart's first bar may begin before the log, and its first second before
// the first message: the first message then.
async function getRoomAt({ query, time }) {
  try {
    const roomThen = await getJson(`api/at?${query}`);
    if (roomThen.messages.length || time > timeline.beginning()) return [roomThen, time];
  } catch (error) {
    if (error.code !== "no_such_moment" || time > timeline.beginning() + timeline.state().whole.width) throw error;
  }
  const [first] = (await getJson("api/messages?after=0&limit=1&removed=show")).messages;
  return [await getJson(`api/at?position=${first.id}`), Date.parse(first.timestamp)];
}

export const reload = () => goTo(shownMoment);

export function stopPlaying() {
  playback += 1;
  setAria(playButton, { pressed: false });
}

// Returns a function that says whether playing goes on.
export function beginPlaying() {
  const started = (playback += 1);
  setAria(playButton, { pressed: true });
  return () => started === playback;
}

const step = (direction) => withPlayback(({ stepMessage }) => stepMessage(direction));

function stepByKey(event) {
  const hasModifier = event.ctrlKey || event.altKey || event.metaKey;
  if (STEPS[event.key] && !hasModifier && event.target.closest?.("#scroller")) step(STEPS[event.key]);
}

// Where storage is forbidden, a choice lasts as long as the page is open.
function rememberSkipSilence() {
  try {
    skipSilence.checked = localStorage.getItem(SKIPS_SILENCE) !== "false";
    skipSilence.addEventListener("change", () => localStorage.setItem(SKIPS_SILENCE, skipSilence.checked));
  } catch {}
}

// `leaveView` closes the view that is shown beside the room's list.
export function start(leaveView) {
  timeline.start(goTo);
  rememberSkipSilence();
  byId("back-to-live").addEventListener("click", backToLive);
  byId("back-to-live").addEventListener("click", () => byId("scroller").focus({ preventScroll: true })); // the button is hidden
  byId("message-before").addEventListener("click", () => step(-1));
  byId("message-after").addEventListener("click", () => step(1));
  momentButton.addEventListener("click", () => timeline.withModule("moment_dialog.js", (dialog) => dialog.openMomentDialog(goTo)));
  document.addEventListener("keydown", stepByKey);
  playButton.addEventListener("click", () => withPlayback(({ togglePlaying }) => togglePlaying(leaveView)));
}
