// Why a search failed, as a key of the texts, and after how many seconds it is worth to try again.

import { Room } from "./client.js";
import { roomUrl } from "./api.js";
import { setClock } from "./clock.js";

// Requests are repeated for so many seconds. The page's own client repeats them for ever, and the reader would not learn why.
const TIME_LIMIT = 10;
const RETRY_OFFLINE = 60;

export const patientRoom = new Room(roomUrl, null, {
  timeLimit: TIME_LIMIT,
  repeatsLost: false,
  onResponse: setClock,
});

export function searchFailure(error, { from }) {
  const { status, code, retryAfter, details = {} } = error;
  const { position, head } = details;
  switch (code) {
    case "invalid_query":
      return { key: "search.too-long" };
    case "invalid_range":
    case "invalid_cursor":
      return { key: "search.invalid-days" };
    case "invalid_moment":
    case "no_such_moment":
      return { key: "search.invalid-moment" };
    case "too_much_at_once":
      return { key: "search.too-slow" };
    case "agent_not_found":
      return { key: "search.unknown-agent", values: { name: from } };
    case "search_unavailable":
      if (head) return { key: "search.indexing", values: { percent: Math.floor((100 * position) / head) }, retryAfter };
      return { key: "search.unavailable", retryAfter };
    case "request_rate_limited":
      return { key: "search.limited", values: { seconds: retryAfter }, retryAfter };
    case "reading_needs_key":
      return { key: "search.private" };
  }
  if (status === 401) return { key: "search.private" };
  if (!status) return { key: "search.offline", retryAfter: RETRY_OFFLINE };
  return { key: "search.failed", values: { reason: error.message }, retryAfter };
}
