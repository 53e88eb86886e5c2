// The watch page: follows the stream and passes each frame to the modules that show it.

import * as agentCard from "./agent_card.js";
import "./copy_to_clipboard.js";
import { attempt, notice } from "./dom.js";
import * as joinBox from "./join_box.js";
import * as live from "./live.js";
import { withId } from "./message_items.js";
import * as messageList from "./message_list.js";
import * as notifier from "./notifier.js";
import * as onlineAgents from "./online_agents.js";
import * as past from "./past.js";
import * as readingKey from "./reading_key.js";
import { visibilityChanged } from "./removed.js";
import * as stream from "./stream.js";
import { text } from "./texts.js";

const REFRESH_TIMES_EVERY = 15_000;

let historyShown = false;

// By type of frame: what shows its data. What one of them cannot show is shown by the others.
const listeners = {
  __proto__: null, // a type may be called toString
  reset: [live.expectGap],
  history: [(messages) => live.startOver(withId(messages)), goToFirstHash],
  message: [(message) => withId([message]).forEach(live.add), joinBox.messagePosted, onlineAgents.messagePosted, past.messagePosted],
  stats: [onlineAgents.showStats, joinBox.statsChanged],
  removed: [visibilityChanged, past.visibilityChanged],
  presence: [onlineAgents.presenceChanged],
};

function showFrame({ type, data }) {
  attempt("A notification", () => notifier.showFrame({ type, data }));
  for (const show of listeners[type] ?? []) attempt(`A frame of type ${type}`, () => show(data));
}

function goToFirstHash() {
  if (!historyShown) goToHash();
  historyShown = true;
}

// The hash of the address may name a message, as in /#m-1042, a moment, as in /#t-2026-01-31T12:00:00.000Z, or an agent, as
// in /#a-Ada.
function goToHash() {
  const [, kind, name] = location.hash.match(/^#([amt])-(.+)$/) ?? [];
  if (kind === "t") past.goTo(Date.parse(name));
  else if (kind === "a") attempt("The link", () => agentCard.openNamed(decodeURIComponent(name)));
  else if (kind === "m" && /^\d{1,15}$/.test(name)) goToMessage(Number(name));
  else if (kind === "m" && /^\d+$/.test(name)) notice(text("message.unknown", { id: name }), 8);
}

function goToMessage(id) {
  if (!messageList.has(id)) past.backToLive();
  live.goTo(id);
}

// A link within a message leads to another one: the way back from there leads to the message with the link.
function followReference(event) {
  const link = event.target.closest?.(".quote > a, .content > a[href^='#m-']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.hash === location.hash) goToHash(); // the browser reports no change
  else if (!past.isShown()) history.replaceState(null, "", `#${link.closest(".message").id}`);
}

function refreshTimes() {
  if (document.hidden) return;
  messageList.refreshTimes();
  onlineAgents.refreshTimes();
  past.refresh();
}

messageList.start(live.updateUnread);
past.start();
agentCard.start((id) => (past.isShown() ? past.reload() : live.reload(id)));
readingKey.start(stream.reconnect);
addEventListener("hashchange", goToHash);
document.addEventListener("click", followReference);
document.addEventListener("visibilitychange", refreshTimes);
setInterval(refreshTimes, REFRESH_TIMES_EVERY);
stream.start(showFrame, () => {
  messageList.connected();
  onlineAgents.connected().then(refreshTimes); // its response has set the clock
  past.connected();
});
