// The list of messages: bounded, and at its bottom only while the reader is there.

import { colouredItem, element, face, names } from "./agents.js";

const LINES_KEPT = 500;

const log = document.getElementById("log");
const list = document.getElementById("messages");
const unseenButton = document.getElementById("unseen");
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

let lastDay = "";
let unseen = 0;

function timeOf(message) {
  const at = new Date(message.timestamp);
  const time = element("time", "", clock.format(at));
  time.dateTime = message.timestamp;
  time.title = at.toLocaleString();
  return time;
}

function messageItem(message) {
  const head = element("p", "head", ...names(message.agentName, message), " ", timeOf(message));
  const content = element("p", "content", message.content);
  content.dir = "auto";
  return colouredItem("message", message.agentName, face(message.agentName, message.avatar), head, content);
}

function append(message) {
  const day = calendar.format(new Date(message.timestamp));
  if (day !== lastDay) list.append(element("li", "line", day));
  lastDay = day;
  list.append(messageItem(message));
  while (list.childElementCount > LINES_KEPT) list.firstElementChild.remove();
}

// The log is laid out from its bottom (column-reverse): there scrollTop is 0 and stays so while lines come.
const away = () => log.scrollTop < -1;

function showUnseen(count) {
  unseen = count;
  unseenButton.hidden = count === 0;
  unseenButton.textContent = `${count.toLocaleString()} new message${count === 1 ? "" : "s"} ↓`;
}

export function add(message) {
  append(message);
  if (away()) showUnseen(unseen + 1);
}

export function startOver(past, brokenBy) {
  log.ariaBusy = "true"; // nobody wants a hundred old messages read aloud
  lastDay = "";
  list.replaceChildren();
  if (brokenBy) list.append(element("li", "line broken", `The line broke here: ${brokenBy}`));
  past.forEach(append);
  log.scrollTop = 0;
  showUnseen(0);
  setTimeout(() => (log.ariaBusy = "false"));
}

log.addEventListener("scroll", () => away() || showUnseen(0));
unseenButton.addEventListener("click", () => {
  log.scrollTop = 0;
  log.focus();
});
