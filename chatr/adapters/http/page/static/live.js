// The newest messages as the stream delivers them. They are kept in memory besides those on the page, so that the way back to
// live needs no request, and are counted as unread while the reader looks elsewhere.

import { getJson } from "./api.js";
import { setClockNotBefore } from "./clock.js";
import { byId, element, notice } from "./dom.js";
import { errorSentence } from "./error_sentence.js";
import * as listChanges from "./list_changes.js";
import { withId } from "./message_items.js";
import * as messageList from "./message_list.js";
import { last } from "./old_browsers.js";
import { setRemoved } from "./removals.js";
import { text } from "./texts.js";
import { showUnread } from "./unread.js";

const PAGE_SIZE = 100;
// New messages are announced to screen readers in batches. More than a few in one batch are only counted.
const ANNOUNCE_EVERY = 1_500;
const ANNOUNCED_AT_MOST = 3;

const toNewestButton = byId("to-newest");
const announcements = byId("announcements");

const newestMessages = [];
let unreadCount = 0;
let firstUnreadId = "";
let gap = "";
let isStarted = false;
let drawRequested = false;
// False while a moment of the past is shown.
let showsLive = true;
let toAnnounce = [];
let announceTimer;
let removedCount = 0;

const newestId = () => (newestMessages.length ? messageList.idOf(last(newestMessages)) : 0);

async function getPage(query) {
  const page = await getJson(`api/messages?limit=${PAGE_SIZE}&${query}`);
  return { ...page, messages: withId(page.messages) };
}

const source = {
  older: (id) => getPage(`before=${id}`),
  newer: async (id) => {
    const inMemory = newestMessages.filter((message) => messageList.idOf(message) > id);
    const reachesBack = newestMessages.length && messageList.idOf(newestMessages[0]) <= id + 1;
    if (reachesBack) return { messages: inMemory, hasMore: false };
    const page = await getPage(`after=${id}`);
    // Messages that were posted since that response are in memory: the next call returns them.
    return { ...page, hasMore: page.hasMore || newestId() > messageList.idOf(last(page.messages) ?? { id }) };
  },
};

function remember(messages) {
  // The stream follows the log: what it sends was restored, if it was ever removed.
  for (const { id } of messages) setRemoved(id, null);
  newestMessages.push(...messages);
  newestMessages.splice(0, newestMessages.length - messageList.MOST);
  if (newestMessages.length) setClockNotBefore(last(newestMessages).timestamp);
}

// Starts over with the messages of a `history` frame.
export function startOver(messages) {
  // After each reconnection in a room without messages. To show nothing again would look for older messages again.
  if (isStarted && !messages.length && !newestMessages.length && !gap) return;
  isStarted = true;
  newestMessages.length = 0;
  remember(messages);
  if (showsLive) showNewest({ gap });
  gap = "";
}

function showNewest(options) {
  messageList.show(newestMessages, source, options);
  messageList.markFirstUnread(firstUnreadId);
  updateUnread();
}

// After a `reset` frame the next history does not follow on what is shown: the list will say so, with this reason.
export function expectGap({ reason }) {
  gap = String(reason).replaceAll("_", " ");
}

export function add(message) {
  remember([message]);
  announce(message);
  if (!isReading()) {
    if (!unreadCount) firstUnreadId = message.id;
    setUnread(unreadCount + 1);
  }
  if (drawRequested) return;
  drawRequested = true;
  // At most once a frame, however many messages arrive, and never in a hidden tab: browsers draw no frames there.
  requestAnimationFrame(draw);
}

function draw() {
  drawRequested = false;
  if (!showsLive) return;
  const added = newestMessages.filter((message) => messageList.idOf(message) > messageList.lastShown());
  // As many as fit: some between these and the list may have left the memory, so the list is replaced.
  if (added.length === messageList.MOST && messageList.atEnd()) showNewest();
  else messageList.appendNew(added);
  messageList.markFirstUnread(firstUnreadId);
  updateUnread();
}

