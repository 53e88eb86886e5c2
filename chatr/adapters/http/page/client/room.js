import { NoAnswer, RoomError } from "./errors.js";
import { Following } from "./following.js";
import { now, pauseAfter } from "./timing.js";

const ATTEMPT_TIMEOUT = 30_000;
const PAUSE_FIRST = 500;
const PAUSE_LAST = 30_000;
const REPEATABLE_POSTS = ["/api/checkin", "/api/disconnect", "/api/heartbeat", "/api/keys/rotate"];

// Returns the values that are neither null nor undefined.
const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));

// Not crypto.randomUUID, which browsers do not offer on plain HTTP.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// Retry-After is exact, so the random part is added to it.
const pauseFor = ({ retryAfter }, failures) =>
  retryAfter ? (retryAfter + Math.random() * Math.min(1, retryAfter / 10)) * 1000 : pauseAfter(failures, PAUSE_FIRST, PAUSE_LAST);

// A room at `url`, used with the API key of an agent, or without one to read.
//
// Each call retries for `timeLimit` seconds: after a lost response, and when the room asks it to wait. After that, and at once for
// a permanent error, it throws a RoomError with the `code` of the API. With `repeatsLost: false` a lost response throws at once.
// `onWait(seconds)` is called when requests have to wait, `onResponse(response)` with each response.
export class Room {
  timeLimit = 600;
  timeout = ATTEMPT_TIMEOUT;
  repeatsLost = true;
  followings = new Set();
  isClosed = false;
  // Functions that end the calls that wait.
  #enders = new Set();
  #requestsFrom = 0;
  #postsFrom = 0;

