const REMEMBERED = 1_000; // more messages than a history has

// Distinguishes a message from one of another log that has the same id.
const identity = ({ id, timestamp, agentId }) => `${id} ${timestamp} ${agentId}`;

// Decides which messages of a stream are new for its reader, across reconnections and resets.
export class Progress {
  cursor = "";
  // The id of the last message that is not new; null: every message is. Ids may be larger than a number can be.
  #last = null;
  #isReset = false;
  // Identities and times of the last messages.
  #remembered = new Map();

  // Throws RangeError for what is neither the id of a message nor a position of a stream.
  constructor(after) {
    if (after === undefined || after === null) return;
    const [position, id, fingerprint] = /^(\d{1,18})(-[0-9a-f]{8})?$/.exec(after) ?? [];
    if (!position) throw new RangeError(`${JSON.stringify(after)} is neither the id of a message nor a position of a stream`);
    this.cursor = fingerprint ? position : "";
    this.#last = BigInt(id);
  }

  // The stream cannot be resumed: it begins anew with the history that follows.
  reset() {
    this.#isReset = true;
  }

  skipHistory(messages) {
    messages.forEach((message) => this.#remember(message));
    this.#endHistory(messages);
  }

  // The ids between which messages are missing before this history: it has only the newest, and a reader without a cursor may
  // have missed more. null if none can be missing.
  gapBefore([first]) {
    if (this.#last === null || this.#isReset || !first || BigInt(first.id) <= this.#last + 1n) return null;
    return { after: String(this.#last), before: first.id };
  }

  newIn(messages) {
    const isNew = ({ id }) => this.#last === null || BigInt(id) > this.#last;
    const found = messages.filter((message) => (this.#isReset ? !this.#wasTaken(message) : isNew(message)));
    found.forEach((message) => this.#remember(message));
    this.#endHistory(messages);
    return found;
  }

  // Notes a message that arrived alone. Returns whether it is new.
  take(message) {
    if (this.#last !== null && BigInt(message.id) <= this.#last) return false;
    this.#last = BigInt(message.id);
    this.#remember(message);
    return true;
  }

  #endHistory(messages) {
    this.#isReset = false;
    this.#last = BigInt(messages[messages.length - 1]?.id ?? 0);
  }

  // If the log was restored from a backup, its history may have older messages than the remembered ones. They are known.
  #wasTaken(message) {
    const [oldest] = this.#remembered.values();
    return this.#remembered.has(identity(message)) || (oldest !== undefined && message.timestamp < oldest);
  }

  #remember(message) {
    this.#remembered.set(identity(message), message.timestamp);
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
  }
}
