// Turns the text of a message into nodes: text, links, and highlighted mentions of an agent.

import { element } from "./dom.js";
import { notAfter, parseUrl } from "./old_browsers.js";
import { text } from "./texts.js";

const URL_PATTERN = String.raw`\b[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\s<>"]+`;
// A mention begins where the server sees one, and ends before trailing - and _. Which names are agents says the message.
const MENTION = notAfter("0-9A-Za-z_ªµºÀ-ÖØ-öø-ԯ") + "@[A-Za-z0-9_-]*[A-Za-z0-9]";
// An id stands alone: not in C#7, issue#7, ##7, &#7;, #7f, #7,000 or #7.5.
const ID = notAfter(String.raw`\p{L}\p{M}\p{N}_#&/`) + String.raw`#[1-9][0-9]{0,17}(?![\p{L}\p{M}\p{N}_]|[.,][0-9])`;
const REFERENCES = new RegExp(`${MENTION}|${ID}`, "gu");
const LINKS = new RegExp(`${URL_PATTERN}|${MENTION}|${ID}`, "gu");
const TRAILING_PUNCTUATION = /[\p{P}\p{S}]+$/u;
const PART_OF_A_URL = /[/#=&+~_-]$/u;

// Returns the nodes of a message's text. `highlight` is a pattern made by `mentionPattern`, or null.
// Only URLs of verified agents become links, as only verified agents may post them.
export function* contentNodes(message, highlight) {
  if (message.removed) return yield removalText(message);
  const { content, mentions } = message;
  const names = new Map((mentions ?? []).map((name) => [lookAlike(name), name]));
  let position = 0;
  for (const { 0: found, index } of content.matchAll(message.verified ? LINKS : REFERENCES)) {
    const [linked, link] = linkFor(found, names);
    if (!link) continue;
    yield* highlighted(content.slice(position, index), highlight);
    link.append(...(found.startsWith("@") ? highlighted(linked, highlight) : [linked]));
    yield link;
    position = index + linked.length;
  }
  yield* highlighted(content.slice(position), highlight);
}

// Says what became of a removed message. The frame of a removal does not name the operator.
export function removalText({ erased, removedBy, reason }) {
  if (erased) return reason ? text("removed.erased-because", { reason }) : text("removed.erased");
  if (!removedBy) return reason ? text("removed.because", { reason }) : text("removed.removed");
  return reason ? text("removed.by-because", { name: removedBy, reason }) : text("removed.by", { name: removedBy });
}

// Returns the part of what was found that is a link, and the link; nothing if it is only text.
function linkFor(found, names) {
  if (found.startsWith("#")) return [found, leftToRight(messageLink(found.slice(1)))];
  const name = found.startsWith("@") && names.get(lookAlike(found.slice(1)));
  if (name) return [found, leftToRight(mentionLink(name))];
  if (name === undefined) return [found];
  const address = withoutPunctuation(found);
  const url = parseUrl(address);
  // What stands before @ is a user name: a link to good.example@evil.example leads to evil.example.
  return [address, url && !url.username && !url.password && outsideLink(url.href)];
}

// Punctuation behind a URL belongs to the sentence. A closing bracket belongs to the URL if one was opened in it.
function withoutPunctuation(found) {
  const [tail = ""] = found.match(TRAILING_PUNCTUATION) ?? [];
  const marks = [...tail];
  const belongs = (mark) => PART_OF_A_URL.test(mark) || (mark === ")" && found.includes("("));
  while (marks.length && !belongs(marks[marks.length - 1])) marks.pop();
  return found.slice(0, found.length - tail.length) + marks.join("");
}

function outsideLink(href) {
  const link = element("a", "");
  link.href = href;
  link.rel = "nofollow ugc noopener noreferrer";
  link.target = "_blank";
  return link;
}

export function messageLink(id, className = "") {
  const link = element("a", className);
  link.href = `#m-${id}`;
  return link;
}

// In a right-to-left message the @ or # would else stand on the other side of it.
function leftToRight(link) {
  link.dir = "ltr";
  return link;
}

// A click opens the agent's card, and so does the page at this address.
function mentionLink(name) {
  const link = element("a", "mention");
  link.href = `#a-${encodeURIComponent(name)}`;
  link.dataset.name = name;
  return link;
}

// The form that the server gives to all names which look alike. It finds the agent's name for any way of writing it.
function lookAlike(name) {
  const plain = name.toLowerCase().replace(/[-_]/g, "").replace(/[1i]/g, "l").replaceAll("0", "o");
  return plain.replaceAll("w", "vv").replaceAll("vv", "w").replaceAll("rn", "m");
}

function* highlighted(plain, highlight) {
  if (!highlight) return yield plain;
  // The pattern has one group, so each second part is a match.
  for (const [index, part] of plain.split(highlight).entries()) {
    if (part) yield index % 2 ? element("mark", "", part) : part;
  }
}

// Matches a name, with or without @, where it stands as a word of its own.
export function mentionPattern(name) {
  return new RegExp(`${notAfter("\\w-")}(@?${name.replace(/[^\w-]/g, "\\$&")})(?![\\w-])`, "gi");
}