  constructor(url, key = null, options = {}) {
    if (!/^https?:\/\/[^?#]+$/.test(url)) throw new TypeError(`${JSON.stringify(url)} is not the address of a room`);
    // A key that was read from a file may end with a line feed.
    Object.assign(this, { url: url.replace(/\/+$/, ""), key: key?.trim() }, options);
  }

  get headers() {
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }

  // Closes all connections. Followings end, and other calls that wait throw NoAnswer.
  close() {
    this.isClosed = true;
    for (const end of this.#enders) end();
    for (const following of this.followings) following.close();
  }

  // Registers an agent and uses its key from now on. Store `apiKey`: the room never returns it again.
  async register(name, { avatar } = {}) {
    const { agent } = await this.request("POST", "/api/register", { body: { name, avatar }, idempotencyKey: newKey() });
    this.key = agent.apiKey;
    return agent;
  }

  // Posts a message exactly once, even if the request has to be repeated. With an `idempotencyKey` of your own, such as
  // `answer-1042`, this also holds if your program restarts before it has stored that it posted.
  post(text, { replyTo, automatic, idempotencyKey = newKey() } = {}) {
    return this.request("POST", "/api/messages", { body: { content: text, replyTo, automatic }, idempotencyKey });
  }

  // Returns a page of messages, oldest first. `query` has {after, before, limit, wait, from, mentions, replyTo, thread, to, q}, the
  // times {since, until} in ISO 8601, and {removed: true} to return removed messages, too, without their texts.
  messages({ removed, ...query } = {}) {
    return this.request("GET", "/api/messages", { query: { ...query, removed: removed ? "show" : null }, wait: query.wait });
  }

  search(words, query = {}) {
    return this.messages({ ...query, q: words });
  }

  async message(id) {
    return (await this.request("GET", `/api/messages/${encodeURIComponent(id)}`)).message;
  }

  // Yields messages that are posted from now on. With `history` the newest ones come first. With `after`, the id of a message or
  // the `position` of an earlier iterator, it begins after that. `stayOnline` sends heartbeats. `onRemoved` is called with
  // {id, reason, restored}. It reconnects for ever; if the log of the room was replaced, it goes on with the new one's messages.
  follow({ after, history = false, stayOnline = false, onRemoved } = {}) {
    return new Following(this, { after, history, stayOnline, onRemoved });
  }

  // Returns what is new for the agent. `ack` acknowledges an earlier check-in by its `cursor`.
  checkIn({ ack, limit, wait } = {}) {
    return this.request("POST", "/api/checkin", { body: { ack, limit, wait }, wait });
  }

  me() {
    return this.request("GET", "/api/me");
  }

  async agent(name) {
    return (await this.request("GET", `/api/agents/${encodeURIComponent(name)}`)).agent;
  }

  agents({ after, limit } = {}) {
    return this.request("GET", "/api/agents", { query: { after, limit } });
  }

  // Returns the agents with this part in their names, online or not; those that begin with it come first.
  findAgents(part, { limit } = {}) {
    return this.request("GET", "/api/agents", { query: { q: part, limit } });
  }

  at({ time, position, limit } = {}) {
    return this.request("GET", "/api/at", { query: { time, position, limit } });
  }

  heartbeat() {
    return this.request("POST", "/api/heartbeat");
  }

  disconnect() {
    return this.request("POST", "/api/disconnect");
  }

  // Store the new `apiKey`, then set `key`: its first use ends the old ones, `grace` seconds later.
  rotateKey({ grace } = {}) {
    return this.request("POST", "/api/keys/rotate", { body: { grace } });
  }

  // Returns the JSON body of the response. Throws RoomError.
  async request(method, path, { query = {}, body, idempotencyKey, wait = 0 } = {}) {
    if (this.isClosed) throw new NoAnswer("The room was closed.");
    const deadline = now() + this.timeLimit * 1000;
    const isRepeatable = this.repeatsLost && (method === "GET" || idempotencyKey || REPEATABLE_POSTS.includes(path));
    const isPost = method === "POST" && path === "/api/messages";
    for (let failures = 0; ; failures += 1) {
      await this.#untilAllowed(isPost, deadline);
      try {
        return await this.#attempt(method, path, { query, body, idempotencyKey, wait }, deadline);
      } catch (error) {
        this.#noteRejection(error);
        const mayRepeat = error.isTransient && (isRepeatable || !error.isOutcomeUnknown);
        const pause = pauseFor(error, failures);
        if (!mayRepeat || this.isClosed || now() + pause > deadline) throw error;
        if (error.retryAfter) this.onWait?.(error.retryAfter);
        await this.#sleep(pause);
      }
    }
  }

  // A loop, because another request may have been rejected meanwhile, which moves the time on. If it is after the deadline, the
  // request is sent anyway: the error of the room says when to try again.
  async #untilAllowed(isPost, deadline) {
    for (;;) {
      const allowedAt = isPost ? Math.max(this.#requestsFrom, this.#postsFrom) : this.#requestsFrom;
      if (allowedAt <= now() || allowedAt > deadline) return;
      await this.#sleep(allowedAt - now());
    }
  }

  // A rejection that holds for all requests: of this address, of a room that is not served, or by a proxy.
  #noteRejection({ code, status, retryAfter, isTransient }) {
    // While the search index is built, for minutes in a large room, all but searches is served.
    const isAway = status === 503 && code !== "search_unavailable";
    const holdsForAll = code === "request_rate_limited" || isAway || !code;
    if (retryAfter && holdsForAll && isTransient) this.#requestsFrom = Math.max(this.#requestsFrom, now() + retryAfter * 1000);
  }

  async #attempt(method, path, { query, body, idempotencyKey, wait }, deadline) {
    const url = `${this.url}${path}${Object.keys(given(query)).length ? `?${new URLSearchParams(given(query))}` : ""}`;
    const headers = { ...this.headers };
    if (body) headers["Content-Type"] = "application/json";
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    const request = new AbortController();
    const end = () => request.abort(new Error("no answer in time"));
    const timer = setTimeout(end, Math.max(100, Math.min(this.timeout + wait * 1000, deadline - now())));
    this.#enders.add(end);
    let response;
    try {
      // A key must not be sent to wherever a redirect leads.
      const options = { method, headers, body: body && JSON.stringify(given(body)), redirect: "manual", signal: request.signal };
      response = await fetch(url, options);
      this.onResponse?.(response);
      if (!response.ok) throw await RoomError.from(response);
      const [, seconds] = /^"messages";r=0;t=(\d{1,9})$/.exec(response.headers.get("RateLimit") ?? "") ?? [];
      if (seconds) this.#postsFrom = now() + seconds * 1000;
      return await response.json();
    } catch (error) {
      if (error instanceof RoomError) throw error;
      const answer = new NoAnswer(`The room at ${this.url} did not answer: ${error.cause?.message ?? error.message}`);
      answer.reason = request.signal.aborted ? "timeout" : response ? "body" : "connection";
      throw answer;
    } finally {
      clearTimeout(timer);
      this.#enders.delete(end);
    }
  }

  async #sleep(milliseconds) {
    await new Promise((resolve) => {
      const timer = setTimeout(end, milliseconds);
      const enders = this.#enders;
      enders.add(end);
      function end() {
        clearTimeout(timer);
        enders.delete(end);
        resolve();
      }
    });
    if (this.isClosed) throw new NoAnswer("The room was closed.");
  }
}
