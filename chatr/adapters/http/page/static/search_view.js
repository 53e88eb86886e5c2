// The view of a search: fields for agent and days, its status in a sentence, and the results, newest first.

import { getJson } from "./api.js";
import { now, refreshRelativeTimes } from "./clock.js";
import { element } from "./dom.js";
import { foundWords, hasWords } from "./found_words.js";
import { updateBoundary } from "./message.js";
import { withId } from "./message_items.js";
import * as messageList from "./message_list.js";
import { last } from "./old_browsers.js";
import * as past from "./past.js";
import { ensureCurrent, setCurrent } from "./roving_tabindex.js";
import { showQuery } from "./search_box.js";
import { patientRoom, searchFailure } from "./search_failure.js";
import { createForm, instantOf } from "./search_form.js";
import { appendResults, redactResult } from "./search_results.js";
import { text } from "./texts.js";
import { createView, hide, ready, show } from "./view.js";

const PAGE_SIZE = 30;
// The most results on the page. When more are loaded, the first ones are removed.
const MOST_RESULTS = 300;
// Searches that are kept as they are, so that the way back leads to the same place of the results.
const KEPT_SEARCHES = 4;

// By address: {fields, view, results, status, more, pattern, before, count, hasMore, failed, scrollTop, focused}.
const searches = new Map();
let shown = null;
let retryTimer;

// Opens the search of an address, given the part of it that follows the question mark.
export async function open(query) {
  const address = location.hash;
  const fields = Object.fromEntries(new URLSearchParams(query));
  await Promise.all([ready, goToMoment(fields.at, address)]);
  if (location.hash !== address) return;
  showQuery(fields.q ?? "");
  const kept = searches.get(address);
  // A search that is shown already is repeated.
  const isRepeated = kept && kept === shown;
  leave();
  shown = kept && !isRepeated ? kept : create(address, fields);
  place(shown, kept && !isRepeated);
  messageList.onReplaced(closeAtAnotherMoment(past.isShown() ? now() : null));
  if (shown !== kept || shown.failed) load(shown);
}

// The address names the moment: only messages that had been posted by then are found.
async function goToMoment(at, address) {
  const time = at ? Date.parse(at) : null;
  if (time === null ? !past.isShown() : past.isShown() && Math.round(now()) === time) return;
  await past.goTo(time);
  history.replaceState(null, "", address);
}

function closeAtAnotherMoment(moment) {
  return () => {
    if ((past.isShown() ? now() : null) !== moment) close();
  };
}

function create(address, fields) {
  const view = createView("search", [text("search.title")]);
  view.dataset.subject = [fields.q, fields.from && `from:${fields.from}`].filter(Boolean).join(" ");
  const results = element("ol", "results");
  results.setAttribute("role", "list");
  const status = element("p", "view-status");
  status.setAttribute("role", "status");
  const more = element("button", "", text("search.more"));
  more.type = "button";
  more.hidden = true;
  const column = element("div", "view-column", createForm(fields), status, results, more);
  view.append(column);
  const search = { fields, view, results, status, more, pattern: foundWords(fields.q ?? ""), count: 0, scrollTop: 0 };
  more.addEventListener("click", () => loadOlder(search));
  searches.delete(address);
  searches.set(address, search);
  if (searches.size > KEPT_SEARCHES) searches.delete(searches.keys().next().value);
  return search;
}

function place(search, isKept) {
  show(search.view);
  const first = search.focused ?? search.results.querySelector(".message");
  if (first) setCurrent(first);
  if (!isKept) return;
  refreshRelativeTimes(search.results);
  search.focused?.focus({ preventScroll: true });
  search.view.scrollTop = search.scrollTop;
}

function leave() {
  clearTimeout(retryTimer);
  if (!shown) return;
  shown.scrollTop = shown.view.scrollTop;
  shown.focused = document.activeElement?.closest(".results > .message");
  shown = null;
}

export function close() {
  if (!shown) return;
  leave();
  messageList.onReplaced();
  hide();
  ensureCurrent();
}

function query({ fields, before }) {
  const { q, from, since, until } = fields;
  const parameters = { q, from, since: since && instantOf(since), until: until && instantOf(until, 1), before };
  return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
}

const isEmpty = ({ q, from, since, until }) => !from && !since && !until && !hasWords(q ?? "");

async function load(search) {
  clearTimeout(retryTimer);
  search.failed = false;
  if (isEmpty(search.fields)) return say(search, "search.nothing");
  if (!search.count) say(search, "search.searching");
  search.more.disabled = true;
  try {
    search.before ??= await positionAfterMoment(search.fields.at);
    const page = await getJson(`api/messages?limit=${PAGE_SIZE}&${query(search)}`, patientRoom);
    add(search, page);
  } catch (error) {
    fail(search, error);
  }
  search.more.disabled = false;
}

// Loads older results, and focuses the first of them: the button loses the focus while they are loaded. A reader who has gone
// elsewhere meanwhile stays there.
async function loadOlder(search) {
  const former = new Set(search.results.children);
  await load(search);
  if (![document.body, search.more].includes(document.activeElement)) return;
  const added = [...search.results.querySelectorAll(".message")].find((item) => !former.has(item));
  (added ?? search.more).focus({ preventScroll: true });
}

// Messages are found before this position, all of them where no moment is named.
async function positionAfterMoment(at) {
  if (!at) return undefined;
  return (await getJson(`api/at?time=${Date.parse(at)}&limit=1`)).position + 1;
}

function add(search, page) {
  const messages = withId(page.messages).reverse();
  search.hasMore = page.hasMore;
  search.before = messages.length ? last(messages).id : search.before;
  search.count += messages.length;
  appendResults(search, messages);
  removeFirst(search.results);
  search.more.hidden = !page.hasMore;
  if (!search.count) return say(search, hasWords(search.fields.q ?? "") ? "search.none" : "search.no-messages");
  say(search, page.hasMore ? "search.newest" : "search.results", { count: search.count });
}

// Removes the first results if there are too many. The first that is left gets its day, and can be reached with the Tab key.
function removeFirst(results) {
  const areTooMany = results.childElementCount > MOST_RESULTS;
  while (results.childElementCount > MOST_RESULTS) results.firstElementChild.remove();
  const first = results.querySelector(".message");
  if (first && areTooMany) updateBoundary(first);
  if (first && !results.querySelector("[tabindex='0']")) setCurrent(first);
}

function say({ status }, key, values) {
  status.textContent = text(key, values);
}

// Says what failed, and tries again later if the failure is temporary.
function fail(search, error) {
  const { key, values, retryAfter } = searchFailure(error, search.fields);
  search.failed = true;
  search.more.hidden = !search.count;
  say(search, key, values);
  if (retryAfter && search === shown) retryTimer = setTimeout(load, retryAfter * 1000, search);
}

// The stream is open again: what could not be loaded is loaded now.
export function connected() {
  if (shown?.failed) load(shown);
}

// A message was removed or restored.
export function visibilityChanged({ id }) {
  for (const { results } of searches.values()) redactResult(results, id);
}
