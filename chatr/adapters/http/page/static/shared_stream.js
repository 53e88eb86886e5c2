// The page's end of the stream that all tabs of a browser share, or a stream of its own where tabs can share none.

import { Stream } from "./client.js";

// A tab that missed more is shown the newest messages; its reader can scroll back.
const MAX_MISSED = 1_000;
// After a connection that was lost sooner than this, the second one in a row, the next is opened no sooner either.
const SPACING = 60_000;
const STREAM_OPTIONS = { resumeQuery: { maxMissed: MAX_MISSED }, retry: 2_000, spacing: SPACING, usesEventSource: true };

// Milliseconds. A worker that does not answer is of no use: the tab opens a stream of its own.
const ANSWER_WITHIN = 10_000;
// The worker may end without a sign, as when the process that runs it crashes.
const PING_EVERY = 3_000;
const MOST_UNANSWERED = 2;

// The first one was started before the modules were loaded.
function takeWorker() {
  const worker = globalThis.startedStreamWorker ?? startStreamWorker();
  globalThis.startedStreamWorker = null;
  return worker;
}

// Has the interface of a Stream.
export class SharedStream {
  #own;
  #usesOwn = false;
  #worker = null;
  #isOpen = false;
  #hasJoined = false;
  #unanswered = 0;
  #timer;
  // What the worker is told, so that it sends what came after it.
  #last = null;

  constructor(url, options) {
    Object.assign(this, options);
    this.#own = new Stream(url, { ...STREAM_OPTIONS, ...options });
    setInterval(() => this.#ping(), PING_EVERY);
    addEventListener("pagehide", () => this.close());
  }

  connect() {
    this.close();
    if (this.#usesOwn) return this.#own.connect();
    if (!this.mayConnect()) return;
    try {
      this.#worker = takeWorker();
    } catch {
      return this.#useOwn(); // an old browser, or storage is forbidden
    }
    const headers = this.headers();
    const worker = this.#worker;
    worker.port.onmessage = ({ data }) => worker === this.#worker && this.#hear(data, headers);
    worker.port.postMessage({ join: { key: headers.Authorization ?? "", options: STREAM_OPTIONS, last: this.#last } });
    const giveUp = () => worker === this.#worker && this.#useOwn();
    if (worker.hasFailed) return giveUp();
    worker.onerror = giveUp;
    this.#timer = setTimeout(giveUp, ANSWER_WITHIN);
  }

  #ping() {
    if (!this.#hasJoined) return;
    this.#unanswered += 1;
    if (this.#unanswered > MOST_UNANSWERED) return this.connect();
    this.#worker.port.postMessage({ ping: true });
  }

  close() {
    clearTimeout(this.#timer);
    this.#own.close();
    this.#worker?.port.postMessage({ leave: true });
    this.#worker?.port.close();
    this.#worker = null;
    this.#isOpen = this.#hasJoined = false;
    this.#unanswered = 0;
  }

  // The network has changed: the connection may be lost though nobody says so.
  renew() {
    if (this.#worker) this.#worker.port.postMessage({ renew: true });
    else this.connect();
  }

  get isOpen() {
    return this.#worker ? this.#isOpen : this.#own.isOpen;
  }

  // Whether the connection has to be replaced. The worker looks after the one that it shares.
  isSilent() {
    return !this.#worker && this.#own.isSilent();
  }

  // The worker holds a lock for as long as it runs. Without TLS there are no locks, only pings.
  #reconnectWhenFree(lock, worker) {
    navigator.locks?.request(lock, () => worker === this.#worker && this.connect()).catch(() => {});
  }

  #useOwn() {
    this.close();
    this.#usesOwn = true;
    this.#own.onFrame = this.onFrame;
    this.#own.onOpen = this.onOpen;
    this.#own.connect();
  }

  #hear({ joined, gone, open, lost, rejected, frame, cursor }, headers) {
    this.#unanswered = 0;
    if (joined) {
      clearTimeout(this.#timer);
      this.#hasJoined = true;
      this.#worker.onerror = null;
      this.#reconnectWhenFree(joined, this.#worker);
    }
    if (gone) this.connect();
    if (open !== undefined) this.#isOpen = open;
    if (open) this.onOpen();
    if (lost) this.onLost(lost);
    if (rejected) {
      this.onRejected(rejected, headers);
      this.mayConnect(); // says so if it may not
    }
    if (!frame) return;
    this.#own.cursor = cursor;
    if (frame.type === "history") this.#last = frame.data[frame.data.length - 1] ?? null;
    if (frame.type === "message") this.#last = frame.data;
    this.onFrame(frame);
  }
}
