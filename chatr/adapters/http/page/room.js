// The list of messages: one unbroken run of the log, bounded, that grows at either end without losing the reader's place.

import { refresh } from "./clock.js";
import { byId } from "./dom.js";
import { line, mark, messageItem, messageOf, seam } from "./message.js";
import { isCurrent, keepCurrent, tabbable } from "./roving.js";

export const MOST = 300;
const NEAR = 800;
const AT_BOTTOM = 32;
const PAGES_UNASKED = 20;
const PAUSE = 5_000;
const END = Number.MAX_SAFE_INTEGER;

const log = byId("log");
const list = byId("messages");
const edge = byId("edge");
const olderButton = byId("older");

// `older(id)` and `newer(id)` give the next page in their direction, as {messages, hasMore}.
let source;
let moved = () => {};
let run = 0;
let first = 0;
let last = 0;
let hasOlder = false;
let hasNewer = false;
let stuck = true;
let busy = false;
let unasked = 0;
let only = null;
let mention = null;

export const idOf = (message) => Number(message.id);
export const lastShown = () => last;
const rests = () => stuck && !hasNewer;
const below = () => log.scrollHeight - log.clientHeight - log.scrollTop;
// Where somebody scrolled to is told a frame later, so the place itself is asked.
export const atEnd = () => rests() && below() < AT_BOTTOM;
export const items = () => [...list.querySelectorAll(".message")];

// `move` is called whenever the reader has come to another place.
export function open(move) {
  moved = move;
  log.addEventListener("scroll", () => {
    unasked = 0;
    look();
  });
  olderButton.addEventListener("click", () => {
    unasked = 0;
    loadOlder();
  });
  const resized = new ResizeObserver(() => rests() && toBottom());
  resized.observe(log);
  resized.observe(log.firstElementChild);
}

function look() {
  stuck = below() < AT_BOTTOM;
  if (below() < NEAR && hasNewer) loadNewer();
  else if (log.scrollTop < NEAR && hasOlder) loadOlder();
  moved();
}

export function toBottom() {
  log.scrollTop = log.scrollHeight;
  stuck = true;
}

// Shows these messages instead of what is shown, the reader being at their end. `why` says what broke the line.
export function show(messages, from, { older = true, newer = false, why = "" } = {}) {
  run += 1;
  busy = false;
  unasked = 0;
  source = from;
  [first, last] = messages.length ? [idOf(messages[0]), idOf(messages.at(-1))] : [END, 0];
  [hasOlder, hasNewer] = [older, newer];
  list.replaceChildren(...(why ? [line("broken", `The line broke here: ${why}`)] : []));
  append(messages);
  toBottom();
  settle();
}

// What was just said, if the run reaches that far; a reader who is elsewhere is not made to lose their place for it.
export function grow(messages) {
  if (hasNewer || !messages.length) return;
  if (!stuck && list.childElementCount + messages.length > MOST) {
    hasNewer = true;
    return;
  }
  first = Math.min(first, idOf(messages[0]));
  last = idOf(messages.at(-1));
  keepPlace(() => append(messages));
  settle();
}

const wanted = (message) => only === null || message.agentId === only;

const made = (messages) => messages.filter(wanted).map((message) => tabbable(messageItem(message, mention), false));

function append(messages) {
  const fresh = made(messages);
  list.append(...fresh);
  fresh.forEach(seam);
  if (list.childElementCount <= MOST) return;
  while (list.childElementCount >= MOST) list.firstElementChild.remove(); // the first gets its day above it
  const top = list.querySelector(".message");
  seam(top);
  first = idOf(messageOf(top));
  hasOlder = true;
}

function prepend(messages) {
  const below = list.querySelector(".message");
  const fresh = made(messages);
  list.prepend(...fresh);
  fresh.forEach(seam);
  if (below) seam(below);
  if (list.childElementCount <= MOST) return;
  while (list.childElementCount > MOST || !messageOf(list.lastElementChild)) list.lastElementChild.remove();
  last = idOf(messageOf(list.lastElementChild));
  hasNewer = true;
}

function keepPlace(change) {
  if (atEnd()) {
    change();
    toBottom();
    return;
  }
  const edgeOfSight = log.getBoundingClientRect().top;
  const held = items().find((item) => item.getBoundingClientRect().bottom > edgeOfSight);
  const before = held?.getBoundingClientRect().top;
  change();
  if (held?.isConnected) log.scrollTop += held.getBoundingClientRect().top - before;
}

function settle() {
  olderButton.hidden = !hasOlder;
  const empty = only ? "Nothing of this agent." : "Nobody has said anything yet.";
  edge.textContent = hasOlder ? "" : last ? "The room begins here." : empty;
  keepCurrent();
  requestAnimationFrame(look);
}

async function load(direction, id, put) {
  if (busy) return;
  const mine = run;
  busy = true;
  edge.textContent = direction === "older" ? "Loading older messages…" : "";
  try {
    const page = await source[direction](id);
    if (mine !== run) return;
    busy = false;
    keepPlace(() => put(page));
    settle();
  } catch (error) {
    if (mine !== run) return;
    edge.textContent = `They could not be loaded: ${error.message}`;
    setTimeout(() => (busy &&= mine !== run), PAUSE);
  }
}

function loadOlder() {
  if (unasked >= PAGES_UNASKED) return;
  unasked += 1;
  load("older", first, ({ messages, hasMore }) => {
    hasOlder = hasMore;
    const before = messages.filter((message) => idOf(message) < first); // the first of all may have come meanwhile
    if (!before.length) return;
    first = idOf(before[0]);
    last ||= idOf(before.at(-1));
    prepend(before);
  });
}

function loadNewer() {
  load("newer", last, ({ messages, hasMore }) => {
    hasNewer = hasMore;
    stuck = false;
    if (!messages.length) return;
    last = idOf(messages.at(-1));
    append(messages);
  });
}

const itemOf = (id) => byId(`m-${id}`);

export const has = (id) => itemOf(id) !== null;

// Brings a message that is in the list before the reader's eyes.
export function reveal(id) {
  const item = itemOf(id);
  if (!item) return false;
  list.querySelector(".found")?.classList.remove("found");
  item.classList.add("found");
  stuck = false;
  item.scrollIntoView({ block: "center" });
  item.focus({ preventScroll: true });
  return true;
}

// A line above the first message that came while nobody looked.
export function divide(id) {
  const item = itemOf(id);
  if (item?.classList.contains("unread")) return;
  list.querySelector(".unread")?.classList.remove("unread");
  item?.classList.add("unread");
}

export function middle() {
  const { top, bottom } = log.getBoundingClientRect();
  const found = items().find((item) => item.getBoundingClientRect().bottom > (top + bottom) / 2);
  return found && idOf(messageOf(found));
}

// One agent's messages are to be shown, or with null everybody's, from the next `show` on.
export function filter(agent) {
  only = agent;
}

export function highlight(pattern) {
  mention = pattern;
  for (const item of items()) {
    mark(item, mention);
    tabbable(item, isCurrent(item));
  }
}

export function refreshTimes() {
  refresh(list);
}
