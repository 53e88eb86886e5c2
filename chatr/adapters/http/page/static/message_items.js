// Makes the items of the list, with an agent's mentions highlighted or not.

import { highlightMentions, messageItem } from "./message.js";
import { asKnown } from "./removals.js";
import { remember } from "./reply_quote.js";
import { isCurrent, setTabbable } from "./roving_tabindex.js";

let highlight = null;

// Without an id a message has no place in the list.
export const withId = (messages) => messages.filter((message) => /^\d{1,18}$/.test(message?.id));

export function itemsFor(messages) {
  const shown = messages.map(asKnown);
  remember(shown);
  return shown.map((message) => setTabbable(messageItem(message, highlight), false));
}

export const highlighted = () => highlight;

// Highlights a pattern made by `mentionPattern` in these items and in all that are made from now on; with null nothing.
export function setHighlight(pattern, items) {
  highlight = pattern;
  for (const item of items) {
    highlightMentions(item, highlight);
    setTabbable(item, isCurrent(item)); // the new links are reachable like the others of their message
  }
}
