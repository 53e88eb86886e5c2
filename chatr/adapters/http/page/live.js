// What was said last, kept besides what is shown: it is counted where nobody looks, and shown where somebody does.

import { learnFrom } from "./clock.js";
import { ask } from "./ask.js";
import { byId, element, notice, plural } from "./dom.js";
import * as room from "./room.js";
import { showUnread } from "./unread.js";

const PAGE = 100;
const SPOKEN_EVERY = 1_500;
const SPOKEN_EACH = 3;

const newest = byId("newest");
const news = byId("news");

const tail = [];
let unseen = 0;
let firstUnseen = "";
let brokenBy = "";
let drawing = false;
let watching = true;
let unspoken = [];
let speaking;

const newestId = () => (tail.length ? room.idOf(tail.at(-1)) : 0);

const page = (query) => ask(`/api/messages?limit=${PAGE}&${query}`);

const source = {
  older: (id) => page(`before=${id}`),
  newer: async (id) => {
    const kept = tail.filter((message) => room.idOf(message) > id);
    if (tail.length && room.idOf(tail[0]) <= id + 1) return { messages: kept, hasMore: false };
    const found = await page(`after=${id}`);
    // What was said since that answer is in the tail, and the next page ends there.
    return { ...found, hasMore: found.hasMore || newestId() > room.idOf(found.messages.at(-1) ?? { id }) };
  },
};

function keep(messages) {
  tail.push(...messages);
  tail.splice(0, tail.length - room.MOST);
  if (tail.length) learnFrom(tail.at(-1).timestamp);
}

export function startOver(messages) {
  tail.length = 0;
  keep(messages);
  if (watching) showTail({ why: brokenBy });
  brokenBy = "";
}

function showTail(how) {
  room.show(tail, source, how);
  room.divide(firstUnseen);
  seen();
}

export function breakLine({ reason }) {
  brokenBy = String(reason).replaceAll("_", " ");
}

export function add(message) {
  keep([message]);
  speak(message);
  if (!present()) {
    if (!unseen) firstUnseen = message.id;
    count(unseen + 1);
  }
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw); // never in a hidden tab
}

function draw() {
  drawing = false;
  if (!watching) return;
  const fresh = tail.filter((message) => room.idOf(message) > room.lastShown());
  if (fresh.length === room.MOST && room.atEnd()) showTail();
  else room.grow(fresh);
  room.divide(firstUnseen);
  seen();
}

const present = () => watching && !document.hidden && room.atEnd();

function count(messages) {
  unseen = messages;
  showUnread(unseen);
  offer();
}

function offer() {
  newest.hidden = !watching || room.atEnd();
  newest.textContent = unseen ? `${plural(unseen, "new message")} ↓` : "Newest ↓";
}

export function seen() {
  if (unseen && present()) count(0);
  offer();
}

// Read out, a few at a time, what is being said: not what is loaded, and not what runs by too fast to be heard.
function speak(message) {
  if (document.hidden || !watching) return;
  unspoken.push(message);
  speaking ??= setTimeout(spoken, SPOKEN_EVERY);
}

function spoken() {
  const lines =
    unspoken.length > SPOKEN_EACH
      ? [plural(unspoken.length, "new message")]
      : unspoken.map(({ agentName, content }) => `${agentName}: ${content}`);
  news.replaceChildren(...lines.map((words) => element("p", "", words)));
  unspoken = [];
  speaking = undefined;
}

export function toNewest() {
  history.replaceState(null, "", location.pathname);
  if (room.lastShown() === newestId()) room.toBottom();
  else showTail();
  byId("log").focus();
}

// Shows the room at a message, wherever that is.
export async function goTo(id) {
  if (room.reveal(id)) return;
  try {
    const [before, after] = await Promise.all([page(`before=${id + 1}`), page(`after=${id}`)]);
    if (room.idOf(before.messages.at(-1) ?? { id: 0 }) !== id) return notice(`There is no message ${id}.`, 8);
    room.show([...before.messages, ...after.messages], source, { older: before.hasMore, newer: after.hasMore });
    room.reveal(id);
  } catch (error) {
    notice(`Message ${id} could not be loaded: ${error.message}`, 8);
  }
}

// Shows anew what is to be shown otherwise: from that message on, or the newest.
export async function again(id) {
  showTail();
  if (id) await goTo(id);
}

// The past is shown where the present was, until it is wanted back.
export function leave() {
  watching = false;
  offer();
}

export function comeBack() {
  watching = true;
  showTail();
}

newest.addEventListener("click", toNewest);
document.addEventListener("visibilitychange", seen);
