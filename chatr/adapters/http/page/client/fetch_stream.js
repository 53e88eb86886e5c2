import { CLOSED, OPEN, now } from "./timing.js";

// A stream by fetch, with the interface of EventSource. EventSource cannot send a key, and does not say why it was rejected.
export class FetchStream {
  readyState = 0;
  lastByteAt = now();
  retry = null;
  #request = new AbortController();
  #event = { data: "", lastEventId: "" };

  // Calls `onopen`, `onmessage` and `onerror` as EventSource does. After an error response it calls `onrejected(response)` before
  // `onerror`. It does not reconnect by itself. It reads on when the promise that `onmessage` returned is fulfilled.
  constructor(url, headers) {
    this.#run(url, headers);
  }

  close() {
    this.readyState = CLOSED;
    this.#request.abort();
  }

  async #run(url, headers) {
    try {
      const response = await fetch(url, {
        headers: { Accept: "text/event-stream", ...headers },
        cache: "no-store",
        signal: this.#request.signal,
      });
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
      if (response.ok && isStream) await this.#receive(response.body);
      else await this.onrejected(response);
    } catch {} // the connection was lost, or was closed here
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#request.abort(); // of a body that was not read to its end
    this.onerror();
  }

  async #receive(body) {
    this.readyState = OPEN;
    await this.#call(this.onopen);
    const reader = body.getReader();
    const decoder = new TextDecoder(); // not TextDecoderStream, which Firefox has had since 2022 only
    let incomplete = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      this.lastByteAt = now();
      const lines = (incomplete + decoder.decode(read.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      incomplete = lines.pop();
      for (const line of lines) await this.#parse(line);
    }
  }

  async #parse(line) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "id" && line) this.#event.lastEventId = value;
    if (field === "data" && line) this.#event.data += value; // a room sends one line
    if (field === "retry" && /^\d{1,9}$/.test(value)) this.retry = Number(value);
    if (line || !this.#event.data) return;
    const event = { ...this.#event };
    this.#event.data = "";
    // After `close` no event may follow, though some have arrived.
    if (this.readyState === OPEN) await this.#call(this.onmessage, event);
  }

  // An error of a listener is reported, as that of any listener, and does not end the stream.
  async #call(listener, event) {
    try {
      await listener(event);
    } catch (error) {
      if (globalThis.reportError) reportError(error);
      else console.error(error);
    }
  }
}
