// Which rows are chosen.
//
// Promises: pure, and a changed selection is a new one; it holds tasks, not places, so that a change of order changes
// no choice; "all" is the whole filter, however many rows of it were ever seen, but for those taken out again.
// Never in here: the DOM, requests.

/** More cannot be chosen one by one, or by a range: so many ids the API takes at once. */
export const CHOSEN_LIMIT = 10_000;

/**
 * `tasks`: chosen ones by id. `all`: the whole filter is chosen, and `tasks` are those taken out of it. `anchor`: the
 * row that a range begins at, or null.
 */
export const NONE = { all: false, tasks: new Map(), anchor: null };

export const isChosen = (selection, id) => selection.tasks.has(id) !== selection.all;

/** How many rows of a list with `total` rows. */
export const countChosen = ({ all, tasks }, total) => (all ? Math.max(0, total - tasks.size) : tasks.size);

export const only = (task, row) => ({ all: false, tasks: new Map([[task.id, task]]), anchor: row });

export const everything = (anchor) => ({ all: true, tasks: new Map(), anchor });

/** With a row taken in or out. */
export function toggled(selection, task, row) {
  const tasks = new Map(selection.tasks);
  if (!tasks.delete(task.id)) tasks.set(task.id, task);
  return { ...selection, tasks, anchor: row };
}

/** Exactly these. */
export const range = (tasks, anchor) => ({ all: false, tasks: new Map(tasks.map((task) => [task.id, task])), anchor });

/** The rows from the anchor to a row, half open. */
export const rowsTo = (anchor, row) => ({ first: Math.min(anchor, row), end: Math.max(anchor, row) + 1 });

/** With a task as it is now: what may be asked of the selection depends on it. */
export function withTask(selection, task) {
  if (!selection.tasks.has(task.id)) return selection;
  return { ...selection, tasks: new Map(selection.tasks).set(task.id, task) };
}

/** Without a task that is no longer there. */
export function without(selection, id) {
  if (!selection.tasks.has(id)) return selection;
  const tasks = new Map(selection.tasks);
  tasks.delete(id);
  return { ...selection, tasks };
}
