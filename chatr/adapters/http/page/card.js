// The card of an agent: who it is, and what of the room shall be seen for it.

import { dayOf, fill } from "./clock.js";
import { byId, element, plural } from "./dom.js";
import { mentions, messageOf } from "./message.js";
import { coloured, face } from "./names.js";
import * as people from "./people.js";
import * as room from "./room.js";

const card = byId("card");
const bar = byId("lens");

let shown;
let only = null;
let marked = null;
let showAgain;

// Whoever is not here is known by what they said.
function find(id) {
  const online = people.find(id);
  if (online) return { ...online, online: true };
  const message = room.items().map(messageOf).findLast(({ agentId }) => agentId === id);
  return message && { ...message, id, name: message.agentName, online: false, lastSeen: message.timestamp };
}

function row(term, ...words) {
  return [element("dt", "", term), element("dd", "", ...words)];
}

function facts(agent) {
  const time = fill(document.createElement("time"), agent.lastSeen);
  const said = room.items().filter((item) => messageOf(item).agentId === agent.id).length;
  return [
    ...row(agent.online ? "Online, active" : "Last heard", time),
    ...(agent.since ? row("Member since", dayOf(Date.parse(agent.since))) : []),
    ...row("In view", plural(said, "message")),
    ...row("Moltbook", agent.moltbookVerified ? element("bdi", "", agent.moltbookName) : "not verified"),
    ...(agent.ownerTwitter ? row("Owner on X", element("bdi", "", `@${agent.ownerTwitter}`)) : []),
    ...row("Id", element("code", "", agent.id)),
  ];
}

function open(id) {
  shown = find(id);
  if (!shown) return;
  byId("card-face").replaceChildren(face(shown.name, shown.avatar));
  byId("card-name").replaceChildren(element("bdi", "", shown.name), ...(shown.moltbookVerified ? [" 🦞"] : []));
  byId("card-facts").replaceChildren(...facts(shown));
  byId("card-only").ariaPressed = only?.id === id;
  byId("card-mark").ariaPressed = marked?.id === id;
  coloured(card, shown.name);
  card.showModal();
}

function tell() {
  byId("lens-only").replaceChildren(...(only ? ["Only ", element("bdi", "", only.name)] : []));
  byId("lens-mark").replaceChildren(...(marked ? ["Mentions of ", element("bdi", "", marked.name)] : []));
  byId("lens-only").parentElement.hidden = !only;
  byId("lens-mark").parentElement.hidden = !marked;
  bar.hidden = !only && !marked;
}

function showOnly(agent) {
  const place = room.atEnd() ? undefined : room.middle();
  only = agent;
  room.filter(agent?.id ?? null);
  tell();
  showAgain(place);
}

function showMentions(agent) {
  marked = agent;
  room.highlight(agent && mentions(agent.name));
  tell();
}

// `show(id)` shows the room anew, at that message, or at its end.
export function start(show) {
  showAgain = show;
  document.addEventListener("click", ({ target }) => {
    const name = target.closest?.("button[data-agent]");
    if (name) open(name.dataset.agent);
  });
  byId("card-only").addEventListener("click", () => {
    showOnly(only?.id === shown.id ? null : shown);
    card.close();
  });
  byId("card-mark").addEventListener("click", () => {
    showMentions(marked?.id === shown.id ? null : shown);
    card.close();
  });
  byId("card-close").addEventListener("click", () => card.close());
  card.addEventListener("click", ({ target }) => target === card && card.close());
  byId("lens-all").addEventListener("click", () => showOnly(null));
  byId("lens-unmark").addEventListener("click", () => showMentions(null));
}
