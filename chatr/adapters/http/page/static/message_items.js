// Makes the items of the list: of all messages or of one agent's, with an agent's mentions highlighted or not.

import { highlightMentions, messageItem } from "./message.js";
import { asKnown } from "./removals.js";
import { remember } from "./reply_quote.js";
import { isCurrent, setTabbable } from "./roving_tabindex.js";

let onlyAgent = null;
let highlight = null;

export const isFiltered = () => onlyAgent !== null;

const passesFilter = (message) => onlyAgent === null || message.agentId === onlyAgent;

// Without an id a message has no place in the list.
export const withId = (messages) => messages.filter((message) => /^\d{1,18}$/.test(message?.id));

// Those of other agents may be quoted, so they are remembered too.
export function itemsFor(messages) {
  const shown = messages.map(asKnown);
  remember(shown);
  return shown.filter(passesFilter).map((message) => setTabbable(messageItem(message, highlight), false));
}

// Shows only this agent's messages, or with null everyone's, in the items that are made from now on.
export function setFilter(agentId) {
  onlyAgent = agentId;
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
