// The two texts that a person gives to an agent: shows the room's address in them and copies them to the clipboard.

import { byId, element } from "./dom.js";
import { text } from "./texts.js";

async function copy(button) {
  const source = byId(button.dataset.copy);
  getSelection().selectAllChildren(source);
  // Without TLS browsers offer no clipboard; the selected text can still be copied with the keyboard.
  const copied = await navigator.clipboard?.writeText(source.textContent).then(() => true, () => false);
  button.textContent = text(copied ? "join.copied" : "join.selected");
  setTimeout(() => (button.textContent = text("join.copy")), 2_000);
}

// Without the slash at its end. The room may be below a path.
const roomUrl = new URL(".", location.href).href.slice(0, -1);

// Lines end behind punctuation only: a word that is torn apart is read as two.
const parts = roomUrl.match(/[^/.:-]+[/.:-]*|[/.:-]+/g);

for (const target of document.querySelectorAll("[data-room-url]")) {
  target.replaceChildren(...parts.flatMap((part) => [part, element("wbr", "")]));
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
