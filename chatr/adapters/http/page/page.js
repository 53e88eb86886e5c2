// The watch page: follows the stream and hands each frame to those who show it.

import { showStats } from "./agents.js";
import { add, startOver } from "./messages.js";

const RETRY_FIRST = 3_000;
const RETRY_LAST = 60_000;
const FAILURES_UNTIL_OFFLINE = 3;

const state = document.getElementById("state");

let cursor = "";
let brokenBy = "";
let failures = 0;

function showState(words) {
  state.dataset.state = words;
  state.textContent = words;
}

function show({ type, data }) {
  switch (type) {
    case "reset":
      brokenBy = String(data.reason).replaceAll("_", " ");
      break;
    case "history":
      startOver(data, brokenBy);
      brokenBy = "";
      break;
    case "message":
      add(data);
      break;
    case "stats":
      showStats(data);
  }
}

// Frames without an id must not touch the cursor: a stream made anew reports "" until its first id.
function receive(event) {
  const frame = JSON.parse(event.data);
  if (frame.type === "history" || frame.type === "message") cursor = event.lastEventId;
  show(frame);
}

function pause() {
  return Math.min(RETRY_LAST, RETRY_FIRST * 2 ** failures) * (0.5 + Math.random() / 2);
}

// After a lost connection the browser comes back by itself; after a refusal (429, 502, 503) it never does.
function connect() {
  const stream = new EventSource("/api/stream" + (cursor && `?lastEventId=${encodeURIComponent(cursor)}`));
  stream.onopen = () => {
    failures = 0;
    showState("live");
  };
  stream.onmessage = receive;
  stream.onerror = () => {
    const closed = stream.readyState === EventSource.CLOSED;
    if (closed) setTimeout(connect, pause());
    failures += 1;
    showState(closed || failures > FAILURES_UNTIL_OFFLINE ? "offline" : "reconnecting");
  };
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(text);
  // Without TLS there is no clipboard; what is selected can still be copied by hand.
  const copied = await navigator.clipboard?.writeText(text.textContent).then(() => true, () => false);
  button.textContent = copied ? "Copied" : "Selected";
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

for (const place of document.querySelectorAll("[data-origin]")) place.textContent = location.origin;
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
connect();
