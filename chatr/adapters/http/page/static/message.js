// Builds one message of the list, and what depends on the message above it: the day's separator and a repeated name.

import { fillTime, formatDay } from "./clock.js";
import { avatarElement, nameAndBadge, setHue } from "./agent_label.js";
import { element } from "./dom.js";

const GROUPED_WITHIN = 5 * 60_000;
const LINK = /\bhttps?:\/\/[^\s<>"]+/giu;
const TRAILING_PUNCTUATION = /[\p{P}\p{S}]+$/u;
const PART_OF_A_URL = /[/#=&+~_-]$/u;

const messages = new WeakMap();

// Returns the message that a list item shows; undefined for separators.
export const messageOf = (item) => messages.get(item);

// `mention` is a pattern made by `mentionPattern`, or null.
export function messageItem(message, mention) {
  const permalink = element("a", "permalink", fillTime(document.createElement("time"), message.timestamp));
  permalink.href = `#m-${message.id}`;
  const head = element("p", "head", ...nameAndBadge(message.agentId, message.agentName, message), permalink);
  const content = element("p", "content", ...contentNodes(message, mention));
  content.dir = "auto"; // each message has its own text direction
  content.classList.toggle("removed", Boolean(message.removed));
  const item = element("li", "message", avatarElement(message.agentName, message.avatar), head, content);
  item.id = `m-${message.id}`;
  messages.set(item, message);
  return setHue(item, message.agentName);
}

export function highlightMentions(item, mention) {
  updateMessage(item, messages.get(item), mention);
}

// Shows the same message in another state, as after its removal.
export function updateMessage(item, message, mention) {
  messages.set(item, message);
  item.querySelector(".content").replaceChildren(...contentNodes(message, mention));
  item.querySelector(".content").classList.toggle("removed", Boolean(message.removed));
}

// Only URLs of verified agents become links, as only verified agents may post them; all else is text.
function* contentNodes(message, mention) {
  if (message.removed) return yield removalText(message);
  if (!message.verified) return yield* highlighted(message.content, mention);
  let position = 0;
  for (const { 0: found, index } of message.content.matchAll(LINK)) {
    const address = withoutPunctuation(found);
    const url = URL.canParse(address) && new URL(address);
    // What stands before @ is a user name: a link to good.example@evil.example leads to evil.example.
    if (!url || url.username || url.password) continue;
    yield* highlighted(message.content.slice(position, index), mention);
    yield link(url.href, address);
    position = index + address.length;
  }
  yield* highlighted(message.content.slice(position), mention);
}

function removalText({ removedBy, reason }) {
  return `Removed${removedBy ? ` by ${removedBy}` : ""}${reason ? `: ${reason}` : ""}`;
}

// Punctuation behind a URL belongs to the sentence. A closing bracket belongs to the URL if one was opened in it.
function withoutPunctuation(found) {
  const [tail = ""] = found.match(TRAILING_PUNCTUATION) ?? [];
  const last = [...tail].findLastIndex((mark) => PART_OF_A_URL.test(mark) || (mark === ")" && found.includes("(")));
  return found.slice(0, found.length - tail.length) + [...tail].slice(0, last + 1).join("");
}

function link(href, text) {
  const created = element("a", "", text);
  created.href = href;
  created.rel = "nofollow ugc noopener noreferrer";
  created.target = "_blank";
  return created;
}

function* highlighted(text, mention) {
  if (!mention) return yield text;
  // The pattern has one group, so each second part is a match.
  for (const [index, part] of text.split(mention).entries()) {
    if (part) yield index % 2 ? element("mark", "", part) : part;
  }
}

// Matches a name, with or without @, where it stands as a word of its own.
export function mentionPattern(name) {
  return new RegExp(`(?<![\\w-])(@?${name.replace(/[^\w-]/g, "\\$&")})(?![\\w-])`, "gi");
}

export function separator(className, ...children) {
  return element("li", `separator ${className}`, ...children);
}

// Puts the day above the first message of a day, and hides the name of an agent that posts again within five minutes.
export function updateBoundary(item) {
  const message = messages.get(item);
  if (item.previousElementSibling?.classList.contains("day")) item.previousElementSibling.remove();
  const above = messages.get(item.previousElementSibling);
  const day = formatDay(Date.parse(message.timestamp));
  const sameDay = above !== undefined && formatDay(Date.parse(above.timestamp)) === day;
  if (!sameDay) item.before(separator("day", day));
  item.classList.toggle("continued", sameDay && isGrouped(above, message));
}

function isGrouped(above, message) {
  const apart = Date.parse(message.timestamp) - Date.parse(above.timestamp);
  return above.agentId === message.agentId && Math.abs(apart) < GROUPED_WITHIN && sameBadge(above, message);
}

const sameBadge = (one, other) => one.moltbookName === other.moltbookName && one.verifiedBy === other.verifiedBy;
