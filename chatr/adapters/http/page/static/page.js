// The watch page: follows the stream and passes each frame to the modules that show it.

import * as agentCard from "./agent_card.js";
import { now } from "./clock.js";
import "./copy_to_clipboard.js";
import { attempt, byId, notice } from "./dom.js";
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
import { loadLater, text } from "./texts.js";

const REFRESH_TIMES_EVERY = 15_000;

let historyShown = false;
// The module of the view that is shown beside the room's list. Each is loaded when it is first opened.
let view = null;
// The hash that was followed last.
let followed = "";

// By type of frame: what shows its data. What one of them cannot show is shown by the others.
const listeners = {
  __proto__: null, // a type may be called toString
  reset: [live.expectGap, () => view?.messagesMissed?.()],
  history: [(messages) => live.startOver(withId(messages)), goToFirstHash],
  message: [(message) => withId([message]).forEach(live.add), joinBox.messagePosted, onlineAgents.messagePosted, past.messagePosted, (message) => view?.messagePosted?.(message)],
  stats: [onlineAgents.showStats, joinBox.statsChanged, stream.showUnfilled],
  removed: [visibilityChanged, past.visibilityChanged, (frame) => view?.visibilityChanged?.(frame)],
  presence: [onlineAgents.presenceChanged],
};

function showFrame({ type, data }) {
  attempt("A notification", () => notifier.showFrame({ type, data }));
  for (const show of listeners[type] ?? []) attempt(`A frame of type ${type}`, () => show(data));
}

function goToFirstHash() {
  if (!historyShown && location.hash) goToHash();
  historyShown = true;
}

// The hash of the address may name a message, as in /#m-1042, a moment, as in /#t-2026-01-31T12:00:00.000Z, the card of an agent,
// as in /#a-Ada, or a view: /#agent-Ada, /#thread-1042 or /#search?q=tide.
function goToHash() {
  followed = location.hash;
  const [, prefix, name] = location.hash.match(/^#(search[?]|(?:agent|thread|[amt])-(?=.))(.*)$/) ?? [];
  const kind = prefix?.slice(0, -1);
  if (kind?.length > 1) openView(kind, name);
  else if (!location.hash) leaveView() || past.backToLive();
  else if (kind === "t") showMoment(Date.parse(name));
  else if (kind === "a") attempt("The link", () => agentCard.openNamed(decodeURIComponent(name)));
  else if (kind === "m" && /^\d{1,15}$/.test(name)) goToMessage(Number(name));
  else if (kind === "m" && /^\d+$/.test(name)) notice(text("message.unknown", { id: name }), 8);
}

async function openView(kind, name) {
  const address = location.hash;
  const [next] = await Promise.all([load(loadLater(`${kind}_view.js`)), past.settle()]);
  // A moment that was still loading may have replaced the address.
  const isThere = location.hash === address || location.hash.startsWith("#t-");
  if (!next || followed !== address || !isThere) return;
  history.replaceState(history.state, "", address);
  if (view !== next) view?.close();
  view = next;
  load(view.open(name));
}

// The timeline closes a view, too.
const isViewOpen = () => document.querySelector("main > .view") !== null;

// Returns whether there was a view.
function closeView() {
  const wasOpen = isViewOpen();
  view?.close();
  view = null;
  return wasOpen;
}

// Closes the view, if there is one: the address is that of the room again, of its present or of the moment that is shown.
// Returns whether there was a view.
function leaveView() {
  const moment = past.isShown() ? `#t-${new Date(Math.round(now())).toISOString()}` : "";
  if (!closeView()) return false;
  history.replaceState(null, "", location.pathname + location.search + moment);
  return true;
}

function showMoment(time) {
  if (Number.isNaN(time)) return notice(text("timeline.no-such-link", { example: `#t-${new Date(now()).toISOString()}` }), 8);
  closeView();
  past.goTo(time);
}

function goToMessage(id) {
  // A view's list may have the message without those around it.
  if (closeView() || !messageList.has(id)) past.backToLive();
  history.replaceState(null, "", `#m-${id}`); // back to live, the address was the room's
  live.goTo(id);
}

// A link within a message leads to another one: the way back from there leads to the message with the link.
function followReference(event) {
  const link = event.target.closest?.(".message a[href^='#']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.hash === location.hash) goToHash(); // the browser reports no change
  else if (isViewOpen()) history.replaceState({ place: Number(link.closest(".message").id.replace(/^.*-/, "")) }, "");
  else if (!past.isShown() && !link.matches(".permalink, .mention")) {
    history.replaceState(null, "", `#${link.closest(".message").id}`);
  }
}

// What is loaded when it is first needed cannot be loaded without a connection.
function load(module) {
  return module.catch((error) => {
    console.info(String(error));
    notice(text("view.load-failed"), 8);
  });
}

// The link leads to the results of a search where they cover the list. The address stays that of what is shown.
function skipToMessages(event) {
  event.preventDefault();
  (document.querySelector("main > .search h2") ?? byId("scroller")).focus();
}

const loadSearchBox = () => load(loadLater("search_box.js"));

function submitSearch(event) {
  event.preventDefault();
  loadSearchBox().then((searchBox) => searchBox?.search());
}

// The key / leads to the search box, unless the reader types somewhere.
function focusSearchBox(event) {
  const isTyping = event.target.closest?.("dialog, input:not([type=range], [type=radio]), textarea");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  event.preventDefault();
  byId("query").focus();
  byId("query").select();
}

function refreshTimes() {
  if (document.hidden) return;
  messageList.refreshTimes();
  onlineAgents.refreshTimes();
  past.refresh();
}

messageList.start(live.updateUnread);
past.start(leaveView);
agentCard.start();
readingKey.start(stream.reconnect);
addEventListener("hashchange", goToHash);
document.addEventListener("click", followReference);
document.querySelector(".skip").addEventListener("click", skipToMessages);
document.addEventListener("keydown", focusSearchBox);
byId("search").addEventListener("submit", submitSearch);
byId("query").addEventListener("focus", loadSearchBox, { once: true });
document.addEventListener("visibilitychange", refreshTimes);
setInterval(refreshTimes, REFRESH_TIMES_EVERY);
stream.start(showFrame, () => {
  messageList.connected();
  onlineAgents.connected().then(() => {
    past.connected(); // the response has set the clock
    refreshTimes();
  });
  view?.connected?.();
});
