// Shows the messages of an agent's view or of a thread in the list, in place of the room's messages, below a header.

import { getJson } from "./api.js";
import { now } from "./clock.js";
import * as live from "./live.js";
import { withId } from "./message_items.js";
import * as messageList from "./message_list.js";
import { last } from "./old_browsers.js";
import * as past from "./past.js";
import { hide, show } from "./view.js";

export const PAGE_SIZE = 50;

let isShown = false;

// Returns a page of the messages that a query selects, with removed ones, which are shown as removed.
export async function getPage(query) {
  const page = await getJson(`api/messages?limit=${PAGE_SIZE}&removed=show&${query}`);
  return { ...page, messages: withId(page.messages) };
}

// Resolves to {end}: at the shown moment, all posted messages had positions less than `end`.
export async function momentShown() {
  if (!past.isShown()) return { end: Number.MAX_SAFE_INTEGER };
  return { end: (await getJson(`api/at?time=${Math.round(now())}&limit=1`)).position + 1 };
}

// Shows a view's header, and an empty list until its messages are loaded.
export function begin(view, texts) {
  show(view);
  showMessages([], {}, { older: false, texts });
}

// Shows messages below the header, as `messageList.show` does.
export function showMessages(messages, source, options) {
  messageList.onReplaced();
  live.leave();
  messageList.show(messages, source, options);
  isShown = true;
  // When the timeline shows a moment, the list shows the room's messages again.
  messageList.onReplaced(() => {
    isShown = false;
    hide();
  });
}

export const isOpen = () => isShown;

// The stream has left out messages. Those of the view are loaded when the reader gets to the end of its list.
export function messagesMissed() {
  if (isShown) messageList.expectNewer();
}

// Closes the view and shows the room's messages in the list again.
export function close() {
  if (!isShown) return;
  isShown = false;
  messageList.onReplaced();
  hide();
  if (past.isShown()) past.reload();
  else live.comeBack();
}

// The source of a list of all messages that a query selects and that are before a position.
export function sourceOf(query, end) {
  return {
    older: (id) => getPage(`${query}&before=${id}`),
    newer: async (id) => upTo(end, await getPage(`${query}&after=${id}`)),
  };
}

export function upTo(end, page) {
  const messages = page.messages.filter((message) => messageList.idOf(message) < end);
  return { messages, hasMore: page.hasMore && messages.length === page.messages.length };
}

// Loads the last messages of a source, or those around a message.
export async function showPage(query, { end }, place, texts) {
  const source = sourceOf(query, end);
  const id = place ? Math.min(place + 1, end) : end;
  const [before, after] = await Promise.all([source.older(id), place ? source.newer(place) : { messages: [] }]);
  if (!isShown) return;
  const range = { older: before.hasMore, newer: Boolean(after.hasMore), texts };
  showMessages([...before.messages, ...after.messages], source, range);
  if (place) messageList.reveal(place);
  return last(before.messages);
}
