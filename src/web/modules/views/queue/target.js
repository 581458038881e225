// What an action is about: some tasks, or all that a filter shows but for some.
//
// Promises: pure; the service is asked about no task of which the page knows that it would be refused.
// Never in here: requests, the DOM.

import { mayBe } from "../../lib/allowed.js";
import { whichTasks } from "./filter.js";

export const ofTasks = (tasks) => ({ kind: "tasks", tasks });

/** The target of a selection in a list of `total` rows. */
export function ofSelection({ all, tasks }, filter, total) {
  if (!all) return ofTasks([...tasks.values()]);
  return { kind: "filter", filter, except: [...tasks.keys()], count: Math.max(0, total - tasks.size) };
}

/** Whether `action` is possible for any of it. Of a filter only the statuses are known. */
export function isPossible(target, action) {
  if (target.kind === "tasks") return target.tasks.some((task) => mayBe(action, task));
  const { statuses } = target.filter.tab;
  return statuses.length === 0 || statuses.some((status) => mayBe(action, { status, frozen: false, archived: false }));
}

/** The tasks of it that `action` is possible for; null for those of a filter, which only the service knows. */
export const possibleTasks = (target, action) =>
  target.kind === "tasks" ? target.tasks.filter((task) => mayBe(action, task)) : null;

/** How many it may be about, at most. */
export const countOf = (target, action) => possibleTasks(target, action)?.length ?? target.count;

/** The part of `POST /tasks/actions` that says which tasks. */
export function meant(target, action) {
  if (target.kind === "tasks") return { ids: possibleTasks(target, action).map((task) => task.id) };
  const which = { filter: whichTasks(target.filter) };
  return target.except.length > 0 ? { ...which, except: target.except } : which;
}
