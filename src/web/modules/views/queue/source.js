// Where the rows of a long list come from: pages fetched when they are seen, and fetched anew when they may have
// changed.
//
// Promises: never more than MOST_REQUESTS at once, and none for what is not seen any more; what was known stays shown
// until the new answer is there; changes that come close together are one request; a task that changes in its row does
// so without any; what was moved here stays where it was put until the service has answered to that.
// Never in here: the DOM, what a filter means (`filter.js`), the event stream.

import { PAGE_ROWS, pagesToDrop, pagesToFetch } from "../../lib/window.js";
import { createStore } from "../../lib/store.js";
import { isSame, shows } from "./filter.js";
import { allStale, NOTHING, taskAt, withMoved, withoutPages, withPage, withTask } from "./pages.js";

const MOST_REQUESTS = 3;
/** The API answers with so many at once. */
const MOST_ROWS = 500;
/** From a change to the request, so that those of one moment are one; and from one such request to the next. */
const SOON_MS = 40;
const AGAIN_MS = 150;
/** What is seen of a list that has just come. */
const TOP = { first: 0, end: 1 };

/**
 * A list's source. `fetchPage(filter, {offset, limit}, signal)` answers with `{tasks, total}`. `clock`: `{now,
 * wait(fn, ms), cancel(timer)}`.
 *
 * Its `store` has `{filter, list, isOld, problem}`: `isOld` while the rows are still those of the filter before;
 * `problem` is why the last request failed, or null.
 */
export function createSource(fetchPage, clock) {
  const store = createStore({ filter: null, list: NOTHING, isOld: false, problem: null });
  const requests = new Map();
  let range = TOP;
  let version = 0;
  /** Answers that were asked for before this version do not know of a move that is shown. */
  let movedVersion = 0;
  /** Moves that the service has not answered yet. */
  let movesUnderWay = 0;
  let timer = null;
  let fetchedMs = -Infinity;

  const change = (part) => store.update((state) => ({ ...state, ...part }));

  function wantedPages() {
    const { list, isOld } = store.get();
    const isStale = ({ isStale }) => isStale && movesUnderWay === 0;
    const isWanted = (page) => isOld || !list.pages.has(page) || isStale(list.pages.get(page));
    return list.total && !isOld ? pagesToFetch(range, list.total, isWanted) : [0].filter(isWanted);
  }

  function fetchWanted() {
    const wanted = wantedPages();
    for (const [page, request] of requests) {
      if (wanted.includes(page)) continue;
      request.abort();
      requests.delete(page);
    }
    for (const page of wanted) {
      if (requests.size >= MOST_REQUESTS) return;
      if (!requests.has(page)) fetchOne(page);
    }
  }

  async function fetchOne(page) {
    const request = new AbortController();
    const { filter } = store.get();
    const asked = version;
    requests.set(page, request);
    try {
      const answer = await fetchPage(filter, { offset: page * PAGE_ROWS, limit: PAGE_ROWS }, request.signal);
      if (request.signal.aborted) return;
      requests.delete(page);
      take(page, answer, asked);
    } catch (problem) {
      if (request.signal.aborted) return;
      requests.delete(page);
      change({ problem });
    }
  }

  function take(page, answer, asked) {
    const { list: before, isOld } = store.get();
    if (!isOld && asked < movedVersion && before.pages.has(page)) return fetchWanted();
    const list = withPage(isOld ? NOTHING : before, page, answer);
    change({ list: asked === version ? list : allStale(list), isOld: false, problem: null });
    fetchWanted();
  }

  function abortAll() {
    for (const request of requests.values()) request.abort();
    requests.clear();
  }

  /** Shows a filter; the request for another one before is given up. */
  function show(filter) {
    const { filter: before, list } = store.get();
    if (before !== null && isSame(before, filter)) return fetchWanted();
    abortAll();
    change({ filter, isOld: list.total !== null, problem: null });
    range = TOP;
    fetchWanted();
  }

  /** These rows are on screen now. */
  function see(rows) {
    range = rows;
    const { list, isOld, problem } = store.get();
    if (isOld || list.total === null) return;
    const far = pagesToDrop([...list.pages.keys()], range);
    if (far.length > 0) change({ list: withoutPages(list, far) });
    if (problem === null) fetchWanted();
  }

  /** Any row may have changed. */
  function changed() {
    version += 1;
    change({ list: allStale(store.get().list) });
    if (timer !== null) return;
    const due = Math.max(SOON_MS, fetchedMs + AGAIN_MS - clock.now());
    timer = clock.wait(() => {
      timer = null;
      fetchedMs = clock.now();
      fetchWanted();
    }, due);
  }

  /** A task is now like this. */
  function taskChanged(task) {
    const { filter, list } = store.get();
    if (filter === null) return;
    const result = withTask(list, task, { sort: filter.sort, isShown: shows(filter, task) });
    change({ list: result.list });
    if (result.isMoved) changed();
  }

  /**
   * Tasks are being moved before row `gap`: shown at once where all rows between are known, until `moveAnswered`, which
   * must follow, and the service says how they stand. Whether it is shown.
   */
  function moved(ids, gap) {
    const { list } = store.get();
    const after = withMoved(list, ids, gap);
    version += 1;
    movedVersion = version;
    movesUnderWay += 1;
    change({ list: after });
    return after !== list;
  }

  /** The service has answered to one of these moves. */
  function moveAnswered() {
    movesUnderWay -= 1;
    changed();
    movedVersion = version;
  }

  /** The tasks of rows `first` to before `end`, from the service where they are not known. */
  async function tasksOf({ first, end }) {
    const { list, filter } = store.get();
    const known = Array.from({ length: end - first }, (_, at) => taskAt(list, first + at));
    if (!known.includes(null)) return known;
    const tasks = [];
    while (tasks.length < end - first) {
      const limit = Math.min(MOST_ROWS, end - first - tasks.length);
      const page = await fetchPage(filter, { offset: first + tasks.length, limit }, null);
      if (page.tasks.length === 0) break;
      tasks.push(...page.tasks);
    }
    return tasks;
  }

  /** Tries once more after a problem. */
  function again() {
    change({ problem: null });
    fetchWanted();
  }

  /** Nobody looks any more. */
  function rest() {
    abortAll();
    clock.cancel(timer);
    timer = null;
    change({ list: allStale(store.get().list) });
  }

  return { store, show, see, changed, taskChanged, moved, moveAnswered, tasksOf, again, rest };
}
