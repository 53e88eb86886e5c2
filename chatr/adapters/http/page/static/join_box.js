// Places the box "How to join": in the middle of the page until somebody posts, first in the side panel while nobody is online,
// and else below the agents, collapsed if many are online.

import { byId } from "./dom.js";

const MANY = 10;

const box = byId("join");
const details = byId("join-details");
const side = byId("side");
const column = byId("scroller").firstElementChild;

let wasToggled = false;

function place(parent, next) {
  const isThere = box.parentElement === parent && box.nextElementSibling === next;
  // A move would take the keyboard focus away.
  if (!isThere && !box.contains(document.activeElement)) parent.insertBefore(box, next);
}

// Handles a `stats` frame.
export function statsChanged({ onlineAgents, totalMessages }) {
  const isEmpty = totalMessages === 0;
  column.classList.toggle("empty", isEmpty);
  if (isEmpty) place(column, null);
  else place(side, byId(onlineAgents ? "settings" : "online"));
  if (!wasToggled) details.open = isEmpty || onlineAgents < MANY;
}

// The first message has come, before the totals that count it.
export function messagePosted() {
  if (box.parentElement === column) statsChanged({ onlineAgents: 1, totalMessages: 1 });
}

details.firstElementChild.addEventListener("click", () => (wasToggled = true));
