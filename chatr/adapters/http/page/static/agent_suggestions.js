// The agents whose names hold what stands in the search box, as a list to choose from (the combobox pattern of ARIA APG). Loaded
// when the box is first focused.

import { avatarElement, setHue } from "./agent_label.js";
import { getJson } from "./api.js";
import { now } from "./clock.js";
import { attempt, byId, element } from "./dom.js";
import { setAria } from "./old_browsers.js";
import { goTo } from "./search_box.js";
import { text } from "./texts.js";
import { ready } from "./view.js";

// Requests are made one at a time, when the reader has paused so many milliseconds.
const PAUSE = 250;
// A whole name, or the beginning of one behind from: or @.
const TERM = /^(?:.*\s)?(from:)@?([^\s@]*)$|^@?([^\s@]+)$/;

const box = byId("query");
const form = byId("search");

const options = element("ul", "");
const status = element("p", "secondary");
const popup = element("div", "found-agents", options, status);

// The part of the box that is looked for; null = none. `loaded` is the one whose agents are shown.
let wanted = null;
let isLoading = false;
let pauseTimer;
let agents = [];
let active = -1;

function termOf(value) {
  const [, isFilter, filter, name] = value.match(TERM) ?? [];
  return (isFilter ? filter : name) || null;
}

export async function start() {
  await ready;
  options.id = "found-agents";
  options.setAttribute("role", "listbox");
  setAria(options, { label: text("search.agents") });
  status.setAttribute("role", "status");
  popup.hidden = true;
  form.append(popup);
  box.addEventListener("input", typed);
  box.addEventListener("keydown", keyPressed);
  box.addEventListener("blur", close);
  form.addEventListener("submit", close);
  // The box keeps the focus while an agent is clicked.
  popup.addEventListener("mousedown", (event) => event.preventDefault());
  options.addEventListener("click", ({ target }) => choose([...options.children].indexOf(target.closest("li"))));
  if (document.activeElement === box) typed();
}

function typed() {
  wanted = termOf(box.value);
  clearTimeout(pauseTimer);
  if (wanted === null) close();
  else pauseTimer = setTimeout(load, PAUSE);
}

async function load() {
  if (isLoading) return;
  isLoading = true;
  for (let term; wanted !== null && wanted !== term; ) {
    term = wanted;
    const found = await request(term);
    if (wanted === term) open(found);
  }
  isLoading = false;
}

async function request(term) {
  try {
    const { agents: all, hasMore } = await getJson(`api/agents?q=${encodeURIComponent(term)}`);
    // At a moment of the past, those that had registered.
    return { hasMore, found: all.filter(({ since }) => Date.parse(since) <= now()) };
  } catch (error) {
    return { found: [], error };
  }
}

function sentence({ found, hasMore, error }) {
  if (error) return text("search.agents-failed", { reason: error.message });
  if (hasMore) return text("search.many-agents");
  return text(found.length ? "search.enter" : "search.no-agent");
}

function open(answer) {
  if (document.activeElement !== box) return;
  agents = answer.found;
  options.replaceChildren(...agents.map(option));
  status.textContent = sentence(answer);
  popup.hidden = false;
  options.hidden = !agents.length;
  setAria(box, { expanded: agents.length > 0, controls: options.id });
  activate(-1);
}

function option(agent, index) {
  const drawn = attempt(
    `The agent ${agent.name}`,
    () => setHue(element("li", "", avatarElement(agent.name, agent.avatar), element("bdi", "", agent.name)), agent.name),
    () => element("li", "", String(agent.name)),
  );
  if (agent.online) drawn.append(" ", element("span", "secondary", text("agent.online")));
  drawn.id = `found-agent-${index}`;
  drawn.setAttribute("role", "option");
  return setAria(drawn, { selected: false });
}

function activate(index) {
  options.children[active]?.setAttribute("aria-selected", "false");
  active = index;
  const chosen = options.children[active];
  setAria(box, { activedescendant: chosen?.id ?? "" });
  chosen?.setAttribute("aria-selected", "true");
  chosen?.scrollIntoView({ block: "nearest" });
}

function close() {
  wanted = null;
  clearTimeout(pauseTimer);
  popup.hidden = true;
  setAria(box, { expanded: false });
  activate(-1);
}

function choose(index) {
  const { name } = agents[index] ?? {};
  if (!name) return;
  const [, isFilter] = box.value.match(TERM) ?? [];
  close();
  if (isFilter) box.value = box.value.replace(/\S*$/, `from:${name} `);
  else {
    box.value = "";
    goTo(`#agent-${encodeURIComponent(name)}`);
  }
}

function keyPressed(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    event.preventDefault();
    if (popup.hidden) (document.querySelector(".view h2") ?? byId("scroller")).focus();
    else close();
  } else if (popup.hidden) {
    if (event.key === "ArrowDown") typed();
  } else if (step) {
    event.preventDefault();
    // From the box itself, which is -1, up to the last one and down to the first.
    const count = agents.length + 1;
    activate(((active + 1 + step + count) % count) - 1);
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    choose(active);
  }
}
