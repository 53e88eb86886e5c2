// The list of messages: one unbroken, bounded range of the log that grows at either end without moving what the reader reads.

import { refreshRelativeTimes } from "./clock.js";
import { byId } from "./dom.js";
import { errorSentence } from "./error_sentence.js";
import { messageOf, separator, updateBoundary } from "./message.js";
import { itemsFor } from "./message_items.js";
import { last, onResize } from "./old_browsers.js";
import { ensureCurrent } from "./roving_tabindex.js";
import { text } from "./texts.js";

export const MOST = 300;
// Pixels from either end at which the next page is loaded, before the reader gets there.
const LOAD_WITHIN = 800;
const AT_BOTTOM_WITHIN = 32;
const PAUSE_AFTER_ERROR = 5_000;
const NO_MESSAGE = Number.MAX_SAFE_INTEGER;

const scroller = byId("scroller");
const list = byId("messages");
const listStatus = byId("list-status");
const olderButton = byId("older");

// `older(id)` and `newer(id)` resolve to the next page in their direction, as {messages, hasMore}.
let source;
let onMove = () => {};
// Counts calls of `show`: a page that was requested for an earlier list is dropped.
let generation = 0;
let firstId = 0;
let lastId = 0;
let hasOlder = false;
let hasNewer = false;
// Whether messages were posted since the newer page was requested: its response may be older than they are.
let hasComeMore = false;
let atBottom = true;
let loading = false;
let hasFailed = false;
// The sentences above the first message of all, and in the place of messages where there are none.
let sentences;
let replaced = () => {};

export const idOf = (message) => Number(message.id);
export const lastShown = () => lastId;
const followsEnd = () => atBottom && !hasNewer;
const pixelsBelow = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
// The scroll event comes a frame late, so the position is measured as well.
export const atEnd = () => followsEnd() && pixelsBelow() < AT_BOTTOM_WITHIN;
export const items = () => [...list.querySelectorAll(".message")];

// Calls `moveListener` whenever the scroll position or the range has changed.
export function start(moveListener) {
  onMove = moveListener;
  scroller.addEventListener("scroll", checkPosition);
  olderButton.addEventListener("click", loadOlder);
  onResize(() => followsEnd() && scrollToBottom(), scroller, scroller.firstElementChild);
}

function checkPosition() {
  atBottom = pixelsBelow() < AT_BOTTOM_WITHIN;
  if (pixelsBelow() < LOAD_WITHIN && hasNewer) loadNewer();
  else if (scroller.scrollTop < LOAD_WITHIN && hasOlder) loadOlder();
  onMove();
}

export function scrollToBottom() {
  scroller.scrollTop = scroller.scrollHeight;
  atBottom = true;
}

// Calls `listener` whenever the list is replaced, until another one takes its place.
export const onReplaced = (listener = () => {}) => (replaced = listener);

const ROOM = { begin: text("list.beginning"), empty: text("list.empty") };

// Replaces the list by these messages and scrolls to their end. `gap` is the reason for messages missing before them, or "".
// `texts` are {begin, empty}: the sentences above the first message of all, and where there are none.
export function show(messages, newSource, { older = true, newer = false, gap = "", texts = ROOM } = {}) {
  replaced();
  sentences = texts;
  generation += 1;
  loading = hasFailed = false;
  source = newSource;
  list.removeAttribute("aria-busy"); // its first messages have come
  [firstId, lastId] = messages.length ? [idOf(messages[0]), idOf(last(messages))] : [NO_MESSAGE, 0];
  [hasOlder, hasNewer] = [older, newer];
  list.replaceChildren(...(gap ? [separator("gap", text("list.gap", { reason: gap }))] : []));
  append(messages);
  scrollToBottom();
  afterChange();
}

// Appends new messages if the list reaches the end of the log. For a reader who has scrolled up nothing is removed to
// make room: the new messages are then loaded when the reader comes back down.
export function appendNew(messages) {
  if (!messages.length) return;
  hasComeMore = true;
  if (hasNewer) return;
  if (!atBottom && list.childElementCount + messages.length > MOST) {
    hasNewer = true;
    return;
  }
  firstId = Math.min(firstId, idOf(messages[0]));
  lastId = idOf(last(messages));
  keepingPosition(() => append(messages));
  afterChange();
}

