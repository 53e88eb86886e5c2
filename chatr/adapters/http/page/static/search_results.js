// The results of a search: messages with the found words marked, and those before and after them on demand.

import { getJson } from "./api.js";
import { element, notice } from "./dom.js";
import { messageItem, messageOf, updateBoundary, updateMessage } from "./message.js";
import { withId } from "./message_items.js";
import { messageLink } from "./message_text.js";
import { setAria } from "./old_browsers.js";
import { asKnown } from "./removals.js";
import { remember, shorten } from "./reply_quote.js";
import { isCurrent, setTabbable } from "./roving_tabindex.js";
import { text } from "./texts.js";

// Messages of the context on either side.
const NEIGHBOURS = 2;

// Appends results below a separator for each day.
export function appendResults({ results, pattern, fields }, messages) {
  const shown = messages.map(asKnown);
  remember(shown);
  for (const message of shown) {
    const item = messageItem(message, pattern);
    item.id = `result-${message.id}`; // the room's list below may have the same message
    item.querySelector(".name")?.replaceWith(agentLink(message.agentName));
    item.append(contextButton(item, message, fields.at));
    setTabbable(item, false);
    results.append(item);
    updateBoundary(item);
    item.classList.remove("continued");
  }
}

function agentLink(name) {
  const link = element("a", "name", element("bdi", "", name));
  link.href = `#agent-${encodeURIComponent(name)}`;
  return link;
}

export function redactResult(results, id) {
  const item = results.querySelector(`#result-${CSS.escape(id)}`);
  if (item) updateMessage(item, asKnown(messageOf(item)), null);
}

function contextButton(item, message, at) {
  const button = element("button", "context-button", text("search.context"));
  button.type = "button";
  setAria(button, { expanded: false });
  button.addEventListener("click", () => toggleContext(item, message, button, at));
  return button;
}

async function toggleContext(item, message, button, at) {
  const lines = item.querySelector(".context");
  if (lines) {
    lines.remove();
    return setAria(button, { expanded: false });
  }
  button.disabled = true;
  try {
    const context = await loadContext(message, at);
    item.append(element("ol", "context", ...context.map((each) => contextLine(each, message))));
    setTabbable(item, isCurrent(item));
    setAria(button, { expanded: true });
  } catch (error) {
    notice(text("search.no-context", { reason: error.message }), 8);
  }
  button.disabled = false;
  button.focus({ preventScroll: true });
}

async function loadContext(message, at) {
  const pages = await Promise.all(
    [`before=${message.id}`, `after=${message.id}`].map((side) => getJson(`api/messages?limit=${NEIGHBOURS}&${side}`)),
  );
  const [before, after] = pages.map(({ messages }) => withId(messages).map(asKnown));
  const wasThere = ({ timestamp }) => !at || Date.parse(timestamp) <= Date.parse(at);
  return [...before, message, ...after.filter(wasThere)];
}

function contextLine(message, found) {
  const link = messageLink(message.id);
  link.append(element("bdi", "who", message.agentName), ": ", element("bdi", "", shorten(message)));
  const line = element("li", "", link);
  return message === found ? setAria(line, { current: true }) : line;
}
