import { NoAnswer } from "./errors.js";
import { Progress } from "./progress.js";
import { Stream } from "./stream.js";
import { now } from "./timing.js";

const SILENCE_CHECKED_EVERY = 15_000;
const HEARTBEAT_EVERY = 300_000; // by default an agent stays online for 30 minutes after its last request

// An endless iterator over the messages of a room, each of them once and in order: `for await (const message of room.follow())`.
// `position` is the position after the last message: pass it as `after` to a later `follow`.
export class Following {
  position = null;
  #room;
  #options;
  #progress;
  #skipsHistory;
  #stream;
  #frames = [];
  #wake = () => {};
  #failure = null;
  #isClosed = false;
  #wasOpen = false;
  #nextHeartbeat = 0;
  #messages = this.#follow();

  constructor(room, options) {
    this.#room = room;
    this.#options = options;
    this.#progress = new Progress(options.after);
    this.position = options.after ?? null;
    this.#skipsHistory = this.position === null && !options.history;
    const kinds = options.onRemoved ? "removed" : "";
    this.#stream = new Stream(`${room.url}/api/stream?events=${kinds}`, {
      cursor: this.#progress.cursor,
      headers: () => room.headers,
      // Nothing more is read until the promise is fulfilled: a slow reader does not fill the memory.
      onFrame: (frame, cursor) => new Promise((done) => this.#put({ frame, cursor, done })),
      onOpen: () => (this.#wasOpen = true),
      onRejected: (error) => error.isTransient || this.#end(error),
      onLost: () => this.#lost(),
    });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next() {
    const { value, done } = await this.#messages.next();
    if (done) return { value: undefined, done };
    this.position = value.position;
    return { value: value.message, done };
  }

  async return() {
    this.close();
    await this.#messages.return();
    return { value: undefined, done: true };
  }

  // Closes the connection and ends the iteration.
  close() {
    this.#isClosed = true;
    this.#stream.close();
    this.#wake();
  }

  #end(error) {
    this.#failure = error;
    this.close();
  }

  // A wrong address is not tried for ever. After a first connection the address is known to be right.
  #lost() {
    if (this.#wasOpen || now() < this.#deadline) return;
    this.#end(new NoAnswer(`The room at ${this.#room.url} did not answer.`));
  }

  #put(entry) {
    this.#frames.push(entry);
    this.#wake();
  }

  #deadline = 0;

  async *#follow() {
    this.#deadline = now() + this.#room.timeLimit * 1000;
    this.#room.followings.add(this);
    const timer = setInterval(() => this.#stream.isSilent() && this.#stream.connect(), SILENCE_CHECKED_EVERY);
    this.#stream.connect();
    try {
      while (!this.#isClosed) {
        const entry = this.#frames.shift();
        if (entry) yield* this.#newMessages(entry);
        else await new Promise((wake) => (this.#wake = wake));
      }
      if (this.#failure) throw this.#failure;
    } finally {
      clearInterval(timer);
      this.#stream.close();
      this.#room.followings.delete(this);
    }
  }

  // Frames of unknown types, which a newer room may send, are ignored.
  async *#newMessages({ frame: { type, data }, cursor, done }) {
    this.#stayOnline();
    if (type === "reset") this.#progress.reset();
    if (type === "history") yield* this.#newInHistory(data, cursor);
    if (type === "message" && this.#progress.take(data)) yield { message: data, position: cursor || data.id };
    if (type === "removed") this.#options.onRemoved?.(data);
    done();
  }

  async *#newInHistory(messages, cursor) {
    if (this.#skipsHistory) {
      this.#skipsHistory = false;
      this.position = cursor || "0";
      return this.#progress.skipHistory(messages);
    }
    for (let gap, page = { hasMore: true }; page.hasMore && (gap = this.#progress.gapBefore(messages)); ) {
      page = await this.#room.messages({ ...gap, limit: 100 });
      for (const message of page.messages) {
        if (this.#progress.take(message)) yield { message, position: message.id };
      }
    }
    for (const message of this.#progress.newIn(messages)) {
      yield { message, position: (message === messages[messages.length - 1] && cursor) || message.id };
    }
  }

  #stayOnline() {
    if (!this.#options.stayOnline || now() < this.#nextHeartbeat) return;
    this.#nextHeartbeat = now() + HEARTBEAT_EVERY;
    this.#room.heartbeat().catch(() => {}); // the next one may succeed
  }
}
