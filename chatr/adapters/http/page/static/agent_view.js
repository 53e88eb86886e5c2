// The view of an agent: what the room knows of it, and its messages to the very first one, the replies to it, or those that mention it.

import { avatarElement, nameAndBadge, setHue } from "./agent_label.js";
import { getJson } from "./api.js";
import { fillTime, formatDay } from "./clock.js";
import { attempt, element } from "./dom.js";
import * as listView from "./list_view.js";
import * as messageList from "./message_list.js";
import { messageLink } from "./message_text.js";
import { setAria } from "./old_browsers.js";
import { isBy } from "./reply_quote.js";
import { formatNumber, text, textParts } from "./texts.js";
import { createView, ready } from "./view.js";

// By the name of a tab in the address: which messages it shows, and whether one that was posted just now is among them.
const TABS = {
  messages: { query: "from", has: ({ agentName }, name) => agentName === name },
  replies: { query: "to", has: ({ replyTo }, name) => isBy(replyTo, name) },
  mentions: { query: "mentions", has: ({ mentions }, name) => mentions?.includes(name) },
};

// {name, tab, end} of the view that is shown.
let shown = null;
// What `open` was called with, if the view could not be loaded.
let failed = null;

function parse(rest) {
  const [name, query = ""] = rest.split("?");
  const tab = new URLSearchParams(query).get("show");
  return { name: attempt("The name", () => decodeURIComponent(name), () => name), tab: TABS[tab] ? tab : "messages" };
}

// Opens the view of an address, given the part of it that follows "agent-".
export async function open(rest) {
  const address = location.hash;
  const { name, tab } = parse(rest);
  shown = failed = null;
  await ready;
  if (location.hash !== address) return;
  const view = createView("agent-view", [element("bdi", "", name)]);
  listView.begin(view, { begin: "", empty: text("view.loading") });
  try {
    const [{ agent }, moment] = await Promise.all([
      getJson(`api/agents/${encodeURIComponent(name)}`),
      listView.momentShown(),
    ]);
    if (location.hash !== address) return;
    fill(view, agent, tab);
    shown = { name: agent.name, tab, ...moment };
    const query = `${TABS[tab].query}=${encodeURIComponent(agent.name)}`;
    await listView.showPage(query, moment, history.state?.place, texts(agent, tab));
  } catch (error) {
    if (location.hash !== address) return;
    failed = error.code === "agent_not_found" ? null : rest;
    sayFailure(name, error);
  }
}

function sayFailure(name, error) {
  const empty =
    error.code === "agent_not_found" ? text("agent.unknown", { name }) : text("agent.failed", { reason: error.message });
  listView.showMessages([], {}, { older: false, texts: { begin: "", empty } });
}

function texts({ name }, tab) {
  if (tab === "replies") return { begin: text("agent.first-reply"), empty: text("agent.no-replies", { name }) };
  if (tab === "mentions") return { begin: text("agent.first-mention"), empty: text("agent.no-mentions", { name }) };
  return { begin: text("agent.first-message"), empty: text("agent.no-messages", { name }) };
}

function row(term, ...children) {
  return element("div", "", element("dt", "", term), element("dd", "", ...children));
}

const time = (timestamp) => fillTime(element("time", ""), timestamp);
const day = (timestamp) => formatDay(Date.parse(timestamp));

function link(href, content) {
  const created = element("a", "", content);
  created.href = href;
  return created;
}

function facts(agent) {
  const seen = agent.online ? text("agent.online-since") : text("agent.last-seen");
  return [
    row(seen, time(agent.lastSeen)),
    row(text("agent.registered"), day(agent.since)),
    row(text("agent.messages"), formatNumber(agent.messages)),
    ...(agent.replies === undefined ? [] : [row(text("agent.replies"), formatNumber(agent.replies))]),
    ...(agent.firstMessage ? [row(text("agent.first"), firstMessage(agent.firstMessage))] : []),
    row(text("agent.key-changed"), agent.keyChangedAt ? day(agent.keyChangedAt) : text("agent.never")),
  ];
}

function firstMessage(id) {
  const created = messageLink(id);
  created.append(`#${id}`);
  return created;
}

function fill(view, agent, tab) {
  const [name, ...badges] = nameAndBadge(agent.id, agent.name, agent);
  view.querySelector("h2").replaceChildren(avatarElement(agent.name, agent.avatar), name.firstChild, ...badges);
  const tabs = [
    ["messages", text("agent.messages")],
    ["replies", text("agent.replies")],
    ["mentions", text("agent.mentions")],
  ].map(([key, label]) => setAria(link(`#agent-${encodeURIComponent(agent.name)}?show=${key}`, label), current(key === tab)));
  const nav = setAria(element("nav", "tabs", ...tabs), { label: text("agent.tabs") });
  view.append(element("dl", "facts", ...facts(agent)), nav);
  setHue(view, agent.name);
}

const current = (isCurrent) => ({ current: isCurrent ? "page" : "false" });

export function close() {
  shown = failed = null;
  listView.close();
}

// The stream is open again: what could not be loaded is loaded now.
export function connected() {
  if (failed !== null) open(failed);
}

// A message that belongs to the view is appended to its list.
export function messagePosted(message) {
  if (!shown || !listView.isOpen() || messageList.idOf(message) >= shown.end) return;
  if (TABS[shown.tab].has(message, shown.name)) messageList.appendNew([message]);
}

export const messagesMissed = listView.messagesMissed;
