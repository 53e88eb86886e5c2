// The room as it was: at the moment where the handle stands, and on from there as fast as one likes.

import { ask } from "./ask.js";
import { exact, present, standAt } from "./clock.js";
import { byId, notice } from "./dom.js";
import * as live from "./live.js";
import * as people from "./people.js";
import * as room from "./room.js";
import { showPast } from "./stream.js";
import * as timeline from "./timeline.js";

const PAGE = 100;
const ASK_EVERY = 500;
const STRIDE = 2_000;
const TICK = 200;
const ACTIVITY_EVERY = 60_000;
const HOUR = 3_600_000;

const play = byId("play");

let moment = null;
let wanted = null;
let seeking = false;
let playing = 0;
let loadedAt = -Infinity;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export const away = () => moment !== null;

const at = (time) => ask(`/api/at?time=${time}`);

// Badges as they were: older pages are asked of the moments before them.
const source = {
  older: (id) => ask(`/api/at?position=${id - 1}&limit=${PAGE}`),
};

export async function load() {
  loadedAt = performance.now();
  try {
    timeline.show(await ask(`/api/activity?buckets=${timeline.barsWanted()}`));
  } catch {} // what is shown stays
}

export function refresh() {
  if (performance.now() - loadedAt > ACTIVITY_EVERY) load();
  else if (!away()) timeline.place(null);
}

export const heard = ({ timestamp }) => timeline.count(timestamp);

function stand(time) {
  moment = time;
  standAt(time);
  timeline.place(time);
  document.documentElement.classList.toggle("then", away());
  showPast(away());
  byId("moment").textContent = time === null ? "" : exact(time);
}

function show(then, time) {
  stand(time);
  live.leave();
  room.show(then.messages, source, { older: then.hasMore });
  people.showThen(then);
}

export function backToLive() {
  pause();
  wanted = null;
  if (!away()) return;
  stand(null);
  history.replaceState(null, "", location.pathname);
  people.showNow();
  live.comeBack();
}

// Where a hand drags faster than answers come, the last place counts.
export async function goTo(time) {
  pause();
  if (time === null) return backToLive();
  if (Number.isNaN(time)) return;
  wanted = Math.max(time, timeline.beginning());
  byId("moment").textContent = exact(wanted);
  if (seeking) return;
  seeking = true;
  while (wanted !== null) await arrive(wanted);
  seeking = false;
}

async function arrive(time) {
  try {
    const [then] = await Promise.all([at(time), sleep(away() ? ASK_EVERY : 0)]);
    if (wanted !== time) return;
    show(then, time);
    history.replaceState(null, "", `#t-${new Date(time).toISOString()}`);
  } catch (error) {
    notice(`That moment could not be loaded: ${error.message}`, 8);
  }
  if (wanted === time) wanted = null;
}

export const again = () => goTo(moment);

function pause() {
  playing += 1;
  play.ariaPressed = "false";
}

const speed = () => Number(document.querySelector("[name=speed]:checked").value);

// Two seconds at a time: what was said in them comes one by one, and at their end everything is as it was then.
async function playOn() {
  const mine = (playing += 1);
  play.ariaPressed = "true";
  try {
    while (mine === playing) await stride(() => mine === playing);
  } catch (error) {
    notice(`It does not go on: ${error.message}`, 8);
    pause();
  }
}

async function stride(going) {
  const until = moment + STRIDE * speed();
  if (until >= present()) return backToLive();
  const then = await at(until);
  const fresh = then.messages.filter((message) => room.idOf(message) > room.lastShown());
  const gap = fresh.length === PAGE && then.hasMore;
  for (const message of gap ? [] : fresh) {
    if (!(await pass(Date.parse(message.timestamp), going))) return;
    room.grow([message]);
  }
  if (!(await pass(until, going))) return;
  if (gap) room.show(then.messages, source, { older: true });
  people.showThen(then);
}

// Lets the time pass until then.
async function pass(until, going) {
  while (going() && moment < until) {
    const step = Math.min(TICK, (until - moment) / speed());
    await sleep(step);
    if (going()) stand(Math.min(until, moment + step * speed()));
  }
  room.refreshTimes();
  return going();
}

async function toggle() {
  if (play.ariaPressed === "true") return pause();
  if (!away()) await goTo(Math.round(present() - HOUR));
  if (away()) playOn();
}

export function start() {
  timeline.start(goTo);
  byId("back").addEventListener("click", backToLive);
  play.addEventListener("click", toggle);
}
