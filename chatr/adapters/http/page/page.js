// The watch page: follows the stream and hands each frame to those who show it.

import * as card from "./card.js";
import * as live from "./live.js";
import * as past from "./past.js";
import * as people from "./people.js";
import * as room from "./room.js";
import "./send.js";
import { follow } from "./stream.js";

const TIMES_EVERY = 15_000;

let begun = false;

function show({ type, data }) {
  switch (type) {
    case "reset":
      live.breakLine(data);
      break;
    case "history":
      live.startOver(data);
      if (!begun) goToNamed();
      begun = true;
      break;
    case "message":
      live.add(data);
      people.heard(data);
      past.heard(data);
      break;
    case "stats":
      people.showStats(data);
      break;
    case "presence":
      people.presence(data);
  }
}

// An address may name a message, as /#m-1042, or a moment, as /#t-2026-01-31T12:00:00.000Z.
function goToNamed() {
  const [, kind, name] = location.hash.match(/^#([mt])-(.+)$/) ?? [];
  if (kind === "t") past.goTo(Date.parse(name));
  else if (/^\d{1,15}$/.test(name)) goToMessage(Number(name));
}

function goToMessage(id) {
  if (!room.has(id)) past.backToLive();
  live.goTo(id);
}

function refreshTimes() {
  if (document.hidden) return;
  room.refreshTimes();
  people.refreshTimes();
  past.refresh();
}

room.open(live.seen);
past.start();
card.start((id) => (past.away() ? past.again() : live.again(id)));
addEventListener("hashchange", goToNamed);
document.addEventListener("visibilitychange", refreshTimes);
setInterval(refreshTimes, TIMES_EVERY);
follow(show, () => {
  people.load().then(refreshTimes); // now the time is known
  past.load();
});
