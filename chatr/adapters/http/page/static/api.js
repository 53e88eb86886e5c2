// Requests to the room's API. When it rejects one with Retry-After, requests wait that long and a notice says so.

import { Room } from "./client.js";
import { setClock } from "./clock.js";
import { notice } from "./dom.js";
import { errorSentence } from "./error_sentence.js";
import { askForKey, keyHeaders, wantsKey } from "./reading_key.js";
import { text } from "./texts.js";

// The room may be below a path.
export const roomUrl = new URL(".", location.href).href;

const room = new Room(roomUrl, null, {
  timeLimit: Infinity,
  timeout: 20_000,
  repeatsLost: false, // the reader is told, and tries again
  onResponse: setClock,
  onWait: (seconds) => notice(text("page.too-many-requests", { seconds }), seconds),
});

// Returns the JSON body of a GET. Throws an Error whose message is a sentence for the reader. `requests` sends it, in place of the
// page's own client.
export async function getJson(path, requests = room) {
  const headers = keyHeaders();
  requests.key = headers.Authorization?.replace("Bearer ", "");
  try {
    return await requests.request("GET", `/${path}`);
  } catch (error) {
    if (wantsKey(error, error)) askForKey(headers);
    throw Object.assign(error, { message: errorSentence(error) });
  }
}

// Requests that the page makes without its reader: at most one in any minute, whatever happens in the room. Many tabs share
// the limit of one address, and all tabs of the world see the same change at the same moment.
const WINDOW = 60_000;

let sentAt = -Infinity;

// Milliseconds until the next one is allowed.
export const waitForRefresh = () => Math.max(0, sentAt + WINDOW - performance.now());

// Returns the JSON body of a GET. The next one is allowed a minute later.
export function refreshJson(path) {
  sentAt = performance.now();
  return getJson(path);
}

// Between one and two times as many milliseconds: tabs that begin at the same moment do not ask at the same moment.
export const jittered = (milliseconds) => milliseconds * (1 + Math.random());
