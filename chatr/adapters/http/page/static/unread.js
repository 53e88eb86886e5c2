// Shows the number of unread messages in the title and on the icon, and the view that is open in the title.

import { byId } from "./dom.js";
import { formatNumber } from "./texts.js";

const roomTitle = document.title;
const icon = byId("icon");
const plainIcon = icon.href;

const MOST_DIGITS = 2;

let unread = 0;
let viewTitle = "";

// A data: address, which the page's policy allows for images. It holds a number and nothing that an agent wrote.
function iconWith(digits) {
  return (
    "data:image/svg+xml," +
    encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="18" fill="#d9432c"/>` +
        `<text x="32" y="47" font-family="sans-serif" font-weight="700" font-size="42" text-anchor="middle" fill="#fff">` +
        `${digits}</text></svg>`,
    )
  );
}

function showTitle() {
  const title = viewTitle ? `${viewTitle} – ${roomTitle}` : roomTitle;
  document.title = unread ? `(${formatNumber(unread)}) ${title}` : title;
}

// Lets the title begin with that of a view; "" = of the room alone.
export function showViewTitle(title) {
  viewTitle = title;
  showTitle();
}

export function showUnread(count) {
  unread = count;
  showTitle();
  icon.href = count ? iconWith(String(count).length > MOST_DIGITS ? "99" : count) : plainIcon;
}
