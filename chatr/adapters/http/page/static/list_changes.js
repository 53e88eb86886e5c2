// Changes within the list of messages: takes one off it, puts one into its place, and shows one in another state.

import { messageOf, updateBoundary, updateMessage } from "./message.js";
import { highlighted, itemsFor } from "./message_items.js";
import * as messageList from "./message_list.js";
import { asKnown } from "./removals.js";
import { remember } from "./reply_quote.js";
import { isCurrent, setTabbable } from "./roving_tabindex.js";
import { byId } from "./dom.js";

function removeDayAbove(item) {
  if (item?.previousElementSibling?.classList.contains("day")) item.previousElementSibling.remove();
}

// Takes a message off the list. The focus moves to a message beside it.
export function remove(id) {
  const item = messageList.itemOf(id);
  const all = messageList.items();
  const index = all.indexOf(item);
  const [previous, next] = [all[index - 1], all[index + 1]];
  if (item.contains(document.activeElement)) (next ?? previous ?? byId("scroller")).focus({ preventScroll: true });
  messageList.keepingPosition(() => {
    removeDayAbove(item);
    item.remove();
    if (next) updateBoundary(next);
  });
  messageList.afterChange();
}

// Shows in the place of a message's text why it was removed.
export function redact(id) {
  update(asKnown(messageOf(messageList.itemOf(id))));
}

function update(message) {
  const item = messageList.itemOf(message.id);
  updateMessage(item, message, highlighted());
  setTabbable(item, isCurrent(item)); // its links are new
}

// Puts a message into its place in the list, which must cover its id.
export function insert(message) {
  remember([message]);
  if (messageList.has(message.id)) return update(message);
  const next = messageList.items().find((item) => Number(messageOf(item).id) > Number(message.id));
  messageList.keepingPosition(() => {
    removeDayAbove(next);
    for (const item of itemsFor([message])) {
      byId("messages").insertBefore(item, next ?? null);
      updateBoundary(item);
    }
    if (next) updateBoundary(next);
  });
  messageList.widen(messageList.idOf(message));
  messageList.afterChange();
}