function append(messages) {
  const added = itemsFor(messages);
  list.append(...added);
  added.forEach(updateBoundary);
  if (list.childElementCount <= MOST) return;
  // One below the limit, because the first message gets a separator with its day.
  while (list.childElementCount >= MOST) list.firstElementChild.remove();
  const top = list.querySelector(".message");
  updateBoundary(top);
  firstId = idOf(messageOf(top));
  hasOlder = true;
}

function prepend(messages) {
  const formerFirst = list.querySelector(".message");
  const added = itemsFor(messages);
  list.prepend(...added);
  added.forEach(updateBoundary);
  if (formerFirst) updateBoundary(formerFirst);
  if (list.childElementCount <= MOST) return;
  // The list must not end with a separator.
  while (list.childElementCount > MOST || !messageOf(list.lastElementChild)) list.lastElementChild.remove();
  lastId = idOf(messageOf(list.lastElementChild));
  hasNewer = true;
}

// Changes the list while the first visible message stays where it is. Browsers' own scroll anchoring differs, so it is off.
export function keepingPosition(change) {
  if (atEnd()) {
    change();
    scrollToBottom();
    return;
  }
  const scrollerTop = scroller.getBoundingClientRect().top;
  const anchor = items().find((item) => item.getBoundingClientRect().bottom > scrollerTop);
  const topBefore = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) scroller.scrollTop += anchor.getBoundingClientRect().top - topBefore;
}

export function afterChange() {
  olderButton.hidden = !hasOlder;
  listStatus.textContent = hasOlder ? "" : lastId ? sentences.begin : sentences.empty;
  ensureCurrent();
  requestAnimationFrame(checkPosition);
}

async function load(direction, id, addPage) {
  if (loading) return;
  const requestedBy = generation;
  loading = true;
  listStatus.textContent = direction === "older" ? text("list.loading-older") : "";
  try {
    const page = await source[direction](id);
    if (requestedBy !== generation) return;
    loading = hasFailed = false;
    keepingPosition(() => addPage(page));
    afterChange();
  } catch (error) {
    if (requestedBy !== generation) return;
    hasFailed = true;
    listStatus.textContent = text("list.load-failed", { error: errorSentence(error) });
    setTimeout(() => (loading &&= requestedBy !== generation), PAUSE_AFTER_ERROR);
  }
}

// There may be messages after the last one of the list that the stream has not sent.
export function expectNewer() {
  if (!source.newer) return; // a view that could not be loaded
  hasNewer = true;
  checkPosition();
}

// The stream is open again: loads what could not be loaded.
export function connected() {
  if (!hasFailed) return;
  loading = hasFailed = false;
  checkPosition();
}

function loadOlder() {
  load("older", firstId, ({ messages, hasMore }) => {
    hasOlder = hasMore && messages.length > 0; // of a faulty response the same page would be requested for ever
    // The room's very first message may have arrived by the stream while this page was loaded.
    const older = messages.filter((message) => idOf(message) < firstId);
    if (!older.length) return;
    firstId = idOf(older[0]);
    lastId ||= idOf(last(older));
    prepend(older);
  });
}

function loadNewer() {
  if (!loading) hasComeMore = false;
  load("newer", lastId, ({ messages, hasMore }) => {
    hasNewer = hasMore || hasComeMore;
    atBottom = false;
    if (!messages.length) return;
    lastId = idOf(last(messages));
    append(messages);
  });
}

// Whether a message with this id would stand in the list.
export const covers = (id) => (id >= firstId || !hasOlder) && (id <= lastId || !hasNewer);

// Lets the range of the list reach to a message that was put into it.
export const widen = (id) => ([firstId, lastId] = [Math.min(firstId, id), Math.max(lastId, id)]);

export const itemOf = (id) => byId(`m-${id}`);

export const has = (id) => itemOf(id) !== null;

// Scrolls to a message, marks and focuses it. Returns false if it is not in the list.
export function reveal(id) {
  const item = itemOf(id);
  if (!item) return false;
  list.querySelector(".target")?.classList.remove("target");
  item.classList.add("target");
  atBottom = false;
  item.scrollIntoView({ block: "center" });
  item.focus({ preventScroll: true });
  return true;
}

// Draws a line above the first unread message.
export function markFirstUnread(id) {
  const item = itemOf(id);
  if (item?.classList.contains("unread")) return;
  list.querySelector(".unread")?.classList.remove("unread");
  item?.classList.add("unread");
  if (item) item.dataset.unread = text("list.new-line"); // the style sheet shows it
}

export const refreshTimes = () => refreshRelativeTimes(list);
