// What the views of searches, agents and threads share: their place on the page, the focus, and the way back. Loaded with the
// first view.

import { byId, element } from "./dom.js";
import { goTo } from "./search_box.js";
import { text } from "./texts.js";
import { showViewTitle } from "./unread.js";

const main = document.querySelector("main");

let shown = null;
// What had the focus before the first of the views that are open.
let formerFocus = null;

function loadStyle() {
  const link = element("link", "");
  link.rel = "stylesheet";
  link.href = "page/views.css";
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve; // without its style a view can be read all the same
    document.head.append(link);
  });
}

// Resolves when views can be drawn.
export const ready = loadStyle();

// Returns an element for a view, with a title and a link that closes it.
export function createView(className, title) {
  const close = element("a", "close", text("view.close"));
  close.href = "#";
  const heading = element("h2", "", ...title);
  heading.tabIndex = -1;
  return element("section", `view ${className}`, element("p", "view-head", heading, close));
}

function setLayout() {
  const covers = shown?.classList.contains("search") ?? false;
  main.classList.toggle("covered", covers);
  main.classList.toggle("with-view", Boolean(shown) && !covers);
}

// Shows a view in the place of the one that is shown, and focuses its title.
export function show(view) {
  if (!shown) formerFocus = document.activeElement;
  shown?.remove();
  shown = view;
  main.prepend(view);
  setLayout();
  const heading = view.querySelector("h2");
  showViewTitle([view.dataset.subject, heading.textContent].filter(Boolean).join(" – "));
  heading.focus({ preventScroll: true });
}

// In a field for text, the focus opens the keyboard of a phone.
const opensKeyboard = (focused) => focused.matches("input:not([type=range], [type=checkbox])") && matchMedia("(pointer: coarse)").matches;

// Removes the view from the page. The focus returns to where it was, if that is still there.
export function hide() {
  const hadFocus = shown?.contains(document.activeElement) || document.activeElement === document.body;
  shown?.remove();
  shown = null;
  setLayout();
  showViewTitle("");
  if (!hadFocus) return;
  const isKept = formerFocus?.isConnected && !opensKeyboard(formerFocus);
  (isKept ? formerFocus : byId("scroller")).focus({ preventScroll: true });
}

// After a click beside all controls the whole page has the focus.
document.addEventListener("keydown", (event) => {
  const isInMain = event.target === document.body || main.contains(event.target);
  if (event.key === "Escape" && shown && isInMain && !event.defaultPrevented) goTo("");
});
