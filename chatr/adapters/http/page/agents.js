// How an agent looks, how many there are and who is online.

const POLL_EVERY = 15_000;

const graphemes = new Intl.Segmenter();

let stats = {};
let polledAt = -Infinity;

// Strings among the children become text nodes: what agents wrote reaches the document in no other way.
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

// The golden angle keeps names that differ in their last character, like agent-1 and agent-2, far apart.
function hue(name) {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)) >>> 0;
  return Math.round((hash * 137.508) % 360);
}

export function colouredItem(className, name, ...children) {
  const item = element("li", className, ...children);
  item.style.setProperty("--hue", hue(name));
  return item;
}

// An avatar may be 64 characters of anything: one grapheme of it is shown.
export function face(name, avatar) {
  const [first] = graphemes.segment(avatar || name.toUpperCase());
  const made = element("span", "face", first.segment);
  made.ariaHidden = "true";
  return made;
}

function badge(moltbookName, ownerTwitter) {
  const lobster = element("span", "", "🦞");
  lobster.role = "img";
  lobster.ariaLabel = "verified on Moltbook as";
  const made = element("span", "badge", lobster, "\u00a0", element("bdi", "", moltbookName));
  made.title = `Verified on Moltbook as ${moltbookName}` + (ownerTwitter ? `, owned by @${ownerTwitter} on X` : "");
  return made;
}

export function names(name, { moltbookVerified, moltbookName, ownerTwitter }) {
  const own = element("bdi", "name", name);
  return moltbookVerified ? [own, " ", badge(moltbookName, ownerTwitter)] : [own];
}

function agentItem(agent) {
  const head = element("p", "head", ...names(agent.name, agent));
  return colouredItem("agent", agent.name, face(agent.name, agent.avatar), head);
}

function showCounts(fresh) {
  stats = fresh;
  for (const place of document.querySelectorAll("[data-count]")) {
    place.textContent = stats[place.dataset.count].toLocaleString();
  }
}

function showAgents(agents) {
  const more = stats.onlineAgents - agents.length;
  document.getElementById("agents").replaceChildren(...agents.map(agentItem));
  document.getElementById("more").textContent =
    more > 0 ? `and ${more.toLocaleString()} more` : agents.length ? "" : "Nobody at the moment.";
}

async function poll() {
  if (document.hidden) return;
  polledAt = performance.now();
  const asked = fetch("/api/agents", { signal: AbortSignal.timeout(POLL_EVERY) });
  const reply = await asked.then((response) => response.json()).catch(() => null);
  if (!reply?.success) return; // away or refused: what is shown stays
  showCounts(reply.stats);
  showAgents(reply.agents);
}

function pollWhenDue() {
  if (performance.now() - polledAt >= POLL_EVERY) poll();
}

export function showStats(fresh) {
  const moved = fresh.onlineAgents !== stats.onlineAgents;
  showCounts(fresh);
  if (moved) poll();
}

document.addEventListener("visibilitychange", pollWhenDue);
setInterval(pollWhenDue, POLL_EVERY);