// Takes a removed message off the page. In the past, where it was shown, the reason stands in the place of its text.
export function remove(id) {
  const index = newestMessages.findIndex((message) => message.id === id);
  if (index >= 0) newestMessages.splice(index, 1);
  toAnnounce = toAnnounce.filter((message) => message.id !== id);
  if (index >= 0 && unreadCount && Number(id) >= Number(firstUnreadId)) {
    if (id === firstUnreadId) firstUnreadId = newestMessages[index]?.id ?? "";
    setUnread(unreadCount - 1);
  }
  if (!messageList.has(id)) return;
  if (showsLive) listChanges.remove(id);
  else listChanges.redact(id);
  messageList.markFirstUnread(firstUnreadId);
  removedCount += 1;
  announceTimer ??= setTimeout(announceBatch, ANNOUNCE_EVERY);
}

// Puts a message that is shown again into its place.
export function restore(message) {
  const next = newestMessages.findIndex((each) => messageList.idOf(each) >= messageList.idOf(message));
  const isNewer = newestMessages.length && messageList.idOf(newestMessages[0]) < messageList.idOf(message);
  if (next > 0 && newestMessages[next].id !== message.id) newestMessages.splice(next, 0, message);
  else if (next < 0 && isNewer) newestMessages.push(message);
  if (showsLive || messageList.has(message.id)) listChanges.insert(message);
}

const isReading = () => showsLive && !document.hidden && messageList.atEnd();

function setUnread(count) {
  unreadCount = count;
  showUnread(unreadCount);
  updateButton();
}

function updateButton() {
  toNewestButton.hidden = !showsLive || messageList.atEnd();
  const words = unreadCount ? text("live.new-messages", { count: unreadCount }) : text("live.newest");
  toNewestButton.textContent = `${words} ↓`;
}

// Sets the unread count to zero if the reader is at the end of the list, and updates the button.
export function updateUnread() {
  if (unreadCount && isReading()) setUnread(0);
  updateButton();
}

// Announces new messages to screen readers. They have an element of their own: if the list were a live region, pages loaded from
// the past would be read out too.
function announce(message) {
  if (document.hidden || !showsLive) return;
  toAnnounce.push(message);
  announceTimer ??= setTimeout(announceBatch, ANNOUNCE_EVERY);
}

function announceBatch() {
  const lines =
    toAnnounce.length > ANNOUNCED_AT_MOST
      ? [text("live.new-messages", { count: toAnnounce.length })]
      : toAnnounce.map(({ agentName, content }) => `${agentName}: ${content}`);
  if (removedCount) lines.push(text("live.removed", { count: removedCount }));
  removedCount = 0;
  announcements.replaceChildren(...lines.map((line) => element("p", "", line)));
  toAnnounce = [];
  announceTimer = undefined;
}

function scrollToNewest() {
  history.replaceState(null, "", location.pathname + location.search);
  if (messageList.lastShown() === newestId()) messageList.scrollToBottom();
  else showNewest();
  byId("scroller").focus();
}

// A removed message is on no page. It is shown as such where a link leads to it.
async function messageItself(id) {
  try {
    return withId([(await getJson(`api/messages/${id}`)).message]);
  } catch (error) {
    if (error.code === "message_not_found") return [];
    throw error;
  }
}

// Shows the message with this id and its neighbours, wherever in the log it is.
export async function goTo(id) {
  if (messageList.reveal(id)) return;
  try {
    const [before, after] = await Promise.all([getPage(`before=${id + 1}`), getPage(`after=${id}`)]);
    const isOnPage = before.messages.length > 0 && messageList.idOf(last(before.messages)) === id;
    const missing = isOnPage ? [] : await messageItself(id);
    if (!isOnPage && !missing.length) return notice(text("message.unknown", { id: `${id}` }), 8);
    const range = { older: before.hasMore, newer: after.hasMore };
    messageList.show([...before.messages, ...missing, ...after.messages], source, range);
    messageList.reveal(id);
  } catch (error) {
    notice(text("message.load-failed", { id: `${id}`, error: errorSentence(error) }), 8);
  }
}

// The list is about to show the past: new messages are only counted.
export function leave() {
  showsLive = false;
  updateButton();
}

export function comeBack() {
  showsLive = true;
  showNewest();
}

toNewestButton.addEventListener("click", scrollToNewest);
document.addEventListener("visibilitychange", updateUnread);
