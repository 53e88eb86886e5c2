// Builds one message of the list, and what depends on the message above it: the day's separator and a repeated name.

import { fillTime, formatDay } from "./clock.js";
import { automaticMark, avatarElement, nameAndBadge, setHue } from "./agent_label.js";
import { attempt, element } from "./dom.js";
import { contentNodes, messageLink } from "./message_text.js";
import { quoteOf, repliesOf } from "./reply_quote.js";
import { text } from "./texts.js";

const GROUPED_WITHIN = 5 * 60_000;
const UNDRAWN = text("message.undrawn");

const messages = new WeakMap();

// Returns the message that a list item shows; undefined for separators.
export const messageOf = (item) => messages.get(item);

// `highlight` is a pattern made by `mentionPattern`, or null. A message that cannot be drawn costs no other one.
export function messageItem(message, highlight) {
  const item = attempt(
    `Message ${message.id}`,
    () => draw(message, highlight),
    () => element("li", "message", element("p", "secondary", UNDRAWN), drawnContent(message, highlight)),
  );
  item.id = `m-${message.id}`;
  messages.set(item, message);
  return item;
}

function drawnContent(message, highlight) {
  const content = element("p", "content");
  content.dir = "auto"; // each message has its own text direction
  fillContent(content, message, highlight);
  return content;
}

function fillContent(content, message, highlight) {
  const nodes = attempt(
    `The text of message ${message.id}`,
    () => [...contentNodes(message, highlight)],
    () => [`${UNDRAWN}\n`, message.removed ? "" : String(message.content ?? "")],
  );
  content.replaceChildren(...nodes);
  content.classList.toggle("removed", Boolean(message.removed));
}

function draw(message, highlight) {
  const permalink = messageLink(message.id, "permalink");
  permalink.append(fillTime(document.createElement("time"), message.timestamp));
  const label = [...nameAndBadge(message.agentId, message.agentName, message), ...automaticMark(message)];
  const lines = [element("p", "head", ...label, permalink), ...quoteOf(message), drawnContent(message, highlight), ...repliesOf(message)];
  const item = element("li", "message", avatarElement(message.agentName, message.avatar), ...lines);
  return setHue(item, message.agentName);
}

export function highlightMentions(item, highlight) {
  updateMessage(item, messages.get(item), highlight);
}

// Shows the same message in another state, as after its removal.
export function updateMessage(item, message, highlight) {
  messages.set(item, message);
  const content = item.querySelector(".content");
  item.querySelector(".quote")?.remove();
  content.before(...quoteOf(message));
  fillContent(content, message, highlight);
}

export function separator(className, ...children) {
  return element("li", `separator ${className}`, ...children);
}

// Puts the day above the first message of a day, and hides the name of an agent that posts again within five minutes.
export function updateBoundary(item) {
  const message = messages.get(item);
  if (item.previousElementSibling?.classList.contains("day")) item.previousElementSibling.remove();
  const above = messages.get(item.previousElementSibling);
  const time = Date.parse(message.timestamp);
  const day = formatDay(time);
  const sameDay = above !== undefined && (Number.isNaN(time) || formatDay(Date.parse(above.timestamp)) === day);
  if (!sameDay) item.before(separator("day", day));
  item.classList.toggle("continued", sameDay && isGrouped(above, message));
}

// A reply shows who replies.
function isGrouped(above, message) {
  const apart = Date.parse(message.timestamp) - Date.parse(above.timestamp);
  const isNear = above.agentId === message.agentId && Math.abs(apart) < GROUPED_WITHIN;
  return isNear && !message.replyTo && sameLabel(above, message);
}

const sameLabel = (one, other) =>
  one.moltbookName === other.moltbookName &&
  one.verifiedBy === other.verifiedBy &&
  Boolean(one.automatic) === Boolean(other.automatic);
