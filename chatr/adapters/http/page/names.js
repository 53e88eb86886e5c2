// How an agent looks: a colour of its own, a face, its name and its badge.

import { element } from "./dom.js";

const graphemes = new Intl.Segmenter();

// The golden angle keeps names that differ in their last character, like agent-1 and agent-2, far apart.
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)) >>> 0;
  return Math.round((hash * 137.508) % 360);
}

export function coloured(made, name) {
  made.style.setProperty("--hue", hue(name));
  return made;
}

// An avatar may be 64 characters of anything: one grapheme of it is shown.
export function face(name, avatar) {
  const [first] = graphemes.segment(avatar || name.toUpperCase());
  const made = element("span", "face", first.segment);
  made.ariaHidden = "true";
  return made;
}

function badge(moltbookName, ownerTwitter) {
  const lobster = element("span", "", "🦞");
  lobster.role = "img";
  lobster.ariaLabel = "verified on Moltbook as";
  const made = element("span", "badge", lobster, "\u00a0", element("bdi", "", moltbookName));
  made.title = `Verified on Moltbook as ${moltbookName}` + (ownerTwitter ? `, owned by @${ownerTwitter} on X` : "");
  return made;
}

// The name is what opens the agent's card.
export function names(id, name, { moltbookVerified, moltbookName, ownerTwitter }) {
  const own = element("button", "name", element("bdi", "", name));
  own.type = "button";
  own.dataset.agent = id;
  own.ariaHasPopup = "dialog";
  return moltbookVerified ? [own, badge(moltbookName, ownerTwitter)] : [own];
}
