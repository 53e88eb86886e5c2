// Plays the past from the shown moment on, and steps from message to message. Loaded when it is first used.

import { getJson } from "./api.js";
import { formatDuration, serverNow, sleep } from "./clock.js";
import { byId, notice } from "./dom.js";
import * as messageList from "./message_list.js";
import * as onlineAgents from "./online_agents.js";
import * as past from "./past.js";
import { text } from "./texts.js";
import { widenTo } from "./timeline_zoom.js";

// Milliseconds of playback that one request covers, and that the timeline's window shows at least.
const PLAYED_PER_REQUEST = 2_000;
const PLAYED_IN_WINDOW = 30_000;
// The least time between two requests: they are limited per address, and each stretch without messages needs two.
const BETWEEN_REQUESTS = 750;
const TICK = 200;
// Milliseconds of playback between the end of a jump over silence and the next message.
const LEAD = 1_000;
// When fewer milliseconds of playback are left, the present is shown.
const SHORTEST_REST = 1_000;
const PAGE_SIZE = 100;
const HOUR = 3_600_000;

let requestAfter = 0;

const speed = () => Number(byId("speed").value);

async function request(path) {
  await sleep(Math.max(0, requestAfter - performance.now()));
  requestAfter = performance.now() + BETWEEN_REQUESTS;
  return getJson(path);
}

// From live, the last hour is played. `leaveView` closes a view: what is played is the room's list.
export async function togglePlaying(leaveView) {
  if (byId("play").getAttribute("aria-pressed") === "true") return past.stopPlaying();
  leaveView();
  const isThere = past.isShown() || past.isLoading();
  const loading = isThere ? past.settle() : past.goTo(Math.round(serverNow() - HOUR));
  // Both have stopped what was playing. From now on another moment, a view, or a second press stops this.
  const isPlaying = past.beginPlaying();
  await loading;
  if (isPlaying()) await play(isPlaying);
}

async function play(isPlaying) {
  if (!past.isShown()) return past.stopPlaying(); // the moment could not be loaded
  try {
    while (isPlaying()) await playPart(isPlaying);
  } catch (error) {
    notice(text("timeline.playing-stopped", { reason: error.message }), 8);
    past.stopPlaying();
  }
}

// Plays two seconds: their messages appear one by one, and at their end agents and totals are shown as they were then.
async function playPart(isPlaying) {
  const rest = serverNow() - past.shownTime();
  if (rest < SHORTEST_REST * speed()) return past.backToLive();
  widenTo(PLAYED_IN_WINDOW * speed());
  const end = past.shownTime() + Math.min(rest, PLAYED_PER_REQUEST * speed());
  const roomThen = await request(`api/at?time=${Math.round(end)}`);
  if (!isPlaying()) return;
  const added = roomThen.messages.filter((message) => messageList.idOf(message) > messageList.lastShown());
  if (!added.length && byId("skip-silence").checked && (await skipSilence(roomThen.position, end, isPlaying))) return;
  if (await showPart(added, end, roomThen, isPlaying)) past.setPosition(roomThen.position);
}

// Resolves to false if playing was stopped meanwhile.
async function showPart(added, end, roomThen, isPlaying) {
  // The response holds only new messages: some before them may be missing, so the list is replaced.
  const hasGap = added.length === PAGE_SIZE && roomThen.hasMore;
  for (const message of hasGap ? [] : added) {
    if (!(await letTimePass(Date.parse(message.timestamp), isPlaying))) return false;
    messageList.appendNew([message]);
    past.setPosition(messageList.idOf(message));
  }
  if (!(await letTimePass(end, isPlaying))) return false;
  if (hasGap) messageList.show(roomThen.messages, past.source, { older: true });
  onlineAgents.showThen(roomThen);
  return true;
}

// Jumps to shortly before the first message after a position at which nothing new was found. Resolves to false if that message
// comes so soon that time can pass until then.
async function skipSilence(position, end, isPlaying) {
  const { messages } = await request(`api/messages?after=${position}&limit=1&removed=show`);
  if (!isPlaying()) return true;
  if (!messages.length) {
    notice(text("timeline.nothing-later"), 8);
    past.backToLive();
    return true;
  }
  const target = Date.parse(messages[0].timestamp) - LEAD * speed();
  if (!(target > end)) return false;
  notice(text("timeline.skipped", { duration: formatDuration(target - past.shownTime()) }), 4);
  past.setShownTime(target);
  return true;
}

// Moves the shown moment to `until` at the selected speed. Resolves to false if playing was stopped meanwhile.
async function letTimePass(until, isPlaying) {
  while (isPlaying() && past.shownTime() < until) {
    const step = Math.min(TICK, (until - past.shownTime()) / speed());
    await sleep(step);
    if (isPlaying()) past.setShownTime(Math.min(until, past.shownTime() + step * speed()));
  }
  messageList.refreshTimes();
  return isPlaying();
}

// Messages in the order of the log, around the one that a step led to: many steps need one request.
let neighbours = [];

// Shows the room when the message before (-1) or after (1) the last one that is shown had been posted.
export async function stepMessage(direction) {
  const position = past.selectedPosition();
  if (position === null && direction > 0) return;
  try {
    const message = await neighbour(position, direction);
    if (message) return await past.goToWanted(momentOf(message));
    if (direction > 0) return past.backToLive();
    notice(text("timeline.first-message"), 4);
  } catch (error) {
    notice(text("timeline.moment-not-loaded", { reason: error.message }), 8);
  }
}

// By position, because others may have been posted in the same millisecond, or the clock may have stepped back.
function momentOf({ id, timestamp }) {
  return { query: `position=${id}`, time: Date.parse(timestamp), position: Number(id) };
}

// Removed messages are steps as well: the list of the past shows them as such.
// Returns the message before (-1) or after (1) the last one at a position, null = the newest one; undefined if there is none.
export async function neighbour(position, direction) {
  const index = neighbours.findIndex((message) => messageList.idOf(message) === position);
  const known = index >= 0 && neighbours[index + direction];
  if (known) return known;
  const before = position === null ? "" : `&before=${position + 1}`;
  const query = direction < 0 ? before : `&after=${position}`;
  ({ messages: neighbours } = await getJson(`api/messages?limit=${PAGE_SIZE}&removed=show${query}`));
  return direction < 0 ? neighbours[neighbours.length - 2] : neighbours[0];
}
