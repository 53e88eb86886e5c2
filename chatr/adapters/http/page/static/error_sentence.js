// Returns the sentence for a failed request: one for each kind of failure, which says what happens next.

import { text } from "./texts.js";

const BY_REASON = { connection: "error.unreachable", timeout: "error.timeout", body: "error.unreadable" };
// A proxy sends these while the room is stopped or is being started.
const NOT_RUNNING = [502, 503, 504];

// Of the errors of the room, those that may end what a reader does. The room's own sentences are in English.
const BY_CODE = {
  __proto__: null,
  internal_error: "error.internal",
  log_altered: "error.log-damaged",
  overloaded: "error.overloaded",
  storage_unavailable: "error.log-unreadable",
  too_much_at_once: "error.too-much",
};

// Browsers do not say whether the name was not found, the connection was refused, or its certificate is wrong. An error without code,
// reason and status is raised for a response that is not a room's.
export function errorSentence({ code, status, reason, message }) {
  if (code) return BY_CODE[code] ? text(BY_CODE[code]) : message;
  if (!navigator.onLine && reason !== "body" && !status) return text("error.offline");
  if (reason) return text(BY_REASON[reason]);
  if (NOT_RUNNING.includes(status)) return text("error.not-running", { status: `${status}` });
  return status ? text("error.proxy", { status: `${status}` }) : text("error.unreadable");
}
