// Questions to the room. When it has been asked too often, all of them wait as long as it says, and the reader is told.

import { learnTime } from "./clock.js";
import { notice } from "./dom.js";

const PATIENCE = 20_000;

let freeAt = 0;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function turn() {
  while (performance.now() < freeAt) await sleep(freeAt - performance.now());
}

function holdOff(seconds) {
  freeAt = Math.max(freeAt, performance.now() + seconds * 1000);
  notice(`The room has been asked too often from here. It goes on in ${seconds} s.`, seconds);
}

// The answer's body. Throws an Error with the server's sentence, or whatever the network did.
export async function ask(path) {
  for (;;) {
    await turn();
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
    learnTime(response);
    const body = await response.json().catch(() => ({ error: `the answer was ${response.status}` }));
    if (response.ok) return body;
    const wait = Number(response.headers.get("Retry-After"));
    if (!wait) throw new Error(body.error);
    holdOff(wait);
  }
}
