// The connection to GET /api/stream: receives frames, reconnects with the last id, and shows the state of the connection.

import { byId } from "./dom.js";
import { FetchStream } from "./fetch_stream.js";
import { askForKey, isLocked, keyAccepted, keyHeaders, wantsKey } from "./reading_key.js";

const RETRY_FIRST = 1_000;
const RETRY_LAST = 60_000;
const FAILURES_UNTIL_OFFLINE = 3;
// After a connection that was lost sooner than this, the second one in a row, the next is opened no sooner either.
const STABLE = 60_000;
// A connection without a frame for this long is replaced: the server sends totals every few seconds.
const SILENCE = 60_000;
const HIDDEN_UNTIL_PAUSED = 5 * 60_000;
// A page that missed more is shown the newest messages; its reader can scroll back.
const MAX_MISSED = 1_000;

const stateText = byId("state");

let onFrame;
let onOpen;
let stream;
let cursor = "";
let showsPast = false;
let failures = 0;
// EventSource does not say why it was rejected. After that the next connection is made by fetch, which knows.
let wasRejected = false;
// Connections in a row that were lost soon after they had opened.
let losses = 0;
let openedAt = 0;
let lastFrameAt = 0;
// The longest pause between two frames so far. An operator may have set a longer --stats-every than SILENCE.
let longestSilence = 0;
let reconnectTimer;
let pauseTimer;

function showState(state) {
  stateText.dataset.state = state;
  const text = state === "live" && showsPast ? "in the past" : state;
  if (stateText.textContent !== text) stateText.textContent = text; // screen readers announce each change
}

// While the past is shown, "live" would be wrong; a broken connection is reported all the same.
export function setShowsPast(value) {
  showsPast = value;
  showState(stateText.dataset.state);
}

// Only frames with messages carry an id. Others must not change the cursor: a new EventSource reports "" until its first id.
function receive(event) {
  const frame = JSON.parse(event.data);
  if (frame.type === "history" || frame.type === "message") cursor = event.lastEventId;
  longestSilence = Math.max(longestSilence, performance.now() - lastFrameAt);
  lastFrameAt = performance.now();
  onFrame(frame);
}

function connect() {
  clearTimeout(reconnectTimer);
  stream?.close();
  if (isLocked()) return showState("locked");
  const resume = cursor ? { lastEventId: cursor, maxMissed: MAX_MISSED } : {};
  // URLSearchParams would encode the comma, and such a request costs the server twice as much.
  const [url, headers] = [`api/stream?events=presence,removed&${new URLSearchParams(resume)}`, keyHeaders()];
  stream = headers.Authorization || wasRejected ? new FetchStream(url, headers) : new EventSource(url);
  stream.onmessage = receive;
  stream.onrejected = (response) => rejected(response, headers);
  stream.onopen = () => {
    failures = 0;
    wasRejected = false;
    keyAccepted();
    openedAt = lastFrameAt = performance.now();
    showState("live");
    onOpen();
  };
  stream.onerror = connectionLost;
}

async function rejected(response, headers) {
  const body = await response.json().catch(() => ({})); // a proxy's error page may be HTML
  if (wantsKey(response, body)) askForKey(headers);
}

// EventSource reconnects by itself after a lost connection, but never after an error response such as 429, 502 or 503, and
// FetchStream never does. If connections open and are lost again and again, one is opened in a minute, not every few seconds.
function connectionLost() {
  if (!failures) losses = performance.now() - openedAt < STABLE ? losses + 1 : 0;
  failures += 1;
  if (isLocked()) return showState("locked");
  const offline = !navigator.onLine || failures >= FAILURES_UNTIL_OFFLINE;
  showState(offline ? "offline" : "reconnecting");
  const wasOpen = failures === 1 && openedAt > 0;
  const isClosed = stream.readyState === EventSource.CLOSED;
  wasRejected = isClosed && !wasOpen;
  if (losses > 1 && (wasOpen || !isClosed)) {
    stream.close();
    reconnectTimer = setTimeout(connect, Math.max(retryDelay(), openedAt + STABLE - performance.now()));
  } else if (isClosed) {
    // Rejected at its first connection, the page is told the reason at once, such as that it needs a key.
    reconnectTimer = setTimeout(connect, failures > 1 || openedAt ? retryDelay() : 0);
  }
}

// Exponential backoff. The random part keeps many watchers from coming back at the same moment.
function retryDelay() {
  return Math.min(RETRY_LAST, RETRY_FIRST * 2 ** failures) * (0.5 + Math.random() / 2);
}

// A network that has gone away is not reported as closed: only the missing frames show it.
function reconnectIfSilent() {
  const silence = performance.now() - lastFrameAt;
  if (stream.readyState === EventSource.OPEN && silence > Math.max(SILENCE, 3 * longestSilence)) reconnect();
}

export function reconnect() {
  showState("reconnecting");
  connect();
}

function pause() {
  clearTimeout(reconnectTimer);
  stream.close();
  showState("paused");
}

function visibilityChanged() {
  clearTimeout(pauseTimer);
  if (document.hidden) pauseTimer = setTimeout(pause, HIDDEN_UNTIL_PAUSED);
  else if (stream.readyState === EventSource.OPEN) reconnectIfSilent();
  else reconnect();
}

// Calls `frameListener` with each frame, as {type, data}, and `openListener` each time the connection is open again.
export function start(frameListener, openListener) {
  onFrame = frameListener;
  onOpen = openListener;
  document.addEventListener("visibilitychange", visibilityChanged);
  addEventListener("online", () => document.hidden || reconnect());
  // A server on this machine is still reachable, so offline is a reason to try, not to give up.
  addEventListener("offline", () => document.hidden || reconnect());
  // A page restored from the back/forward cache has lost its connection.
  addEventListener("pageshow", (event) => event.persisted && reconnect());
  setInterval(() => document.hidden || reconnectIfSilent(), SILENCE / 4);
  connect();
}
