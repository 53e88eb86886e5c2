import { RoomError } from "./errors.js";
import { FetchStream } from "./fetch_stream.js";
import { CLOSED, OPEN, now, pauseAfter } from "./timing.js";

const RECONNECT_LAST = 60_000;
// A connection without a frame for this long is replaced: the server sends totals every few seconds.
const SILENCE = 60_000;

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

// A stream that reconnects for ever, from the last message. `url` has a query.
export class Stream {
  cursor = "";
  failures = 0;
  #source;
  #timer = null;
  // EventSource does not say why it was rejected. After that the next connection is made by fetch, which knows.
  #wasRejected = false;
  // Connections in a row that were lost soon after they had opened.
  #losses = 0;
  #openedAt = 0;
  #lastFrameAt = 0;
  // The longest pause between two frames so far. An operator may have set a longer --stats-every than SILENCE.
  #longestSilence = 0;
  #notBefore = 0;
  #pending = 0;

  // Calls `onFrame({type, data}, lastEventId)`, `onOpen()`, `onLost(failures)` and `onRejected(error, headers)`. Before each
  // connection `mayConnect()` has to return true. With `spacing` connections that are lost soon, the second one in a row, are so
  // many milliseconds apart. `retry` is the first pause, until the server says another. `resumeQuery` is sent with the last id.
  constructor(url, options) {
    const defaults = { headers: () => ({}), mayConnect: () => true, resumeQuery: {} };
    Object.assign(this, { url, retry: 500, spacing: 0, usesEventSource: false }, defaults, options);
  }

  connect() {
    this.close();
    if (!this.mayConnect()) return;
    const headers = this.headers();
    const resume = this.cursor ? { lastEventId: this.cursor, ...this.resumeQuery } : {};
    // URLSearchParams would encode the comma, and such a request costs the server twice as much.
    const url = `${this.url}&${new URLSearchParams(resume)}`;
    const byFetch = headers.Authorization || this.#wasRejected || !this.usesEventSource || !globalThis.EventSource;
    const source = (this.#source = byFetch ? new FetchStream(url, headers) : new EventSource(url));
    source.onmessage = (event) => this.#receive(event);
    source.onrejected = async (response) => {
      const error = await RoomError.from(response);
      if (error.retryAfter) this.#notBefore = now() + error.retryAfter * 1000;
      await this.onRejected?.(error, headers);
    };
    source.onopen = () => {
      this.failures = 0;
      this.#wasRejected = false;
      this.#openedAt = this.#lastFrameAt = now();
      this.onOpen?.();
    };
    source.onerror = () => this.#connectionLost();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  get isOpen() {
    return this.#source?.readyState === OPEN;
  }

  // Only frames with messages carry an id. Others must not change the cursor: a new EventSource reports "" until its first id.
  async #receive(event) {
    const frame = parsed(event.data);
    if (!frame) return this.#broken();
    if (frame.type === "history" || frame.type === "message") this.cursor = event.lastEventId;
    this.#longestSilence = Math.max(this.#longestSilence, now() - this.#lastFrameAt);
    this.#pending += 1;
    try {
      await this.onFrame(frame, this.cursor);
    } finally {
      this.#pending -= 1;
      this.#lastFrameAt = now();
    }
  }

  // EventSource reconnects by itself after a lost connection, but never after an error response such as 429, 502 or 503, and
  // FetchStream never does. If connections open and are lost again and again, they are opened `spacing` apart.
  #connectionLost() {
    if (!this.failures) this.#losses = now() - this.#openedAt < this.spacing ? this.#losses + 1 : 0;
    this.failures += 1;
    if (!this.mayConnect()) return;
    this.onLost?.(this.failures);
    const wasOpen = this.failures === 1 && this.#openedAt > 0;
    const isClosed = this.#source.readyState === CLOSED;
    this.#wasRejected = isClosed && !wasOpen;
    if (this.#losses > 1 && (wasOpen || !isClosed)) {
      this.#source.close();
      this.#connectIn(Math.max(this.#pause(), this.#openedAt + this.spacing - now()));
    } else if (isClosed) {
      // If its first connection is rejected, the page asks for the reason at once, such as that it needs a key.
      this.#connectIn(this.failures > 1 || this.#openedAt || !this.usesEventSource ? this.#pause() : 0);
    }
  }

  // The server sent something else than an event of a room, as a proxy may. Another connection may reach the room.
  #broken() {
    this.#source.close();
    this.#connectionLost();
  }

  #connectIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), Math.max(milliseconds, this.#notBefore - now()));
  }

  #pause() {
    this.retry = Math.max(this.#source.retry ?? this.retry, 10); // a pause of 0 would stay 0, however often it is doubled
    return pauseAfter(this.failures - 1, this.retry, RECONNECT_LAST);
  }

  // Browsers do not report a lost network as closed: only missing frames show it. FetchStream sees comments, too.
  isSilent() {
    const silence = now() - Math.max(this.#lastFrameAt, this.#source?.lastByteAt ?? 0);
    return this.isOpen && !this.#pending && silence > Math.max(SILENCE, 3 * this.#longestSilence);
  }
}
