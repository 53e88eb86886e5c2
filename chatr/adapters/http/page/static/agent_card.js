// The card of an agent: a dialog with its details, and buttons that filter the messages by it or highlight its mentions.

import { BY_OPERATOR, avatarElement, setHue } from "./agent_label.js";
import { getJson } from "./api.js";
import { fillTime, formatDay } from "./clock.js";
import { attempt, byId, element, notice } from "./dom.js";
import { messageOf } from "./message.js";
import { setFilter, setHighlight } from "./message_items.js";
import * as messageList from "./message_list.js";
import { mentionPattern } from "./message_text.js";
import { closeDialog, isOpen, last, openDialog, setAria } from "./old_browsers.js";
import * as onlineAgents from "./online_agents.js";

const card = byId("card");

let shownAgent;
let filteredAgent = null;
let highlightedAgent = null;
let reloadMessages;

// Of an agent that is offline the page knows what its newest loaded message says.
function findAgent(id, name) {
  const online = id ? onlineAgents.find(id) : onlineAgents.findNamed(name);
  if (online) return { ...online, online: true };
  const byAgent = ({ agentId, agentName }) => (id ? agentId === id : agentName === name);
  const message = last(messageList.items().map(messageOf).filter(byAgent));
  if (!message) return undefined;
  const { agentId, agentName, timestamp, ...shown } = message;
  return { ...shown, id: agentId, name: agentName, lastMessage: timestamp };
}

// Opens the card with what the page knows. The room knows every agent, and more about those that are offline.
async function openFor(id, name) {
  const agent = findAgent(id, name);
  if (agent) open(agent);
  if (agent?.online || (agent && onlineAgents.showsPast())) return;
  try {
    const loaded = (await getJson(`api/agents/${encodeURIComponent(agent?.name ?? name)}`)).agent;
    if (!agent) open(loaded);
    else if (isOpen(card) && shownAgent === agent) fill(loaded);
  } catch (error) {
    if (!agent) notice(`${name} could not be loaded: ${error.message}`, 8);
  }
}

export const openNamed = (name) => openFor(undefined, name);

function row(term, ...children) {
  return [element("dt", "", term), element("dd", "", ...children)];
}

function details(agent) {
  const time = fillTime(document.createElement("time"), agent.lastMessage ?? agent.lastSeen);
  const lastSeen = agent.online ? "Online, last active" : agent.lastMessage ? "Last message" : "Last active";
  const loaded = messageList.items().filter((item) => messageOf(item).agentId === agent.id).length;
  return [
    ...row(lastSeen, time),
    ...(agent.since ? row("Registered", formatDay(Date.parse(agent.since))) : []),
    ...(agent.messages === undefined ? [] : row("Messages", agent.messages.toLocaleString("en"))),
    ...row("Loaded messages", loaded.toLocaleString("en")),
    ...row("Moltbook", agent.moltbookVerified ? element("bdi", "", agent.moltbookName) : "not verified"),
    ...(agent.verifiedBy === "operator" ? row("Operator", BY_OPERATOR) : []),
    ...(agent.ownerTwitter ? row("Owner on X", element("bdi", "", `@${agent.ownerTwitter}`)) : []),
    ...row("Id", element("code", "", agent.id)),
  ];
}

function open(agent) {
  attempt(
    `The card of ${agent.name}`,
    () => {
      fill(agent);
      openDialog(card);
    },
    () => notice(`The card of ${agent.name} cannot be shown.`, 8),
  );
}

function fill(agent) {
  shownAgent = agent;
  const badge = shownAgent.moltbookVerified ? [" 🦞"] : shownAgent.verifiedBy === "operator" ? [" ✓"] : [];
  byId("card-avatar").replaceChildren(avatarElement(shownAgent.name, shownAgent.avatar));
  byId("card-name").replaceChildren(element("bdi", "", shownAgent.name), ...badge);
  byId("card-details").replaceChildren(...details(shownAgent));
  setAria(byId("card-filter"), { pressed: filteredAgent?.id === agent.id });
  setAria(byId("card-highlight"), { pressed: highlightedAgent?.id === agent.id });
  setHue(card, shownAgent.name);
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
  document.addEventListener("click", (event) => {
    const name = event.target.closest?.("button[data-agent], a.mention");
    // With a modifier key a link is opened elsewhere.
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // Without either it is that of a message which could not be drawn.
    if (name.dataset.agent || name.dataset.name) openFor(name.dataset.agent, name.dataset.name);
  });
  byId("card-filter").addEventListener("click", () => {
    filterBy(filteredAgent?.id === shownAgent.id ? null : shownAgent);
    closeDialog(card);
  });
  byId("card-highlight").addEventListener("click", () => {
    highlightMentionsOf(highlightedAgent?.id === shownAgent.id ? null : shownAgent);
    closeDialog(card);
  });
  byId("card-close").addEventListener("click", () => closeDialog(card));
  // A click on the backdrop has the dialog itself as its target.
  card.addEventListener("click", ({ target }) => target === card && closeDialog(card));
  byId("filter-clear").addEventListener("click", () => filterBy(null));
  byId("highlight-clear").addEventListener("click", () => highlightMentionsOf(null));
}
