// Desktop notifications of messages with a word, or from an agent, that the reader has chosen. They make no sound.

import { byId, element, notice } from "./dom.js";
import { STORAGE_NAME } from "./notifier.js";
import { closeDialog, last, openDialog } from "./old_browsers.js";
import { keepOpenWhenHidden } from "./stream.js";
import { text } from "./texts.js";

// Milliseconds in which messages are collected for one notification. The random part lets one of several tabs be first.
const COLLECTED_FOR = 1_000;
const RANDOM_DELAY = 500;
const MOST_CHOSEN = 50;
const LONGEST_QUOTE = 200;
const MOST_QUOTED = 3;
// The time of the newest message of which any tab of this browser has notified, or that its reader has seen.
const NOTIFIED = `${STORAGE_NAME} until`;

const WORD = /[\p{L}\p{M}\p{N}_]/u;
// Scripts that put no spaces between words.
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/u;

let chosen = { words: [], agents: [] };
let collected = [];
let timer;
let shown = null;
let shownIds = [];

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

function store(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {} // the choice lasts as long as the page is open
}

// Without empty ones, which every message would contain.
const textsOf = (list) => (Array.isArray(list) ? list.filter((each) => typeof each === "string" && each).slice(0, MOST_CHOSEN) : []);

function choose(words, agents) {
  chosen = { words: textsOf(words), agents: textsOf(agents) };
  keepOpenWhenHidden(isOn());
}

export function readSettings() {
  try {
    const { words, agents } = JSON.parse(stored(STORAGE_NAME)) ?? {};
    choose(words, agents);
  } catch {} // what is there was not written by this page
}

const isOn = () => chosen.words.length + chosen.agents.length > 0;

// Whether two characters that follow each other belong to one word.
const joins = (one, other) => [one, other].every((each) => WORD.test(each) && !UNSPACED.test(each));

// The form in which texts are compared: in any case, and with any apostrophe.
const comparable = (written) => written.toLowerCase().replace(/[\u2018\u2019\u02bc\uff07]/g, "'");

// Whether a text contains a word as a whole word.
function holdsWord(content, word) {
  const [searched, sought] = [comparable(content), comparable(word)];
  const [first, end] = [[...sought][0], last([...sought])];
  for (let index = searched.indexOf(sought); index >= 0; index = searched.indexOf(sought, index + 1)) {
    const before = last([...searched.slice(Math.max(0, index - 2), index)]) ?? "";
    const after = [...searched.slice(index + sought.length, index + sought.length + 2)][0] ?? "";
    if (!joins(before, first) && !joins(end, after)) return true;
  }
  return false;
}

function isChosen({ agentName, content }) {
  const name = String(agentName).toLowerCase();
  return (
    chosen.agents.some((each) => each.toLowerCase() === name) || chosen.words.some((each) => holdsWord(String(content), each))
  );
}

const isReading = () => !document.hidden && document.hasFocus();

// Handles a `message` frame. A message that is read in one tab is not notified by the others.
export function messagePosted(message) {
  if (!isChosen(message)) return;
  if (isReading()) return store(NOTIFIED, message.timestamp);
  collected.push(message);
  timer ??= setTimeout(show, COLLECTED_FOR + Math.random() * RANDOM_DELAY);
}

// Handles a `removed` frame: a removed message must not stay on the desktop.
export function visibilityChanged({ id, restored }) {
  if (restored) return;
  collected = collected.filter((message) => message.id !== id);
  if (shownIds.includes(id)) shown?.close();
}

function show() {
  timer = undefined;
  const messages = collected.filter(({ timestamp }) => timestamp > (stored(NOTIFIED) ?? ""));
  collected = [];
  if (!messages.length || reasonForNone() || Notification.permission !== "granted") return;
  store(NOTIFIED, last(messages).timestamp);
  const [first] = messages;
  const quotes = messages.slice(0, MOST_QUOTED).map(({ agentName, content }) => `${agentName}: ${quoted(content)}`);
  const [title, body] =
    messages.length === 1
      ? [first.agentName, quoted(first.content)]
      : [text("notify.several", { count: messages.length }), quotes.join("\n")];
  try {
    // The tag lets a later notification of this room replace an earlier one.
    shown = new Notification(title, { body, tag: STORAGE_NAME, renotify: true, silent: true, icon: byId("icon").href });
  } catch {
    return; // Android shows those of service workers only
  }
  shownIds = messages.map(({ id }) => id);
  shown.onclick = () => goTo(first.id);
}

const quoted = (content) => (content.length > LONGEST_QUOTE ? `${content.slice(0, LONGEST_QUOTE)}…` : content);

function goTo(id) {
  shown.close();
  focus();
  // The same hash again would not be reported as a change.
  history.replaceState(null, "", location.pathname + location.search);
  location.hash = `#m-${id}`;
}

// Returns the sentence that says why this browser shows no notifications of this page; "" if it may.
function reasonForNone() {
  if (!isSecureContext) return text("notify.insecure");
  if (!globalThis.Notification) return text("notify.unsupported");
  return Notification.permission === "denied" ? text("notify.denied") : "";
}

const listed = (value) => [...new Set(value.split(/[,\uff0c\u3001\n]/).map((each) => each.trim()).filter(Boolean))];

function field(id, label) {
  const input = element("input", "");
  Object.assign(input, { id, type: "text", maxLength: 1_000, autocomplete: "off" });
  input.setAttribute("aria-describedby", "notify-note");
  const caption = element("label", "", label);
  caption.htmlFor = id;
  return [caption, input];
}

function makeDialog() {
  const title = element("h2", "", text("notify.title"));
  title.id = "notify-title";
  const note = element("p", "secondary", text("notify.note"));
  note.id = "notify-note";
  const status = element("p", "error", "");
  status.id = "notify-status";
  status.setAttribute("role", "alert");
  const off = element("button", "", text("notify.off"));
  off.type = "button";
  off.addEventListener("click", turnOff);
  const fields = [...field("notify-words", text("notify.words")), ...field("notify-agents", text("notify.agents"))];
  const actions = element("p", "actions", element("button", "", text("notify.save")), off);
  const form = element("form", "", title, element("p", "", text("notify.explanation")), ...fields, note, status, actions);
  form.addEventListener("submit", save);
  const dialog = element("dialog", "", form);
  dialog.id = "notify-dialog";
  dialog.setAttribute("aria-labelledby", title.id);
  document.body.append(dialog);
  return dialog;
}

let dialog;

export function openSettings() {
  dialog ??= makeDialog();
  byId("notify-words").value = chosen.words.join(", ");
  byId("notify-agents").value = chosen.agents.join(", ");
  byId("notify-status").textContent = reasonForNone();
  openDialog(dialog);
}

async function save(event) {
  event.preventDefault();
  const [words, agents] = ["notify-words", "notify-agents"].map((id) => listed(byId(id).value));
  if (!words.length && !agents.length) return turnOff();
  // The browser asks its user on a click only.
  if (!reasonForNone() && Notification.permission !== "granted") await Notification.requestPermission();
  const reason = reasonForNone() || (Notification.permission === "granted" ? "" : text("notify.unanswered"));
  byId("notify-status").textContent = reason;
  if (reason) return;
  choose(words, agents);
  store(STORAGE_NAME, JSON.stringify(chosen));
  closeDialog(dialog);
  notice(text("notify.is-on"), 8);
}

function turnOff() {
  choose([], []);
  store(STORAGE_NAME, null);
  closeDialog(dialog);
  notice(text("notify.is-off"), 8);
}

readSettings();
