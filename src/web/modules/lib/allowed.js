// What may be asked of a task in which status.
//
// Promises: pure; the same rules as the service's, which refuses anyway: the page does not show what would be refused.
// Never in here: what a status is called (`format.js`), requests.

/** Statuses that are over and that a person should know why. */
export const FAILED = ["failed", "error_missing_input", "error_no_resolution", "error_exception"];
/** Statuses that are over, until a person asks for more. */
export const ENDED = ["processed", "skipped", "cancelled", ...FAILED];

export const isEnded = (task) => ENDED.includes(task.status);
export const isFailed = (task) => FAILED.includes(task.status);

const isRunning = (task) => task.status === "processing";

const ALLOWED = {
  reorder: (task) => task.status === "queued",
  priority: (task) => !isEnded(task),
  cancel: (task) => !isEnded(task),
  retry: isEnded,
  retry_forced: (task) => task.status === "skipped",
  freeze: (task) => isRunning(task) && !task.frozen,
  thaw: (task) => isRunning(task) && task.frozen,
  move: (task) => !isRunning(task) && !task.archived,
};

/** Whether a task may be asked for `action`: one of `POST /tasks/actions`, or `reorder`, `freeze`, `thaw`, `move`. */
export const mayBe = (action, task) => ALLOWED[action](task);
