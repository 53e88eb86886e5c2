// The view of a thread: a message, what it replies to up to the first message, the replies to it and the replies to those, in the
// order in which they were posted.

import { getJson } from "./api.js";
import { element } from "./dom.js";
import * as listView from "./list_view.js";
import { withId } from "./message_items.js";
import * as messageList from "./message_list.js";
import { messageLink } from "./message_text.js";
import { last } from "./old_browsers.js";
import { text, textParts } from "./texts.js";
import { createView, ready } from "./view.js";

// The most messages above the one of the view: each is a request. A link leads to the thread of the topmost one.
const MOST_ABOVE = 10;

// {id, end, ids} of the view that is shown; `ids` are those of the message and of the replies that were loaded.
let shown = null;
// What `open` was called with, if the view could not be loaded.
let failed = null;

// Opens the view of an address, given the part of it that follows "thread-".
export async function open(rest) {
  const address = location.hash;
  const [id] = rest.match(/^\d{1,15}$/) ?? [];
  shown = failed = null;
  await ready;
  if (location.hash !== address) return;
  const view = createView("thread-view", textParts("thread.title", { id: `#${rest.slice(0, 18)}` }));
  listView.begin(view, { begin: "", empty: text("view.loading") });
  try {
    if (!id) return say(text("thread.no-message", { id: rest.slice(0, 18) }));
    const [above, moment] = await Promise.all([messageAndAbove(id), listView.momentShown()]);
    if (location.hash !== address) return;
    if (Number(id) >= moment.end) return say(text("thread.later", { id }));
    await showThread(id, above, moment);
    view.append(...linkToTop(above[0]));
  } catch (error) {
    if (location.hash !== address) return;
    const isMissing = error.code === "message_not_found";
    failed = isMissing ? null : rest;
    say(isMissing ? text("thread.no-message", { id }) : text("thread.failed", { reason: error.message }));
  }
}

function say(empty) {
  listView.showMessages([], {}, { older: false, texts: { begin: "", empty } });
}

// Loads the message and those above it, the topmost first.
async function messageAndAbove(id) {
  const messages = [];
  for (let next = id; next && messages.length <= MOST_ABOVE; next = messages[0].replyTo) {
    const { message } = await getJson(`api/messages/${next}`);
    messages.unshift(...withId([message]));
    if (messages[0] !== message) break;
  }
  return messages;
}

function linkToTop({ id, replyTo }) {
  if (!replyTo) return [];
  const created = element("a", "", text("thread.further-up"));
  created.href = `#thread-${id}`;
  return [element("p", "secondary", created)];
}

// The source of the thread below a message. The room finds a part of a long thread; after it come the other replies to the message.
function repliesTo(id, end) {
  const thread = listView.sourceOf(`thread=${id}`, end);
  const direct = listView.sourceOf(`replyTo=${id}`, end);
  const noted = (page) => {
    page.messages.forEach((message) => shown?.ids.add(message.id));
    return page;
  };
  const newer = async (after) => {
    const page = await thread.newer(after);
    if (!page.messages.length) return direct.newer(after);
    return { ...page, hasMore: page.hasMore || page.messages.length === listView.PAGE_SIZE };
  };
  return { older: async (before) => noted(await thread.older(before)), newer: async (after) => noted(await newer(after)) };
}

// The messages above stand before the first page of replies.
async function showThread(id, above, { end }) {
  const replies = repliesTo(id, end);
  const withAbove = (page, before) => {
    const missing = page.hasMore ? [] : above.filter((message) => messageList.idOf(message) < before);
    return { ...page, messages: [...missing, ...page.messages] };
  };
  const source = { newer: replies.newer, older: async (before) => withAbove(await replies.older(before), before) };
  shown = { id, end, ids: new Set([id]) };
  const page = await replies.newer(Number(id));
  const texts = { begin: page.messages.length ? "" : text("thread.no-replies"), empty: "" };
  listView.showMessages([...above, ...page.messages], source, { older: false, newer: page.hasMore, texts });
  messageList.reveal(Number(id));
}

export function close() {
  shown = failed = null;
  listView.close();
}

// The stream is open again: what could not be loaded is loaded now.
export function connected() {
  if (failed !== null) open(failed);
}

// A reply that was posted just now is appended.
export function messagePosted(message) {
  if (!shown || !listView.isOpen() || messageList.idOf(message) >= shown.end) return;
  if (!shown.ids.has(message.replyTo)) return;
  shown.ids.add(message.id);
  messageList.appendNew([message]);
}

export const messagesMissed = listView.messagesMissed;
