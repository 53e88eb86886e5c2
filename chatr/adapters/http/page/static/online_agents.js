// The list of agents that are online, with the time of their last activity, and the totals in the header.

import { avatarElement, nameAndBadge, setHue } from "./agent_label.js";
import { getJson, jittered, refreshJson, waitForRefresh } from "./api.js";
import { fillTime, now, refreshRelativeTimes } from "./clock.js";
import { attempt, byId, element } from "./dom.js";
import { formatNumber, text } from "./texts.js";

// GET /api/agents returns at most 200 agents. Up to five pages are loaded, of which the agents seen last are shown.
const SHOWN = 200;
const MOST_PAGES = 5;
const MOST_LOADED = MOST_PAGES * SHOWN;
// The stream says who comes and goes and who posts. One page at a time is loaded again for the rest: the avatars of agents
// that have come, the times of the others.
const REFRESH_AFTER = 60_000;
const REFRESH_SOON = 4_000;
// A presence frame comes about a second after what it reports.
const JUST_NOW = 5_000;

const list = byId("agents");
const remainderText = byId("agents-more");
const onlineTitle = byId("online-text");

// In the order in which they were loaded or seen: the first is forgotten when there are too many.
let onlineNow = new Map();
// The agents online at the selected moment; null while the present is shown.
let onlineThen = null;
let onlineTotal = 0;
let latestStats;
let isLoaded = false;
// What messages said of their agents: avatar and badge.
const posters = new Map();
// Names of agents that came online and of which only the name is known.
const unknownNames = new Set();
// Presence frames since the running request was sent, whose response may be older than they are.
let recentFrames;
// The name after which the next page is loaded.
let refreshAfter = "";
let refreshAt = 0;
let refreshTimer;
let drawRequest;

export const find = (id) => (onlineThen ?? onlineNow).get(id);
export const findNamed = (name) => [...(onlineThen ?? onlineNow).values()].find((agent) => agent.name === name);
export const showsPast = () => onlineThen !== null;

const hasName = (agent) => typeof agent?.name === "string";
const byAgentId = (agents) => new Map(agents.filter(hasName).map((agent) => [agent.id, agent]));
const nameOrder = ({ name }) => name.toLowerCase();

const pagePath = (after) => `api/agents${after ? `?after=${encodeURIComponent(after)}` : ""}`;

function remember(agents, agent) {
  agents.delete(agent.id);
  agents.set(agent.id, agent);
  if (agents.size > MOST_LOADED) agents.delete(agents.keys().next().value);
}

// Requests a page and replaces the agents whose names it covers. Returns the name after which the next page begins, "" =
// there is none.
async function loadPage(after, get) {
  recentFrames = [];
  const { agents, stats } = await get(pagePath(after));
  const newer = recentFrames ?? [];
  recentFrames = undefined;
  const last = agents.length < SHOWN ? "" : nameOrder(agents[agents.length - 1]);
  for (const [id, agent] of onlineNow) {
    const name = nameOrder(agent);
    if (name > after.toLowerCase() && (!last || name <= last)) onlineNow.delete(id);
  }
  for (const agent of agents.filter(hasName)) {
    remember(onlineNow, agent);
    unknownNames.delete(agent.name);
  }
  for (const frame of newer) presenceChanged(frame);
  showStats(stats);
  return last;
}

// Loads the first pages.
async function load() {
  onlineNow.clear();
  let after = "";
  try {
    for (let page = 0; page < MOST_PAGES && (after || !page); page += 1) after = await loadPage(after, getJson);
    isLoaded = true;
  } catch {} // what is shown stays; one page after the other is loaded again
  refreshAt = performance.now() + jittered(REFRESH_AFTER);
  draw();
}

// The page of the first agent that is not known, or else the next one.
async function refresh() {
  refreshTimer = undefined;
  if (document.hidden) return; // it is refreshed when it is shown again
  if (waitForRefresh()) return refreshSoon();
  const [unknown] = [...unknownNames].sort();
  unknownNames.clear();
  const after = unknown ? unknown.slice(0, -1) : refreshAfter;
  refreshAt = performance.now() + jittered(REFRESH_AFTER);
  try {
    const next = await loadPage(after, refreshJson);
    if (!unknown) refreshAfter = onlineNow.size < MOST_LOADED ? next : "";
  } catch {} // what is shown stays
  draw();
}

