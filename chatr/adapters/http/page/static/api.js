// Requests to the room's API. When it rejects one with Retry-After, every request waits that long and a notice says so.
// Addresses are relative to the page, because the room may be below a path.

import { setClock } from "./clock.js";
import { notice } from "./dom.js";
import { askForKey, keyHeaders, wantsKey } from "./reading_key.js";

const TIMEOUT = 20_000;

let nextRequestAt = 0;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// A loop, because another request may have been rejected meanwhile and have moved the time on.
async function requestsAllowed() {
  while (performance.now() < nextRequestAt) await sleep(nextRequestAt - performance.now());
}

function pauseRequests(seconds) {
  nextRequestAt = Math.max(nextRequestAt, performance.now() + seconds * 1000);
  notice(`Too many requests from your address. The page continues in ${seconds} s.`, seconds);
}

// Returns the JSON body of a GET. Throws an Error with the server's sentence, or the error of `fetch`.
export async function getJson(path) {
  for (;;) {
    await requestsAllowed();
    const headers = keyHeaders();
    const response = await fetch(path, { headers, signal: AbortSignal.timeout(TIMEOUT) });
    setClock(response);
    // A proxy's error page may be HTML.
    const body = await response.json().catch(() => ({ error: `the server responded with status ${response.status}` }));
    if (response.ok) return body;
    if (wantsKey(response, body)) askForKey(headers);
    const retryAfter = Number(response.headers.get("Retry-After"));
    if (!retryAfter) throw new Error(body.error);
    pauseRequests(retryAfter);
  }
}
