// Roving tabindex: the Tab key reaches one message, the arrow keys the others. So Tab leads past hundreds of messages in one step.

import { byId } from "./dom.js";

const list = byId("messages");
const main = document.querySelector("main");

let current;

export const isCurrent = (item) => item === current;

// Makes the message and its buttons and links reachable with the Tab key, or not.
export function setTabbable(item, tabbable) {
  for (const target of [item, ...item.querySelectorAll("button, a")]) target.tabIndex = tabbable ? 0 : -1;
  return item;
}

export function setCurrent(item) {
  if (current) setTabbable(current, false);
  current = item;
  if (current) setTabbable(current, true);
}

// The current message may have been removed from the page: then the last one of the list takes its place.
export function ensureCurrent() {
  if (!current?.isConnected) setCurrent(list.querySelector(".message:last-of-type") ?? undefined);
}

// The room's list and the results of a search are both in the main part of the page.
main.addEventListener("focusin", ({ target }) => {
  const item = target.closest(".message");
  if (item && !isCurrent(item)) setCurrent(item);
});

main.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const item = event.target.closest(".message");
  if (step === undefined || !item) return;
  const items = [...item.parentElement.querySelectorAll(".message")];
  event.preventDefault();
  items[items.indexOf(item) + step]?.focus();
});
