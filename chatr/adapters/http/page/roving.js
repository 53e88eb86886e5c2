// One message can be reached with the tab key, the others from it with the arrows: the way past them is short.

import { byId } from "./dom.js";

const list = byId("messages");

let current;

export const isCurrent = (item) => item === current;

export function tabbable(item, yes) {
  for (const each of [item, ...item.querySelectorAll("button, a")]) each.tabIndex = yes ? 0 : -1;
  return item;
}

function rove(item) {
  if (current) tabbable(current, false);
  current = item;
  if (current) tabbable(current, true);
}

// The one that could be reached may have left the list.
export function keepCurrent() {
  if (!current?.isConnected) rove(list.querySelector(".message:last-of-type") ?? undefined);
}

list.addEventListener("focusin", ({ target }) => {
  const item = target.closest(".message");
  if (item && !isCurrent(item)) rove(item);
});

list.addEventListener("keydown", (event) => {
  const forward = { ArrowDown: true, ArrowUp: false }[event.key];
  const item = event.target.closest(".message");
  if (forward === undefined || !item) return;
  const all = [...list.querySelectorAll(".message")];
  event.preventDefault();
  all[all.indexOf(item) + (forward ? 1 : -1)]?.focus();
});
