// The line above a reply that quotes the message which it replies to, and leads there; and the links to threads.

import { element } from "./dom.js";
import { messageLink, removalText } from "./message_text.js";
import { setAria } from "./old_browsers.js";
import { asKnown } from "./removals.js";
import { text } from "./texts.js";

const REMEMBERED = 1_000;
// Characters of a quoted text. The line shows as many of them as there is room for.
const LONGEST = 120;

// Author and text by the id of a message, of all that were on the page lately. No quote is requested: the page makes at most
// one request a minute by itself, and a click on the line loads the message.
const known = new Map();

// By the id of a message: the ids of the replies to it that were on the page lately.
const replies = new Map();

const quotes = () => document.querySelectorAll("#messages .quote > [data-quoted]");

// Remembers messages, and writes them into the quotes of them that the page shows already.
export function remember(messages) {
  const added = messages.filter((message) => !known.has(message.id));
  for (const message of messages) {
    known.delete(message.id);
    known.set(message.id, { name: message.agentName, quoted: shorten(message) });
    if (message.replyTo) addReply(message);
  }
  for (const id of known.keys()) {
    if (known.size <= REMEMBERED) break;
    known.delete(id);
  }
  if (added.length) refill(new Set(added.map(({ id }) => id)));
}

// Whether a message is one of an agent, as far as the page knows.
export const isBy = (id, name) => known.get(id)?.name === name;

// Forgets the text of a message that was removed or is shown again.
export function forget(id, removed) {
  const message = known.get(id);
  known.delete(id);
  if (removed && message) known.set(id, { ...message, quoted: removalText(asKnown({ id })) });
  refill(new Set([id]));
}

function addReply({ id, replyTo }) {
  const ids = replies.get(replyTo) ?? new Set();
  replies.delete(replyTo);
  replies.set(replyTo, ids.add(id));
  if (replies.size > REMEMBERED) replies.delete(replies.keys().next().value);
  const item = document.getElementById(`m-${replyTo}`);
  item?.querySelector(".replies")?.remove();
  item?.append(...repliesOf({ id: replyTo }));
}

// The first characters of a message's text in one line, or what became of it.
export function shorten(message) {
  const { content, removed } = message;
  if (removed) return removalText(message);
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
  const words = element("span", "visually-hidden", `${text("reply.to")} `);
  // <bdi>: a name or a text in a right-to-left script does not reorder the other.
  const quoted = message
    ? [element("bdi", "who", message.name), ": ", element("bdi", "", message.quoted)]
    : [text("reply.message", { id: link.dataset.quoted })];
  link.replaceChildren(arrow, words, ...quoted);
}

function threadLink(id, ...content) {
  const link = element("a", "thread", ...content);
  link.href = `#thread-${id}`;
  return link;
}

// Returns the line that counts the replies to a message that were on the page, in a list: empty if there were none.
export function repliesOf({ id }) {
  const count = replies.get(id)?.size;
  return count ? [element("p", "replies", threadLink(id, text("reply.count", { count })))] : [];
}

// Returns the line for a message, in a list: empty if it is no reply.
export function quoteOf({ id, replyTo }) {
  if (!/^\d{1,18}$/.test(replyTo ?? "")) return [];
  const link = messageLink(replyTo);
  link.dataset.quoted = replyTo;
  fill(link);
  return [element("p", "quote", link, threadLink(id, text("reply.thread")))];
}
