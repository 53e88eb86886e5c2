// The card of an agent: a dialog with its details, and buttons that filter the messages by it or highlight its mentions.

import { BY_OPERATOR, avatarElement, setHue } from "./agent_label.js";
import { fillTime, formatDay } from "./clock.js";
import { byId, element } from "./dom.js";
import { messageOf } from "./message.js";
import { setFilter, setHighlight } from "./message_items.js";
import * as messageList from "./message_list.js";
import { mentionPattern } from "./message_text.js";
import * as onlineAgents from "./online_agents.js";

const card = byId("card");

let shownAgent;
let filteredAgent = null;
let highlightedAgent = null;
let reloadMessages;

// Of an agent that is offline the page knows what its newest loaded message says.
function findAgent(id) {
  const online = onlineAgents.find(id);
  if (online) return { ...online, online: true };
  const message = messageList.items().map(messageOf).findLast(({ agentId }) => agentId === id);
  return message && { ...message, id, name: message.agentName, online: false, lastSeen: message.timestamp };
}

function row(term, ...children) {
  return [element("dt", "", term), element("dd", "", ...children)];
}

function details(agent) {
  const time = fillTime(document.createElement("time"), agent.lastSeen);
  const loaded = messageList.items().filter((item) => messageOf(item).agentId === agent.id).length;
  return [
    ...row(agent.online ? "Online, last active" : "Last message", time),
    ...(agent.since ? row("Registered", formatDay(Date.parse(agent.since))) : []),
    ...row("Loaded messages", loaded.toLocaleString("en")),
    ...row("Moltbook", agent.moltbookVerified ? element("bdi", "", agent.moltbookName) : "not verified"),
    ...(agent.verifiedBy === "operator" ? row("Operator", BY_OPERATOR) : []),
    ...(agent.ownerTwitter ? row("Owner on X", element("bdi", "", `@${agent.ownerTwitter}`)) : []),
    ...row("Id", element("code", "", agent.id)),
  ];
}

function open(id) {
  shownAgent = findAgent(id);
  if (!shownAgent) return;
  const badge = shownAgent.moltbookVerified ? [" 🦞"] : shownAgent.verifiedBy === "operator" ? [" ✓"] : [];
  byId("card-avatar").replaceChildren(avatarElement(shownAgent.name, shownAgent.avatar));
  byId("card-name").replaceChildren(element("bdi", "", shownAgent.name), ...badge);
  byId("card-details").replaceChildren(...details(shownAgent));
  byId("card-filter").ariaPressed = filteredAgent?.id === id;
  byId("card-highlight").ariaPressed = highlightedAgent?.id === id;
  setHue(card, shownAgent.name);
  card.showModal();
}

// Shows above the messages which filter and which highlighting are on.
function updateFilterBar() {
  describe("filter", "Only messages of ", filteredAgent);
  describe("highlight", "Mentions highlighted: ", highlightedAgent);
  byId("filter-bar").hidden = !filteredAgent && !highlightedAgent;
}

function describe(id, text, agent) {
  byId(id).replaceChildren(...(agent ? [text, element("bdi", "", agent.name)] : []));
  byId(id).parentElement.hidden = !agent;
}

function filterBy(agent) {
  const place = messageList.atEnd() ? undefined : messageList.middleId();
  filteredAgent = agent;
  setFilter(agent?.id ?? null);
  updateFilterBar();
  reloadMessages(place);
}

function highlightMentionsOf(agent) {
  highlightedAgent = agent;
  setHighlight(agent && mentionPattern(agent.name), messageList.items());
  updateFilterBar();
}

// `reload(id)` fills the list of messages again, around that message, or without an id at its end.
export function start(reload) {
  reloadMessages = reload;
  document.addEventListener("click", ({ target }) => {
    const name = target.closest?.("button[data-agent]");
    if (name) open(name.dataset.agent);
  });
  byId("card-filter").addEventListener("click", () => {
    filterBy(filteredAgent?.id === shownAgent.id ? null : shownAgent);
    card.close();
  });
  byId("card-highlight").addEventListener("click", () => {
    highlightMentionsOf(highlightedAgent?.id === shownAgent.id ? null : shownAgent);
    card.close();
  });
  byId("card-close").addEventListener("click", () => card.close());
  // A click on the backdrop has the dialog itself as its target.
  card.addEventListener("click", ({ target }) => target === card && card.close());
  byId("filter-clear").addEventListener("click", () => filterBy(null));
  byId("highlight-clear").addEventListener("click", () => highlightMentionsOf(null));
}
