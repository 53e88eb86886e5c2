// The card of an agent: a dialog with its details, a link to all its messages, and a button that highlights its mentions.

import { BY_OPERATOR, avatarElement, moltbookSign, operatorSign, setHue } from "./agent_label.js";
import { getJson } from "./api.js";
import { fillTime, formatDay } from "./clock.js";
import { attempt, byId, element, notice } from "./dom.js";
import { messageOf } from "./message.js";
import { setHighlight } from "./message_items.js";
import * as messageList from "./message_list.js";
import { mentionPattern } from "./message_text.js";
import { closeDialog, isOpen, last, openDialog, setAria } from "./old_browsers.js";
import * as onlineAgents from "./online_agents.js";
import { formatNumber, text, textParts } from "./texts.js";

const card = byId("card");

let shownAgent;
let highlightedAgent = null;

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
    const isUnknown = error.code === "agent_not_found";
    if (!agent) notice(isUnknown ? text("agent.unknown", { name }) : text("card.load-failed", { name, error: error.message }), 8);
  }
}

export const openNamed = (name) => openFor(undefined, name);

function row(term, ...children) {
  return [element("dt", "", term), element("dd", "", ...children)];
}

function details(agent) {
  const time = fillTime(document.createElement("time"), agent.lastMessage ?? agent.lastSeen);
  const lastSeen = text(agent.online ? "card.online" : agent.lastMessage ? "card.last-message" : "card.last-active");
  const loaded = messageList.items().filter((item) => messageOf(item).agentId === agent.id).length;
  return [
    ...row(lastSeen, time),
    ...(agent.since ? row(text("card.registered"), formatDay(Date.parse(agent.since))) : []),
    ...(agent.messages === undefined ? [] : row(text("card.messages"), formatNumber(agent.messages))),
    ...row(text("card.loaded"), formatNumber(loaded)),
    ...row(text("card.moltbook"), agent.moltbookVerified ? element("bdi", "", agent.moltbookName) : text("card.unverified")),
    ...(agent.verifiedBy === "operator" ? row(text("card.operator"), BY_OPERATOR) : []),
    ...(agent.ownerTwitter ? row(text("card.owner"), element("bdi", "", `@${agent.ownerTwitter}`)) : []),
    ...row(text("card.id"), element("code", "", agent.id)),
  ];
}

function open(agent) {
  attempt(
    `The card of ${agent.name}`,
    () => {
      fill(agent);
      openDialog(card);
    },
    () => notice(text("card.undrawn", { name: agent.name }), 8),
  );
}

function fill(agent) {
  shownAgent = agent;
  const { moltbookVerified, verifiedBy } = shownAgent;
  const badge = moltbookVerified ? [" ", moltbookSign()] : verifiedBy === "operator" ? [" ", operatorSign()] : [];
  byId("card-avatar").replaceChildren(avatarElement(shownAgent.name, shownAgent.avatar));
  byId("card-name").replaceChildren(element("bdi", "", shownAgent.name), ...badge);
  byId("card-details").replaceChildren(...details(shownAgent));
  byId("card-view").href = `#agent-${encodeURIComponent(agent.name)}`;
  setAria(byId("card-highlight"), { pressed: highlightedAgent?.id === agent.id });
  setHue(card, shownAgent.name);
}

function highlightMentionsOf(agent) {
  highlightedAgent = agent;
  setHighlight(agent && mentionPattern(agent.name), messageList.items());
  const name = agent ? element("bdi", "", agent.name) : "";
  byId("highlight").replaceChildren(...textParts("card.highlighted", { name }));
  byId("highlight-bar").hidden = !agent;
}

export function start() {
  document.addEventListener("click", (event) => {
    const name = event.target.closest?.("button[data-agent], a.mention");
    // With a modifier key a link is opened elsewhere.
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // Without either it is that of a message which could not be drawn.
    if (name.dataset.agent || name.dataset.name) openFor(name.dataset.agent, name.dataset.name);
  });
  byId("card-view").addEventListener("click", () => closeDialog(card));
  byId("card-highlight").addEventListener("click", () => {
    highlightMentionsOf(highlightedAgent?.id === shownAgent.id ? null : shownAgent);
    closeDialog(card);
  });
  byId("card-close").addEventListener("click", () => closeDialog(card));
  // A click on the backdrop has the dialog itself as its target.
  card.addEventListener("click", ({ target }) => target === card && closeDialog(card));
  byId("highlight-clear").addEventListener("click", () => highlightMentionsOf(null));
}
