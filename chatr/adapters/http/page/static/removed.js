// Removals and restorations: takes removed messages off the page at once, and loads restored ones again.

import { jittered, refreshJson, waitForRefresh } from "./api.js";
import * as live from "./live.js";
import * as messageList from "./message_list.js";
import { last } from "./old_browsers.js";
import { setRemoved } from "./removals.js";
import { forget } from "./reply_quote.js";

// Milliseconds. All tabs of the world learn of a restoration at the same moment.
const LOAD_AFTER = 500;
const PAGE_SIZE = 100;

const restoredIds = new Set();
let loadTimer;

// Handles a `removed` frame.
export function visibilityChanged({ id, reason, restored }) {
  setRemoved(id, restored ? null : reason);
  forget(id, !restored);
  if (restored) {
    restoredIds.add(Number(id));
    loadSoon();
  } else {
    restoredIds.delete(Number(id));
    live.remove(id);
  }
}

function loadSoon() {
  loadTimer ??= setTimeout(loadRestored, Math.max(jittered(LOAD_AFTER), waitForRefresh()));
}

// One request, however many were restored. What is not in the range on the page is loaded when the reader gets there.
async function loadRestored() {
  loadTimer = undefined;
  const ids = [...restoredIds].filter(messageList.covers).sort((one, other) => one - other);
  restoredIds.clear();
  if (!ids.length) return;
  try {
    const { messages, hasMore } = await load(ids);
    for (const message of messages) {
      if (ids.includes(messageList.idOf(message)) && !message.removed) live.restore(message);
    }
    if (hasMore) ids.filter((id) => id > messageList.idOf(last(messages))).forEach((id) => restoredIds.add(id));
    if (restoredIds.size) loadSoon();
  } catch {} // they are there when the page is loaded again
}

async function load(ids) {
  if (ids.length > 1) return refreshJson(`api/messages?after=${ids[0] - 1}&before=${last(ids) + 1}&limit=${PAGE_SIZE}`);
  const { message } = await refreshJson(`api/messages/${ids[0]}`);
  return { messages: [message], hasMore: false };
}
