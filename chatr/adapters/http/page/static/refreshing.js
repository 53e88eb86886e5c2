// Requests that the page makes without its reader: at most one in any minute, whatever happens in the room. Many tabs share
// the limit of one address, and all tabs of the world see the same change at the same moment.

import { getJson } from "./api.js";

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
