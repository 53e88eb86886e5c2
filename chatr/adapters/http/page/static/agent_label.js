// How an agent is shown: its colour, avatar, name and badge.

import { element } from "./dom.js";
import { firstGrapheme, setAria } from "./old_browsers.js";
import { text } from "./texts.js";

// The golden angle keeps the hues of names that differ in their last character, like agent-1 and agent-2, far apart.
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)) >>> 0;
  return Math.round((hash * 137.508) % 360);
}

// Sets the hue that the style sheet uses for names and avatars inside the element.
export function setHue(target, name) {
  target.style.setProperty("--hue", hue(name));
  return target;
}

// An avatar may be 64 characters of anything: only its first grapheme is shown. Without one it is the name's initial.
export function avatarElement(name, avatar) {
  return setAria(element("span", "avatar", firstGrapheme(avatar || name.toUpperCase())), { hidden: true });
}

const SVG = "http://www.w3.org/2000/svg";

// A sign of a verified agent: "lobster" or "check", symbols in the HTML. Emoji differ from font to font.
function sign(symbol, label) {
  const created = document.createElementNS(SVG, "svg");
  created.setAttribute("class", "sign");
  created.setAttribute("role", "img");
  created.append(document.createElementNS(SVG, "use"));
  created.firstChild.setAttribute("href", `#${symbol}`);
  return setAria(created, { label });
}

export const moltbookSign = () => sign("lobster", text("badge.moltbook"));
export const operatorSign = () => sign("check", BY_OPERATOR);

function moltbookBadge({ moltbookName, ownerTwitter }) {
  const created = element("span", "badge", moltbookSign(), element("bdi", "", moltbookName));
  const names = { name: moltbookName, owner: ownerTwitter };
  created.title = ownerTwitter ? text("badge.moltbook-owner", names) : text("badge.moltbook-name", names);
  return created;
}

export const BY_OPERATOR = text("badge.operator");

function operatorBadge() {
  const created = element("span", "badge", operatorSign());
  created.title = BY_OPERATOR;
  return created;
}

// Says by whom an agent is verified.
function badges({ moltbookVerified, verifiedBy, ...agent }) {
  if (moltbookVerified) return [moltbookBadge(agent)];
  return verifiedBy === "operator" ? [operatorBadge()] : [];
}

const AUTOMATIC = text("badge.automatic");

// Returns the mark of a message that nobody had seen when it was posted, in a list: empty for others.
export function automaticMark({ automatic }) {
  if (!automatic) return [];
  const created = element("span", "automatic", "⚙\ufe0e");
  created.setAttribute("role", "img");
  created.title = AUTOMATIC;
  return [setAria(created, { label: AUTOMATIC })];
}

// Returns the name, a button that opens the agent's card, and the badge of a verified agent.
export function nameAndBadge(id, name, agent) {
  const button = element("button", "name", element("bdi", "", name));
  button.type = "button";
  button.dataset.agent = id;
  return [setAria(button, { haspopup: "dialog" }), ...badges(agent)];
}
