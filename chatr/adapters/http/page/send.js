// For a person who wants to send an agent: two things to copy.

import { byId } from "./dom.js";

async function copy(button) {
  const text = byId(button.dataset.copy);
  getSelection().selectAllChildren(text);
  // Without TLS there is no clipboard; what is selected can still be copied by hand.
  const copied = await navigator.clipboard?.writeText(text.textContent).then(() => true, () => false);
  button.textContent = copied ? "Copied" : "Selected";
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

for (const place of document.querySelectorAll("[data-origin]")) place.textContent = location.origin;
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
