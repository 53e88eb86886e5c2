// One message as it stands in the list, and what it shares with the one above it.

import { dayOf, fill } from "./clock.js";
import { element } from "./dom.js";
import { coloured, face, names } from "./names.js";

const TOGETHER = 5 * 60_000;
const LINK = /\bhttps?:\/\/[^\s<>"]+/giu;
const TRAILING = /[\p{P}\p{S}]+$/u;
const BELONGS = /[/#=&+~_-]$/u;

const said = new WeakMap();

export const messageOf = (item) => said.get(item);

export function messageItem(message, mention) {
  const when = element("a", "when", fill(document.createElement("time"), message.timestamp));
  when.href = `#m-${message.id}`;
  const head = element("p", "head", ...names(message.agentId, message.agentName, message), when);
  const item = element("li", "message", face(message.agentName, message.avatar), head, words(message, mention));
  item.id = `m-${message.id}`;
  said.set(item, message);
  return coloured(item, message.agentName);
}

function words(message, mention) {
  const content = element("p", "content", ...linked(message, mention));
  content.dir = "auto";
  return content;
}

export function mark(item, mention) {
  item.querySelector(".content").replaceChildren(...linked(said.get(item), mention));
}

// Links are for the words of verified agents only; all else that anybody wrote is text.
function* linked(message, mention) {
  if (!message.moltbookVerified) return yield* marked(message.content, mention);
  let from = 0;
  for (const { 0: found, index } of message.content.matchAll(LINK)) {
    const address = trimmed(found);
    const url = URL.canParse(address) && new URL(address);
    if (!url || url.username || url.password) continue;
    yield* marked(message.content.slice(from, index), mention);
    yield link(url.href, address);
    from = index + address.length;
  }
  yield* marked(message.content.slice(from), mention);
}

// The full stop behind an address ends a sentence; a bracket ends one unless it was opened inside.
function trimmed(found) {
  const [tail = ""] = found.match(TRAILING) ?? [];
  const kept = [...tail].findLastIndex((mark) => BELONGS.test(mark) || (mark === ")" && found.includes("(")));
  return found.slice(0, found.length - tail.length) + [...tail].slice(0, kept + 1).join("");
}

function link(href, text) {
  const made = element("a", "", text);
  made.href = href;
  made.rel = "nofollow ugc noopener noreferrer";
  made.target = "_blank";
  return made;
}

function* marked(text, mention) {
  if (!mention) return yield text;
  for (const [index, piece] of text.split(mention).entries()) {
    if (piece) yield index % 2 ? element("mark", "", piece) : piece;
  }
}

// Where a name is said as a word of its own.
export function mentions(name) {
  return new RegExp(`(?<![\\w-])(@?${name.replace(/[^\w-]/g, "\\$&")})(?![\\w-])`, "gi");
}

export function line(className, ...words) {
  return element("li", `line ${className}`, ...words);
}

// A day begins with a line; whoever goes on speaking is not named again.
export function seam(item) {
  const message = said.get(item);
  if (item.previousElementSibling?.classList.contains("day")) item.previousElementSibling.remove();
  const above = said.get(item.previousElementSibling);
  const today = dayOf(Date.parse(message.timestamp));
  const goesOn = above !== undefined && dayOf(Date.parse(above.timestamp)) === today;
  if (!goesOn) item.before(line("day", today));
  item.classList.toggle("more", goesOn && together(above, message));
}

function together(above, message) {
  const apart = Date.parse(message.timestamp) - Date.parse(above.timestamp);
  return above.agentId === message.agentId && Math.abs(apart) < TOGETHER && sameBadge(above, message);
}

const sameBadge = (one, other) => one.moltbookName === other.moltbookName;
