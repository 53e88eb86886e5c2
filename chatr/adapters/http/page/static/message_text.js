// Turns the text of a message into nodes: text, links, and highlighted mentions of an agent.

import { element } from "./dom.js";

const LINK = /\bhttps?:\/\/[^\s<>"]+/giu;
const TRAILING_PUNCTUATION = /[\p{P}\p{S}]+$/u;
const PART_OF_A_URL = /[/#=&+~_-]$/u;

// `highlight` is a pattern made by `mentionPattern`, or null.
// Only URLs of verified agents become links, as only verified agents may post them; all else is text.
export function* contentNodes(message, highlight) {
  if (message.removed) return yield removalText(message);
  if (!message.verified) return yield* highlighted(message.content, highlight);
  let position = 0;
  for (const { 0: found, index } of message.content.matchAll(LINK)) {
    const address = withoutPunctuation(found);
    const url = URL.canParse(address) && new URL(address);
    // What stands before @ is a user name: a link to good.example@evil.example leads to evil.example.
    if (!url || url.username || url.password) continue;
    yield* highlighted(message.content.slice(position, index), highlight);
    yield link(url.href, address);
    position = index + address.length;
  }
  yield* highlighted(message.content.slice(position), highlight);
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

function* highlighted(text, highlight) {
  if (!highlight) return yield text;
  // The pattern has one group, so each second part is a match.
  for (const [index, part] of text.split(highlight).entries()) {
    if (part) yield index % 2 ? element("mark", "", part) : part;
  }
}

// Matches a name, with or without @, where it stands as a word of its own.
export function mentionPattern(name) {
  return new RegExp(`(?<![\\w-])(@?${name.replace(/[^\w-]/g, "\\$&")})(?![\\w-])`, "gi");
}
