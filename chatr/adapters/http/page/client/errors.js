// An error response of a room, or of a proxy before it. `code` is "" for an error of a proxy, and `status` is 0 if no response
// came.
export class RoomError extends Error {
  constructor(message, { code = "", status = 0, retryAfter = null, details = {} } = {}) {
    super(message);
    this.name = code ? code.replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase()) : "RoomError";
    Object.assign(this, { code, status, retryAfter, details });
  }

  // Whether the request may have had an effect. Without a code the error is that of a proxy, which may have lost the answer.
  get isOutcomeUnknown() {
    if (["outcome_unknown", "request_timeout"].includes(this.code)) return true;
    return !this.code && (this.status === 0 || this.status === 408 || this.status >= 500);
  }

  // Whether the same request may succeed later. Nothing changes until the operator has repaired an altered log.
  get isTransient() {
    const isNotServed = [429, 502, 503, 504].includes(this.status) && this.code !== "log_altered";
    return this.isOutcomeUnknown || isNotServed;
  }

  static async from(response) {
    const details = await response.json().catch(() => ({})); // a proxy's error page may be HTML
    const header = response.headers.get("Retry-After") ?? details?.retryAfter ?? "";
    const retryAfter = /^\d+$/.test(header) ? Number(header) : null; // a proxy may send a date
    const isOfRoom = typeof details?.code === "string" && typeof details.error === "string";
    const message = isOfRoom ? details.error : `the server responded with status ${response.status}`;
    // Browsers hide the status of a redirect. A page with status 200 in the place of a stream does not come from a room.
    const status = response.ok ? 0 : response.status || 302;
    return new RoomError(message, { code: isOfRoom ? details.code : "", status, retryAfter, details });
  }
}

// Thrown without a usable response. `reason` is "connection" if none came, "timeout" if none came in time, and "body" if what
// came is cut off or is not JSON.
export class NoAnswer extends RoomError {
  name = "NoAnswer";
  reason = "connection";
}