function refreshSoon() {
  refreshAt = 0;
  if (!document.hidden) refreshTimer ??= setTimeout(refresh, Math.max(jittered(REFRESH_SOON), waitForRefresh()));
}

// The stream is open. After a pause, agents may have come and gone without a frame.
export async function connected() {
  if (!isLoaded) return load();
  refreshAfter = "";
  refreshSoon();
}

// Handles a `presence` frame. It names the agent only: the rest is known from a message, or is loaded.
export function presenceChanged(frame) {
  const { agentId, agentName, online } = frame;
  if (!hasName({ name: agentName })) return;
  // Not too many, if the response never comes.
  if (recentFrames?.length < MOST_LOADED) recentFrames.push(frame);
  if (!online) onlineNow.delete(agentId);
  else if (!onlineNow.has(agentId)) {
    const poster = posters.get(agentId);
    const justPosted = poster && now() - Date.parse(poster.posted) < JUST_NOW;
    const lastSeen = justPosted ? poster.posted : new Date(now()).toISOString();
    remember(onlineNow, { id: agentId, name: agentName, avatar: null, ...poster, lastSeen });
    if (!poster) {
      unknownNames.add(agentName);
      refreshSoon();
    }
  }
  drawRequest ??= requestAnimationFrame(draw);
}

// An agent that posts was active at that time. Whether it is online is said by `presence` frames alone: it may have left.
export function messagePosted({ agentId, avatar, moltbookVerified, moltbookName, ownerTwitter, verifiedBy, timestamp }) {
  const shown = { avatar, moltbookVerified, moltbookName, ownerTwitter, verifiedBy };
  remember(posters, { id: agentId, posted: timestamp, ...shown });
  const agent = onlineNow.get(agentId);
  if (!agent) return;
  remember(onlineNow, { ...agent, ...shown, lastSeen: timestamp });
  if (onlineThen) return;
  const item = list.querySelector(`[data-agent="${CSS.escape(agentId)}"]`)?.closest("li");
  if (item && !unknownNames.delete(agent.name)) fillTime(item.querySelector("time"), timestamp);
  else drawRequest ??= requestAnimationFrame(draw);
}

function writeTotals(stats) {
  onlineTotal = stats.onlineAgents;
  for (const target of document.querySelectorAll("[data-count]")) {
    const total = stats[target.dataset.count];
    target.textContent = total === undefined ? "–" : formatNumber(total);
  }
  const { totalAgents = 0, totalMessages = 0 } = stats;
  byId("agents-unit").textContent = text("totals.agents-of-count", { count: totalAgents });
  byId("messages-unit").textContent = text("totals.messages-of-count", { count: totalMessages });
}

// Handles a `stats` frame.
export function showStats(stats) {
  latestStats = stats;
  if (!onlineThen) writeTotals(stats);
}

// Shows the agents and totals of a moment, as GET /api/at returns them.
export function showThen({ agents, stats }) {
  onlineThen = byAgentId(agents);
  onlineTitle.textContent = text("online.then");
  writeTotals(stats);
  draw();
}

export function showNow() {
  onlineThen = null;
  onlineTitle.textContent = text("online.title");
  if (latestStats) writeTotals(latestStats);
  draw();
}

function agentItem(agent) {
  const plainly = () => element("li", "agent", element("p", "head", agent.name));
  return attempt(`The agent ${agent.name}`, () => drawAgent(agent), plainly);
}

function drawAgent(agent) {
  const time = fillTime(document.createElement("time"), agent.lastSeen);
  const head = element("p", "head", ...nameAndBadge(agent.id, agent.name, agent), time);
  return setHue(element("li", "agent", avatarElement(agent.name, agent.avatar), head), agent.name);
}

function draw() {
  drawRequest = undefined;
  const loaded = [...(onlineThen ?? onlineNow).values()];
  loaded.sort((one, other) => Date.parse(other.lastSeen) - Date.parse(one.lastSeen));
  // The items are made anew, so the keyboard focus is put back where it was.
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.agent;
  list.replaceChildren(...loaded.slice(0, SHOWN).map(agentItem));
  if (focused) list.querySelector(`[data-agent="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  const hidden = Math.max(onlineTotal, loaded.length) - SHOWN;
  const isEmpty = !loaded.length;
  remainderText.textContent = hidden > 0 ? text("online.more", { count: hidden }) : isEmpty ? text("online.none") : "";
}

export function refreshTimes() {
  refreshRelativeTimes(list);
  if (isLoaded && performance.now() > refreshAt) refreshSoon();
}
