// The line to the room: follows the stream, comes back by the last id, and says how it stands.

import { byId } from "./dom.js";

const RETRY_FIRST = 1_000;
const RETRY_LAST = 60_000;
const FAILURES_UNTIL_OFFLINE = 3;
const SILENCE = 60_000;
const HIDDEN_UNTIL_PAUSED = 5 * 60_000;

const state = byId("state");

let take;
let opened;
let stream;
let cursor = "";
let inThePast = false;
let failures = 0;
let heardAt = 0;
let longestSilence = 0;
let returning;
let pausing;

function showState(words) {
  state.dataset.state = words;
  const told = words === "live" && inThePast ? "in the past" : words;
  if (state.textContent !== told) state.textContent = told;
}

// While the past is shown, nobody is told that this is live; that the line is broken is said all the same.
export function showPast(yes) {
  inThePast = yes;
  showState(state.dataset.state);
}

// Frames without an id must not touch the cursor: a stream made anew reports "" until its first id.
function receive(event) {
  const frame = JSON.parse(event.data);
  if (frame.type === "history" || frame.type === "message") cursor = event.lastEventId;
  longestSilence = Math.max(longestSilence, performance.now() - heardAt);
  heardAt = performance.now();
  take(frame);
}

function connect() {
  clearTimeout(returning);
  stream?.close();
  const query = new URLSearchParams(cursor ? { presence: 1, lastEventId: cursor } : { presence: 1 });
  stream = new EventSource(`/api/stream?${query}`);
  stream.onmessage = receive;
  stream.onopen = () => {
    failures = 0;
    heardAt = performance.now();
    showState("live");
    opened();
  };
  stream.onerror = lose;
}

// After a lost connection the browser comes back by itself; after a refusal (429, 502, 503) it never does.
function lose() {
  failures += 1;
  const offline = !navigator.onLine || failures >= FAILURES_UNTIL_OFFLINE;
  showState(offline ? "offline" : "reconnecting");
  if (stream.readyState === EventSource.CLOSED) returning = setTimeout(connect, pause());
}

function pause() {
  return Math.min(RETRY_LAST, RETRY_FIRST * 2 ** failures) * (0.5 + Math.random() / 2);
}

// A network that went away says nothing at all, not even that it is gone; the totals are heard every few seconds.
function doubt() {
  const quiet = performance.now() - heardAt;
  if (stream.readyState === EventSource.OPEN && quiet > Math.max(SILENCE, 3 * longestSilence)) again();
}

function again() {
  showState("reconnecting");
  connect();
}

function letGo() {
  clearTimeout(returning);
  stream.close();
  showState("paused");
}

function look() {
  clearTimeout(pausing);
  if (document.hidden) pausing = setTimeout(letGo, HIDDEN_UNTIL_PAUSED);
  else if (stream.readyState === EventSource.OPEN) doubt();
  else again();
}

// `frame` is handed each frame; `open` is called whenever the line stands anew.
export function follow(frame, open) {
  take = frame;
  opened = open;
  document.addEventListener("visibilitychange", look);
  addEventListener("online", () => document.hidden || again());
  addEventListener("offline", () => document.hidden || again()); // a room on this machine is still there
  addEventListener("pageshow", (event) => event.persisted && again());
  setInterval(() => document.hidden || doubt(), SILENCE / 4);
  connect();
}
