// The page's end of the stream that all tabs of a browser share, or a stream of its own where tabs can share none.

import { Stream } from "./client.js";

// Milliseconds. A worker that does not answer is of no use: the tab opens a stream of its own.
const ANSWER_WITHIN = 10_000;
// The worker may end without a sign, as when the process that runs it crashes.
const PING_EVERY = 3_000;
const MOST_UNANSWERED = 2;

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
    this.#own = new Stream(url, { ...globalThis.streamOptions, ...options });
    setInterval(() => this.#ping(), PING_EVERY);
    addEventListener("pagehide", () => this.close());
  }

  connect() {
    this.close();
    if (this.#usesOwn) return this.#own.connect();
    if (!this.mayConnect()) return;
    const started = globalThis.startedStreamWorker;
    globalThis.startedStreamWorker = null;
    try {
      this.#worker = started ?? startStreamWorker();
    } catch {
      return this.#useOwn(); // an old browser, or storage is forbidden
    }
    const worker = this.#worker;
    const headers = this.headers();
    const key = headers.Authorization ?? "";
    worker.port.onmessage = ({ data }) => worker === this.#worker && this.#hear(data, headers, key);
    // The one that was started before the modules were loaded has been joined already, without a key.
    if (worker !== started || key) worker.port.postMessage({ join: { key, options: streamOptions, last: this.#last } });
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

  #hear({ joined, lock, gone, open, lost, rejected, frame, cursor }, headers, key) {
    this.#unanswered = 0;
    // Before that, the worker sends what is for a tab without a key.
    if (joined === key) {
      clearTimeout(this.#timer);
      this.#hasJoined = true;
      this.#worker.onerror = null;
      this.#reconnectWhenFree(lock, this.#worker);
    }
    if (!this.#hasJoined) return;
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
