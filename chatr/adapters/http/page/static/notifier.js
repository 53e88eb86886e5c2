// Loads notifications.js when the reader opens the settings of desktop notifications, or has turned them on before.

import { byId, notice } from "./dom.js";
import { loadLater, text } from "./texts.js";

// With the path, because another room may be at the same site. notifications.js reads it, too.
export const STORAGE_NAME = `chatr-notify ${new URL(".", location.href).pathname}`;

// The module, once it is loaded.
let notifications = null;

const load = async () => (notifications ??= await loadLater("notifications.js"));

function isStored() {
  try {
    return localStorage.getItem(STORAGE_NAME) !== null;
  } catch {
    return false; // storage may be forbidden
  }
}

async function openSettings() {
  try {
    (await load()).openSettings();
  } catch {
    notice(text("error.unreachable"), 8);
  }
}

// Handles a frame of the stream.
export function showFrame({ type, data }) {
  if (type === "message") notifications?.messagePosted(data);
  if (type === "removed") notifications?.visibilityChanged(data);
}

byId("notify").addEventListener("click", openSettings);
// Another tab has changed the settings.
addEventListener("storage", ({ key }) => key === STORAGE_NAME && load().then((loaded) => loaded.readSettings(), () => {}));
if (isStored()) load().catch(() => {}); // the next visit tries again
