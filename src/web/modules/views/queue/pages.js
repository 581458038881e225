// What is known of a long list: the pages of it that were fetched, and how many rows it has.
//
// Promises: pure, and a changed list is a new one; a row that is not known is null, at any place; what may have moved
// is `stale`: it is shown until it has been fetched anew, so that nothing blinks.
// Never in here: requests, the DOM, which pages are wanted (`lib/window.js`).

import { PAGE_ROWS, pageOf } from "../../lib/window.js";

/** `total`: null until the first page has come. `pages`: by number, `{tasks, isStale}`. */
export const NOTHING = { total: null, pages: new Map() };

/** The first page is one of a list without rows too. */
const isIn = (number, total) => number === 0 || number * PAGE_ROWS < total;

/** With a page as it was answered. Where the number of rows has changed, other pages may have moved. */
export function withPage(list, number, { tasks, total }) {
  const pages = new Map();
  for (const [other, page] of list.pages) {
    if (isIn(other, total)) pages.set(other, total === list.total ? page : { ...page, isStale: true });
  }
  if (isIn(number, total)) pages.set(number, { tasks, isStale: false });
  return { total, pages };
}

export function withoutPages(list, numbers) {
  const pages = new Map(list.pages);
  for (const number of numbers) pages.delete(number);
  return { ...list, pages };
}

/** Every page is to be fetched anew when it is seen. */
export function allStale(list) {
  const pages = [...list.pages].map(([number, page]) => [number, { ...page, isStale: true }]);
  return { ...list, pages: new Map(pages) };
}

/** The task of a row, or null. */
export const taskAt = (list, row) => list.pages.get(pageOf(row))?.tasks[row % PAGE_ROWS] ?? null;

/** The row of a task, or -1 where it is not known. */
export function rowOf(list, id) {
  for (const [number, { tasks }] of list.pages) {
    const at = tasks.findIndex((task) => task.id === id);
    if (at >= 0) return number * PAGE_ROWS + at;
  }
  return -1;
}

const KEYS = {
  added: (task) => task.added,
  ended: (task) => task.ended,
  path: (task) => task.path,
  size: (task) => task.size_before_bytes,
  priority: (task) => task.priority,
};

/** Whether a task that has changed stays in its row. Whatever changes of a waiting one may be its turn. */
function staysInPlace(before, after, sort) {
  if (sort === "turn") return before.status === "processing" && after.status === "processing";
  const key = KEYS[sort.replace("-", "")];
  return key(before) === key(after);
}

/**
 * With a task as it is now, if its row is known. `isMoved`: this or another row may be elsewhere now, and what is seen
 * is to be fetched anew. `isShown`: the list's filter shows the task.
 */
export function withTask(list, task, { sort, isShown }) {
  const row = rowOf(list, task.id);
  if (row < 0) return { list, isMoved: true };
  const before = taskAt(list, row);
  const isMoved = !isShown || !staysInPlace(before, task, sort);
  return { list: withRow(list, row, task), isMoved };
}

function withRow(list, row, task) {
  const page = list.pages.get(pageOf(row));
  const tasks = page.tasks.map((before, at) => (at === row % PAGE_ROWS ? task : before));
  return { ...list, pages: new Map(list.pages).set(pageOf(row), { ...page, tasks }) };
}

/**
 * The list as it will be when the tasks of `ids` stand, in their order, before row `gap`: shown at once, until the
 * service has answered. Where a row between is not known, the list stays as it is.
 */
export function withMoved(list, ids, gap) {
  const rows = ids.map((id) => rowOf(list, id));
  if (rows.length === 0 || rows.includes(-1)) return list;
  const first = Math.min(gap, ...rows);
  const end = Math.max(gap, ...rows.map((row) => row + 1));
  const span = Array.from({ length: end - first }, (_, at) => taskAt(list, first + at));
  if (span.includes(null)) return list;
  const isMoved = (task) => ids.includes(task.id);
  const moved = rows.map((row) => taskAt(list, row));
  const before = span.slice(0, gap - first).filter((task) => !isMoved(task));
  const after = span.slice(gap - first).filter((task) => !isMoved(task));
  return [...before, ...moved, ...after].reduce((changed, task, at) => withRow(changed, first + at, task), list);
}

/** How many rows of tasks that are encoded already stand before those that wait, as far as they are known. */
export function runningRows(list) {
  let row = 0;
  while (row < list.total && taskAt(list, row)?.status === "processing") row += 1;
  return row;
}

/**
 * The id of the task before which rows that land in a gap stand: the next that waits and is not one of `moved`. Null
 * for the end, undefined when it is not known.
 */
export function taskAfterGap(list, gap, moved) {
  for (let row = gap; row < list.total; row += 1) {
    const task = taskAt(list, row);
    if (task === null) return undefined;
    if (task.status === "queued" && !moved.includes(task.id)) return task.id;
  }
  return null;
}
