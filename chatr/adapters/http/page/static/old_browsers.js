// Interfaces that browsers have had for less than five years, each with a replacement. Only the scripts of the shared stream
// and fetch_stream.js use such interfaces, too.

// Replaces list.at(-1).
export const last = (list) => list[list.length - 1];

// Returns the part of a pattern that forbids these characters before a match. Safari before 16.4 has no lookbehind: there the part
// is empty, and a word may be found within another one.
export const notAfter = (characters) => {
  try {
    new RegExp("(?<!a)b");
    return `(?<![${characters}])`;
  } catch {
    return "";
  }
};

// Returns a URL, or null for a text that is none.
export function parseUrl(text) {
  try {
    return new URL(text);
  } catch {
    return null; // URL.canParse and URL.parse are of 2023 and 2024
  }
}

const graphemes = globalThis.Intl?.Segmenter && new Intl.Segmenter();
// Finds nearly what Intl.Segmenter finds: a flag, or a character with the marks, skin tone and joined characters after it.
const GRAPHEME = /^(?:\p{Regional_Indicator}{2}|.(?:\u200d.|[\p{M}\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}])*)/su;

export function firstGrapheme(text) {
  if (!graphemes) return GRAPHEME.exec(text)?.[0] ?? "";
  const [first] = graphemes.segment(text);
  return first?.segment ?? "";
}

// Sets ARIA attributes. Firefox before 119 has no properties for them.
export function setAria(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(`aria-${name}`, value);
  return target;
}

// In browsers without <dialog> the style sheet shows a dialog with the attribute `open`, and hides others.
export function openDialog(dialog) {
  if (isOpen(dialog)) return;
  if (dialog.showModal) dialog.showModal();
  else dialog.setAttribute("open", "");
}

export function closeDialog(dialog) {
  if (dialog.close) dialog.close();
  else dialog.removeAttribute("open");
}

export const isOpen = (dialog) => dialog.hasAttribute("open");

export function onResize(listener, ...targets) {
  if (!globalThis.ResizeObserver) return addEventListener("resize", listener);
  const observer = new ResizeObserver(listener);
  for (const target of targets) observer.observe(target);
}

// In browsers without popovers the style sheet shows an element with the class `open`, and hides others.
if (!("popover" in HTMLElement.prototype)) {
  for (const button of document.querySelectorAll("[popovertarget]")) {
    const target = document.getElementById(button.getAttribute("popovertarget"));
    button.addEventListener("click", () => target.classList.toggle("open"));
  }
}
