// The removals that the page knows of: responses that were sent before them must not bring the texts back.

const REMEMBERED = 1_000;

// Reasons by the ids of messages.
const reasons = new Map();

// Remembers why a message was removed, or with null that it is shown again.
export function setRemoved(id, reason) {
  reasons.delete(id);
  if (reason !== null) reasons.set(id, reason);
  if (reasons.size > REMEMBERED) reasons.delete(reasons.keys().next().value);
}

// Returns the message, without its text if it was removed.
export function asKnown(message) {
  if (!reasons.has(message.id)) return message;
  return { ...message, content: "[removed]", replyTo: null, removed: true, reason: reasons.get(message.id) };
}
