// Who is here, when they were last active, and the totals.

import { ask } from "./ask.js";
import { fill, now, refresh } from "./clock.js";
import { byId, element } from "./dom.js";
import { coloured, face, names } from "./names.js";

const PAGES = 5;
const SHOWN = 200;
const AGAIN = 60_000;
const SOON = 3_000;

const list = byId("agents");
const more = byId("more");
const search = byId("search");

let here = new Map();
let then = null;
let total = 0;
let loadedAt = -Infinity;
let latest;
let waiting;
let drawing;

export const find = (id) => (then ?? here).get(id);

const mapped = (agents) => new Map(agents.map((agent) => [agent.id, agent]));

async function everybody() {
  const found = [];
  let answer;
  do {
    const after = found.length ? `?after=${encodeURIComponent(found.at(-1).name)}` : "";
    answer = await ask(`/api/agents${after}`);
    found.push(...answer.agents);
  } while (answer.agents.length && found.length < answer.stats.onlineAgents && found.length < PAGES * SHOWN);
  return { agents: found, stats: answer.stats };
}

// Away or refused: what is shown stays, until the next time.
export async function load() {
  clearTimeout(waiting);
  waiting = undefined;
  loadedAt = performance.now();
  try {
    const { agents, stats } = await everybody();
    here = mapped(agents);
    showStats(stats);
    draw();
  } catch {}
}

function loadSoon() {
  if (document.hidden) loadedAt = -Infinity; // as soon as somebody looks
  else waiting ??= setTimeout(load, SOON);
}

export function presence({ agentId, agentName, online }) {
  if (!online) here.delete(agentId);
  else if (!here.has(agentId)) {
    here.set(agentId, { id: agentId, name: agentName, avatar: null, lastSeen: new Date(now()).toISOString() });
    loadSoon();
  }
  drawing ??= requestAnimationFrame(draw);
}

// Whoever speaks is active.
export function heard({ agentId, timestamp }) {
  const agent = here.get(agentId);
  if (!agent) return loadSoon();
  agent.lastSeen = timestamp;
  if (then) return;
  const time = list.querySelector(`[data-agent="${CSS.escape(agentId)}"]`)?.closest("li").querySelector("time");
  if (time) fill(time, timestamp);
}

function write(stats) {
  total = stats.onlineAgents;
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = stats[place.dataset.count].toLocaleString("en");
  }
}

export function showStats(stats) {
  const moved = latest && stats.onlineAgents !== latest.onlineAgents;
  latest = stats;
  if (!then) write(stats);
  if (moved && !document.hidden && performance.now() - loadedAt > SOON) loadSoon();
}

export function showThen({ agents, stats }) {
  then = mapped(agents);
  name("Here then");
  write(stats);
  draw();
}

export function showNow() {
  then = null;
  name("Here");
  if (latest) write(latest);
  draw();
}

function name(words) {
  for (const place of document.querySelectorAll("[data-here]")) place.textContent = words;
}

function agentItem(agent) {
  const time = fill(document.createElement("time"), agent.lastSeen);
  const head = element("p", "head", ...names(agent.id, agent.name, agent), time);
  return coloured(element("li", "agent", face(agent.name, agent.avatar), head), agent.name);
}

function sought({ name, moltbookName }) {
  const text = search.value.trim().toLowerCase();
  return name.toLowerCase().includes(text) || (moltbookName ?? "").toLowerCase().includes(text);
}

function draw() {
  drawing = undefined;
  const known = [...(then ?? here).values()];
  const found = known.filter(sought).sort((one, other) => Date.parse(other.lastSeen) - Date.parse(one.lastSeen));
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.agent;
  list.replaceChildren(...found.slice(0, SHOWN).map(agentItem));
  if (focused) list.querySelector(`[data-agent="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  more.textContent = remainder(known.length, found.length);
}

function remainder(known, found) {
  const hidden = search.value ? found - SHOWN : Math.max(total, known) - SHOWN;
  if (hidden > 0) return `and ${hidden.toLocaleString("en")} more`;
  if (found) return "";
  return known ? "Nobody here has such a name." : "Nobody at the moment.";
}

export function refreshTimes() {
  refresh(list);
  if (performance.now() - loadedAt > AGAIN) load();
}

search.addEventListener("input", draw);
