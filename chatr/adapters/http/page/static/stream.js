// The page's connection to GET /api/stream: shows its state, and pauses it in a hidden tab.

import { roomUrl } from "./api.js";
import { formatExact, formatTime, serverNow } from "./clock.js";
import { byId } from "./dom.js";
import { askForKey, isLocked, keyAccepted, keyHeaders, wantsKey } from "./reading_key.js";
import { SharedStream } from "./shared_stream.js";
import { text } from "./texts.js";

const FAILURES_UNTIL_OFFLINE = 3;
const SILENCE_CHECKED_EVERY = 15_000;
const HIDDEN_UNTIL_PAUSED = 5 * 60_000;
const DAY = 24 * 3_600_000;

// What each state is called. "past" is shown for "live" while the past is shown.
const STATES = {
  connecting: "state.connecting",
  live: "state.live",
  locked: "state.locked",
  offline: "state.offline",
  past: "state.past",
  paused: "state.paused",
  reconnecting: "state.reconnecting",
};

const stateText = byId("state");

const stream = new SharedStream(`${roomUrl}api/stream?events=presence,removed`, {
  headers: keyHeaders,
  mayConnect: () => !isLocked() || showState("locked"),
  onLost: (failures) => showState(!navigator.onLine || failures >= FAILURES_UNTIL_OFFLINE ? "offline" : "reconnecting"),
  onRejected: (error, headers) => wantsKey(error, error) && askForKey(headers),
});

let showsPast = false;
let staysOpen = false;
let pauseTimer;
// When the connection was lost, or was paused; null while there is one.
let lostAt = serverNow();

// Shows what the style sheet hides until the first totals have come. Without a connection they do not come.
export const showUnfilled = () => document.body.classList.remove("loading");

function showState(state) {
  if (state !== "connecting" && state !== "live") showUnfilled();
  stateText.dataset.state = state;
  const words = text(STATES[state === "live" && showsPast ? "past" : state]);
  if (stateText.textContent !== words) stateText.textContent = words; // screen readers announce each change
  showWhetherOld(state);
}

// Marks what is shown as old, with the time since when, while the server cannot be reached. A short interruption is no news.
function showWhetherOld(state) {
  if (state === "live" || state === "locked") lostAt = null;
  else lostAt ??= serverNow();
  if (state === "reconnecting") return; // what was said before still holds
  const isOld = state === "offline";
  document.documentElement.classList.toggle("old", isOld);
  const since = isOld && (serverNow() - lostAt < DAY ? formatTime(lostAt) : formatExact(lostAt));
  const sentence = isOld ? text("state.unreachable", { since }) : "";
  const line = byId("unreachable");
  if (line.textContent !== sentence) line.textContent = sentence;
}

// While the past is shown, "live" would be wrong; a broken connection is reported all the same.
export function setShowsPast(value) {
  showsPast = value;
  showState(stateText.dataset.state);
}

function reconnectIfSilent() {
  if (stream.isSilent()) reconnect();
}

export function reconnect() {
  showState("reconnecting");
  stream.connect();
}

function renew() {
  showState("reconnecting");
  stream.renew();
}

// A hidden tab that is to notify its reader goes on reading.
export function keepOpenWhenHidden(value) {
  staysOpen = value;
}

function pause() {
  if (staysOpen) return;
  stream.close();
  showState("paused");
}

function visibilityChanged() {
  clearTimeout(pauseTimer);
  if (document.hidden) pauseTimer = setTimeout(pause, HIDDEN_UNTIL_PAUSED);
  else if (stream.isOpen) reconnectIfSilent();
  else reconnect();
}

// Calls `frameListener` with each frame, as {type, data}, and `openListener` each time the connection is open again.
export function start(frameListener, openListener) {
  stream.onFrame = frameListener;
  stream.onOpen = () => {
    keyAccepted();
    showState("live");
    openListener();
  };
  document.addEventListener("visibilitychange", visibilityChanged);
  // A server on this machine is still reachable, so offline is a reason to try, not to give up.
  for (const change of ["online", "offline"]) addEventListener(change, () => document.hidden || renew());
  // A page restored from the back/forward cache has lost its connection.
  addEventListener("pageshow", (event) => event.persisted && reconnect());
  setInterval(() => document.hidden || reconnectIfSilent(), SILENCE_CHECKED_EVERY);
  stream.connect();
}
