// A worker that all tabs of a room share. It holds one stream for each key and passes every frame on to the tabs that use the key.
// A browser opens six connections to a site without HTTP/2: with a stream in each tab, the seventh would never load.

import { Stream } from "./client.js";

// Milliseconds after which a tab that says nothing is gone. It may have crashed, or be frozen in the background.
const GONE_AFTER = 150_000;
const CHECKED_EVERY = 15_000;
// Frames for a tab that says nothing meanwhile, though it does so every few seconds: it may not read them, and they need memory.
const MOST_UNREAD = 10_000;
// Milliseconds in which a second request to renew the stream is ignored: every tab reports a change of the network.
const RENEW_APART = 200;
// How many messages are kept for tabs that join later, as many as the page shows; and how many frames of type "removed".
const MOST = 300;

const now = () => performance.now();

// Calls `use` with the name of a lock, once it is held: it is for as long as this worker runs. A tab that requested it earlier
// would get it, and take this worker for one that has ended.
function lockWhileRunning(use) {
  const name = `stream worker ${Math.random()}`;
  navigator.locks.request(name, () => new Promise(() => use(name))).catch(() => {});
}

// Without TLS there are no locks.
const heldLock = navigator.locks ? new Promise(lockWhileRunning) : null;

// By key, "" without one. What is read with a key is sent to no tab that has another one.
const feeds = new Map();

const needsKey = ({ status, code }) => status === 401 || code === "reading_needs_key";

// Removes the oldest elements of a list that has more than MOST.
const trim = (list) => list.splice(0, list.length - MOST);

// One stream, the tabs that use it, and the messages and removals for tabs that join later.
class Feed {
  // When each tab last said something, and how many frames it was sent since, by its port.
  #tabs = new Map();
  // The last messages of tabs that joined before there was anything to send, by port.
  #waiting = new Map();
  // The newest messages. Of a removed one nothing is kept but its id and time. null: no history has arrived yet.
  #messages = null;
  #key;
  #removals = [];
  #stats = null;
  #isOpen = false;
  #isRejected = false;
  #renewedAt = -Infinity;

  constructor(key, options) {
    this.#key = key;
    this.stream = new Stream(new URL("../api/stream?events=presence,removed", location).href, {
      ...options,
      headers: () => (key ? { Authorization: key } : {}),
      mayConnect: () => !this.#isRejected,
      onFrame: (frame) => this.#receive(frame),
      onOpen: () => this.#sendToAll({ open: (this.#isOpen = true) }),
      onLost: (failures) => this.#sendToAll({ lost: failures, open: (this.#isOpen = false) }),
      onRejected: ({ status, code }) => {
        this.#isRejected = needsKey({ status, code });
        if (this.#isRejected) feeds.delete(key); // another tab may try the same key again
        this.#sendToAll({ rejected: { status, code } });
      },
    });
    this.stream.connect();
  }

  // Sends a tab what it has missed since its last message, or everything if that is not known.
  join(port, last) {
    this.noteSign(port);
    port.postMessage({ joined: this.#key });
    heldLock?.then((lock) => port.postMessage({ lock }));
    if (this.#isOpen) port.postMessage({ open: true });
    else if (this.stream.failures) {
      port.postMessage({ lost: this.stream.failures });
      this.renew(port); // the tab was opened, loaded again or shown: its reader does not wait for the next attempt
    }
    if (this.#messages) this.#catchUp(port, last);
    else this.#waiting.set(port, last);
  }

  has(port) {
    return this.#tabs.has(port);
  }

  noteSign(port) {
    this.#tabs.set(port, { heardAt: now(), unread: 0 });
  }

  // Returns whether the tab was there and was the last one.
  leave(port) {
    this.#waiting.delete(port);
    return this.#tabs.delete(port) && !this.#tabs.size;
  }

  renew(port) {
    if (now() - this.#renewedAt < RENEW_APART) return this.#isOpen && port.postMessage({ open: true });
    this.#renewedAt = now();
    this.#isOpen = false;
    this.stream.connect();
  }

  check() {
    for (const [port, { heardAt }] of this.#tabs) if (now() - heardAt > GONE_AFTER) leave(port);
    if (this.stream.isSilent()) this.stream.connect();
  }

  #sendToAll(message) {
    for (const port of this.#tabs.keys()) port.postMessage(message);
  }

  #receive(frame) {
    try {
      this.#remember(frame);
    } catch {} // a malformed frame is not remembered; the tabs skip it too
    const isFirst = frame.type === "history" && this.#waiting.size;
    for (const port of this.#tabs.keys()) {
      if (isFirst && this.#waiting.has(port)) this.#catchUp(port, this.#waiting.get(port));
      else this.#send(port, frame);
    }
    if (isFirst) this.#waiting.clear();
  }

  #send(port, frame) {
    port.postMessage({ frame, cursor: this.stream.cursor });
    if ((this.#tabs.get(port).unread += 1) >= MOST_UNREAD) leave(port); // it joins again when it has read them
  }

  #remember({ type, data }) {
    if (type === "stats") this.#stats = data;
    else if (type === "history") [this.#messages, this.#removals] = [data.filter((message) => message?.id), []];
    else if (type === "message" && data.id) {
      this.#messages.push(data);
      trim(this.#messages);
    } else if (type === "removed") {
      this.#removals.push(data);
      trim(this.#removals);
      // If an operator restored a message, each tab loads it.
      const withoutText = ({ id, timestamp }) => ({ id, timestamp });
      if (!data.restored) this.#messages = this.#messages.map((each) => (each.id === data.id ? withoutText(each) : each));
    }
  }

  #catchUp(port, last) {
    for (const frame of this.#missedSince(last)) this.#send(port, frame);
  }

  *#missedSince(last) {
    const isLast = ({ id, timestamp }) => id === last?.id && timestamp === last.timestamp; // another log has the same ids
    const index = this.#messages.findIndex(isLast);
    const messages = this.#messages.slice(index + 1).filter((message) => "content" in message);
    if (index >= 0) yield* messages.map((data) => ({ type: "message", data }));
    else {
      if (last) yield { type: "reset", data: { reason: "this tab was paused for too long" } };
      yield { type: "history", data: messages };
    }
    yield* this.#removals.map((data) => ({ type: "removed", data }));
    if (this.#stats) yield { type: "stats", data: this.#stats };
  }
}

function leave(port) {
  for (const [key, feed] of feeds) {
    if (!feed.leave(port)) continue;
    feed.stream.close();
    feeds.delete(key);
  }
}

function join(port, { key, options, last }) {
  leave(port);
  if (!feeds.has(key)) feeds.set(key, new Feed(key, options));
  feeds.get(key).join(port, last);
}

function receiveFrom(port, message) {
  if (message.join) return join(port, message.join);
  if (message.leave) return leave(port);
  const feed = [...feeds.values()].find((each) => each.has(port));
  if (!feed) return port.postMessage({ gone: true });
  feed.noteSign(port);
  if (message.renew) feed.renew(port);
  else port.postMessage({ alive: true });
}

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data }) => receiveFrom(port, data);
});
setInterval(() => feeds.forEach((feed) => feed.check()), CHECKED_EVERY);
