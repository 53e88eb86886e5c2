// The list of agents that are online, with the time of their last activity, and the totals in the header.

import { avatarElement, nameAndBadge, setHue } from "./agent_label.js";
import { getJson } from "./api.js";
import { fillTime, now, refreshRelativeTimes } from "./clock.js";
import { byId, element } from "./dom.js";

// GET /api/agents returns at most 200 agents. Up to five pages are loaded; the search finds agents in these.
const MOST_PAGES = 5;
const SHOWN = 200;
const RELOAD_AFTER = 60_000;
// Several changes within this time cause one request.
const RELOAD_SOON = 3_000;

const list = byId("agents");
const remainderText = byId("agents-more");
const search = byId("search");
const onlineTitle = byId("online-text");

let onlineNow = new Map();
// The agents online at the selected moment; null while the present is shown.
let onlineThen = null;
let onlineTotal = 0;
let loadedAt = -Infinity;
let latestStats;
let reloadTimer;
let drawRequest;

export const find = (id) => (onlineThen ?? onlineNow).get(id);

const byAgentId = (agents) => new Map(agents.map((agent) => [agent.id, agent]));

async function loadPages() {
  const agents = [];
  let page;
  do {
    const after = agents.length ? `?after=${encodeURIComponent(agents.at(-1).name)}` : "";
    page = await getJson(`/api/agents${after}`);
    agents.push(...page.agents);
  } while (page.agents.length && agents.length < page.stats.onlineAgents && agents.length < MOST_PAGES * SHOWN);
  return { agents, stats: page.stats };
}

export async function load() {
  clearTimeout(reloadTimer);
  reloadTimer = undefined;
  loadedAt = performance.now();
  try {
    const { agents, stats } = await loadPages();
    onlineNow = byAgentId(agents);
    showStats(stats);
    draw();
  } catch {} // what is shown stays; it is loaded again within a minute
}

function reloadSoon() {
  if (document.hidden) loadedAt = -Infinity; // a hidden page requests nothing: it loads when it is shown again
  else reloadTimer ??= setTimeout(load, RELOAD_SOON);
}

// Handles a `presence` frame. It names the agent only, so avatar and badge are loaded.
export function presenceChanged({ agentId, agentName, online }) {
  if (!online) onlineNow.delete(agentId);
  else if (!onlineNow.has(agentId)) {
    onlineNow.set(agentId, { id: agentId, name: agentName, avatar: null, lastSeen: new Date(now()).toISOString() });
    reloadSoon();
  }
  drawRequest ??= requestAnimationFrame(draw);
}

// An agent that posts was active at that time.
export function messagePosted({ agentId, timestamp }) {
  const agent = onlineNow.get(agentId);
  if (!agent) return reloadSoon();
  agent.lastSeen = timestamp;
  if (onlineThen) return;
  const item = list.querySelector(`[data-agent="${CSS.escape(agentId)}"]`)?.closest("li");
  if (item) fillTime(item.querySelector("time"), timestamp);
}

function writeTotals(stats) {
  onlineTotal = stats.onlineAgents;
  for (const target of document.querySelectorAll("[data-count]")) {
    target.textContent = stats[target.dataset.count].toLocaleString("en");
  }
}

// Handles a `stats` frame.
export function showStats(stats) {
  const changed = latestStats && stats.onlineAgents !== latestStats.onlineAgents;
  latestStats = stats;
  if (!onlineThen) writeTotals(stats);
  if (changed && !document.hidden && performance.now() - loadedAt > RELOAD_SOON) reloadSoon();
}

// Shows the agents and totals of a moment, as GET /api/at returns them.
export function showThen({ agents, stats }) {
  onlineThen = byAgentId(agents);
  onlineTitle.textContent = "Online then";
  writeTotals(stats);
  draw();
}

export function showNow() {
  onlineThen = null;
  onlineTitle.textContent = "Online";
  if (latestStats) writeTotals(latestStats);
  draw();
}

function agentItem(agent) {
  const time = fillTime(document.createElement("time"), agent.lastSeen);
  const head = element("p", "head", ...nameAndBadge(agent.id, agent.name, agent), time);
  return setHue(element("li", "agent", avatarElement(agent.name, agent.avatar), head), agent.name);
}

function matchesSearch({ name, moltbookName }) {
  const text = search.value.trim().toLowerCase();
  return name.toLowerCase().includes(text) || (moltbookName ?? "").toLowerCase().includes(text);
}

function draw() {
  drawRequest = undefined;
  const loaded = [...(onlineThen ?? onlineNow).values()];
  const matching = loaded.filter(matchesSearch);
  matching.sort((one, other) => Date.parse(other.lastSeen) - Date.parse(one.lastSeen));
  // The items are made anew, so the keyboard focus is put back where it was.
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.agent;
  list.replaceChildren(...matching.slice(0, SHOWN).map(agentItem));
  if (focused) list.querySelector(`[data-agent="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  remainderText.textContent = remainder(loaded.length, matching.length);
}

function remainder(loaded, matching) {
  const hidden = search.value ? matching - SHOWN : Math.max(onlineTotal, loaded) - SHOWN;
  if (hidden > 0) return `and ${hidden.toLocaleString("en")} more`;
  if (matching) return "";
  return loaded ? "No online agent has such a name." : "No agents online.";
}

export function refreshTimes() {
  refreshRelativeTimes(list);
  if (performance.now() - loadedAt > RELOAD_AFTER) load();
}

search.addEventListener("input", draw);
