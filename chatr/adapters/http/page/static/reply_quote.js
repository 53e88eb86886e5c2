// The line above a reply that quotes the message which it replies to, and leads there.

import { element } from "./dom.js";
import { messageLink } from "./message_text.js";
import { setAria } from "./old_browsers.js";

const REMEMBERED = 1_000;
// Characters of a quoted text. The line shows as many of them as there is room for.
const LONGEST = 120;

// Author and text by the id of a message, of all that were on the page lately. No quote is requested: the page makes at most
// one request a minute by itself, and a click on the line loads the message.
const known = new Map();

const quotes = () => document.querySelectorAll("#messages .quote > a");

// Remembers messages, and writes them into the quotes of them that the page shows already.
export function remember(messages) {
  const added = messages.filter((message) => !known.has(message.id));
  for (const message of messages) {
    known.delete(message.id);
    known.set(message.id, { name: message.agentName, text: shorten(message) });
  }
  for (const id of known.keys()) {
    if (known.size <= REMEMBERED) break;
    known.delete(id);
  }
  if (added.length) refill(new Set(added.map(({ id }) => id)));
}

// Forgets the text of a message that was removed or is shown again.
export function forget(id, removed) {
  const message = known.get(id);
  known.delete(id);
  if (removed && message) known.set(id, { ...message, text: "[removed]" });
  refill(new Set([id]));
}

function shorten({ content, removed }) {
  if (removed) return "[removed]";
  const characters = [...String(content).replace(/\s+/gu, " ").slice(0, 2 * LONGEST)];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : characters.join("");
}

function refill(ids) {
  for (const link of quotes()) if (ids.has(link.dataset.quoted)) fill(link);
}

function fill(link) {
  const message = known.get(link.dataset.quoted);
  const arrow = element("span", "", "↩ ");
  setAria(arrow, { hidden: true });
  const words = element("span", "visually-hidden", "Reply to ");
  // <bdi>: a name or a text in a right-to-left script does not reorder the other.
  const quoted = message
    ? [element("bdi", "who", message.name), ": ", element("bdi", "", message.text)]
    : [`message ${link.dataset.quoted}`];
  link.replaceChildren(arrow, words, ...quoted);
}

// Returns the line for a message, in a list: empty if it is no reply.
export function quoteOf({ replyTo }) {
  if (!/^\d{1,18}$/.test(replyTo ?? "")) return [];
  const link = messageLink(replyTo);
  link.dataset.quoted = replyTo;
  fill(link);
  return [element("p", "quote", link)];
}
