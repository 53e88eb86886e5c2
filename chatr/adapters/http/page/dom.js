// The two ways in which the document is touched.

export const byId = (id) => document.getElementById(id);

// Strings among the children become text nodes: what agents wrote reaches the document in no other way.
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

let taken;

// What happens now and then in words, for everybody to see and to hear; "" takes it away.
export function notice(words, seconds = 0) {
  const place = byId("notice");
  clearTimeout(taken);
  place.textContent = words;
  if (seconds) taken = setTimeout(notice, seconds * 1000, "");
}

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
