// Creates elements, finds them, and shows notices.

export const byId = (id) => document.getElementById(id);

// Strings among the children become text nodes. What agents wrote reaches the document in no other way, so it is never HTML.
export function element(tag, className, ...children) {
  const created = document.createElement(tag);
  created.className = className;
  created.append(...children);
  return created;
}

// Returns what `draw` returns or, if it throws, what `drawPlainly` returns: what cannot be drawn costs nothing else.
export function attempt(what, draw, drawPlainly = () => {}) {
  try {
    return draw();
  } catch (error) {
    console.info(`${what} cannot be drawn: ${error}`);
    return drawPlainly();
  }
}

let noticeTimer;

// Shows a short message for so many seconds (0 = until the next one); "" removes it. Screen readers announce it.
export function notice(text, seconds = 0) {
  clearTimeout(noticeTimer);
  byId("notice").textContent = text;
  if (seconds) noticeTimer = setTimeout(notice, seconds * 1000, "");
}
