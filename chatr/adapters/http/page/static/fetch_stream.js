// The stream by fetch, with the interface of EventSource, which can send no key and does not say why it was rejected.

export class FetchStream {
  readyState = EventSource.CONNECTING;
  #request = new AbortController();
  #lastEventId = "";

  // Calls `onopen`, `onmessage` and `onerror` as EventSource does, and before the latter `onrejected(response)` if the response
  // was an error. It does not reconnect by itself.
  constructor(url, headers) {
    this.#run(url, headers);
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.#request.abort();
  }

  async #run(url, headers) {
    try {
      const response = await fetch(url, {
        headers: { Accept: "text/event-stream", ...headers },
        cache: "no-store",
        signal: this.#request.signal,
      });
      if (response.ok) await this.#receive(response.body);
      else await this.onrejected(response);
    } catch {} // the connection was lost, or the page has closed it
    if (this.readyState === EventSource.CLOSED) return;
    this.readyState = EventSource.CLOSED;
    this.onerror();
  }

  async #receive(body) {
    this.readyState = EventSource.OPEN;
    this.#call(this.onopen);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let incomplete = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const events = (incomplete + read.value).split("\n\n");
      incomplete = events.pop();
      for (const event of events) this.#dispatch(event);
    }
  }

  // The data of each event is one line. Other lines are comments, and the pause that only EventSource needs.
  #dispatch(event) {
    let data;
    for (const line of event.split("\n")) {
      if (line.startsWith("id: ")) this.#lastEventId = line.slice(4);
      if (line.startsWith("data: ")) data = line.slice(6);
    }
    // After `close` no event may follow, though some have arrived.
    if (data && this.readyState === EventSource.OPEN) this.#call(this.onmessage, { data, lastEventId: this.#lastEventId });
  }

  // An error of a listener is reported, as that of any listener, and does not end the stream.
  #call(listener, event) {
    try {
      listener(event);
    } catch (error) {
      reportError(error);
    }
  }
}
