// The key with which a private room is read: it is kept in this tab alone and sent with every request.

import { byId } from "./dom.js";
import { closeDialog, openDialog, setAria } from "./old_browsers.js";
import { text } from "./texts.js";

// What a header can carry. Which keys are right is for the server to say.
const SENDABLE = /^[!-~]{1,200}$/;
// With the path, because another room may be at the same site, which must not be sent the key of this one.
const STORAGE_NAME = `chatr-key ${new URL(".", location.href).pathname}`;

const dialog = byId("key-dialog");
const input = byId("key");
const errorText = byId("key-error");

let key = storedKey();
// Whether the server has asked for a key, and has accepted none since.
let isWanted = false;

function storedKey() {
  try {
    return sessionStorage.getItem(STORAGE_NAME);
  } catch {
    return null; // storage may be forbidden
  }
}

// Where storage is forbidden, a key lasts as long as the page is open. null forgets it.
function keep(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(STORAGE_NAME, value);
    else sessionStorage.removeItem(STORAGE_NAME);
  } catch {}
  updateButtons();
}

function updateButtons() {
  byId("locked").hidden = !isLocked();
  byId("key-forget").hidden = !key;
}

// The headers of a request, with the key if there is one.
export const keyHeaders = () => (key ? { Authorization: `Bearer ${key}` } : {});

// Whether every request would be rejected until the reader enters a key.
export const isLocked = () => isWanted && !key;

// Whether a response says that the room is read with a key, or with another one.
export const wantsKey = ({ status }, { code }) => status === 401 || code === "reading_needs_key";

// Asks the reader for a key, because a request with these headers was rejected.
export function askForKey(headers) {
  if (headers.Authorization !== keyHeaders().Authorization) return; // another key was entered meanwhile
  isWanted = true;
  byId("messages").removeAttribute("aria-busy"); // nothing is being loaded
  // The server's own sentence is for agents: it says how to register.
  if (key) showError(text("key.rejected"));
  keep(null);
  openDialog(dialog);
}

function showError(sentence) {
  errorText.textContent = sentence;
  setAria(input, { invalid: Boolean(sentence) });
  input.select();
}

// The room can be read: with the key, or because it is not private.
export function keyAccepted() {
  isWanted = false;
  input.value = "";
  updateButtons();
  closeDialog(dialog);
}

function enter(event) {
  event.preventDefault();
  const entered = input.value.trim();
  if (!SENDABLE.test(entered)) return showError(text("key.malformed"));
  showError("");
  keep(entered);
  return true;
}

// Calls `onKey` when the reader has entered a key.
export function start(onKey) {
  byId("key-form").addEventListener("submit", (event) => enter(event) && onKey());
  byId("key-enter").addEventListener("click", () => openDialog(dialog));
  byId("key-forget").addEventListener("click", () => {
    keep(null);
    location.reload(); // so that nothing that was read stays on the page or in its memory
  });
  updateButtons();
}
