// The stream of a tab: the one that a shared worker holds for all tabs of a browser, or one of its own without such workers.

import { Stream } from "./client.js";

// Milliseconds. If the worker has not answered by then, the tab opens a stream of its own.
const ANSWER_WITHIN = 10_000;
// Milliseconds. Pings find out that the worker has ended without a sign, as when the process that runs it crashed.
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
  #lockRequest = null;
  #timer;
  // The newest message that this tab has. The worker sends a tab that joins what came after it.
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
    worker.port.onmessage = ({ data }) => worker === this.#worker && this.#receive(data, headers, key);
    // start_worker.js has already joined the worker that it started, without a key.
    if (worker !== started || key) worker.port.postMessage({ join: { key, options: streamOptions, last: this.#last } });
    const giveUp = () => worker === this.#worker && this.#useOwn();
    if (worker.hasFailed) return giveUp();
    worker.onerror = giveUp;
    this.#timer = setTimeout(giveUp, ANSWER_WITHIN);
  }

  #ping() {
    if (!this.#hasJoined) return;
    this.#unanswered += 1;
    // One that holds its lock is only busy.
    if (this.#unanswered > MOST_UNANSWERED && !this.#lockRequest) return this.connect();
    this.#worker.port.postMessage({ ping: true });
  }

  close() {
    clearTimeout(this.#timer);
    this.#lockRequest?.abort();
    this.#lockRequest = null;
    this.#own.close();
    this.#worker?.port.postMessage({ leave: true });
    this.#worker?.port.close();
    this.#worker = null;
    this.#isOpen = this.#hasJoined = false;
    this.#unanswered = 0;
  }

  // Called when the network has changed: the connection may be lost although no error was reported.
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

  // The worker holds `lock` for as long as it runs: this tab gets it when the worker has ended. Without TLS there are no locks,
  // only pings.
  #reconnectWhenFree(lock, worker) {
    this.#lockRequest = new AbortController();
    const { signal } = this.#lockRequest;
    navigator.locks.request(lock, { signal }, () => worker === this.#worker && this.connect()).catch(() => {});
  }

  #useOwn() {
    this.close();
    this.#usesOwn = true;
    this.#own.onFrame = this.onFrame;
    this.#own.onOpen = this.onOpen;
    this.#own.connect();
  }

  #receive({ joined, lock, gone, open, lost, rejected, frame, cursor }, headers, key) {
    this.#unanswered = 0;
    // Until the worker has joined this tab with its key, it sends frames for tabs without one, which are ignored below.
    if (joined === key) {
      clearTimeout(this.#timer);
      this.#hasJoined = true;
      this.#worker.onerror = null;
    }
    if (!this.#hasJoined) return;
    if (lock && navigator.locks && !this.#lockRequest) this.#reconnectWhenFree(lock, this.#worker);
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
