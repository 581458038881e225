// What a task's status is called on the page, and what may be asked of a task in which status.
//
// Promises: pure; the one place that puts statuses into words; a status that this version does not know has its own name
// and nothing may be asked of it but what the service would allow.
// Never in here: how it looks, requests.

/** How a status is coloured: `done` green, `running` blue, `waiting` grey, `attention` amber, `failed` red. */
const STATUSES = {
  queued: { title: "Waiting", tone: "waiting" },
  processing: { title: "Encoding", tone: "running" },
  processed: { title: "Done", tone: "done" },
  skipped: { title: "Skipped", tone: "waiting" },
  cancelled: { title: "Cancelled", tone: "waiting" },
  failed: { title: "Failed", tone: "failed" },
  error_missing_input: { title: "File is gone", tone: "failed" },
  error_no_resolution: { title: "In no resolution's folder", tone: "failed" },
  error_exception: { title: "Failed", tone: "failed" },
};

const WAITING_FOR = {
  space: "for room on the disk",
  folder: "for its folder, which is out of reach",
  encoder: "for ffmpeg",
};

/** Statuses that are over, until a person asks for more. */
export const FAILED = ["failed", "error_missing_input", "error_no_resolution", "error_exception"];
export const ENDED = ["processed", "skipped", "cancelled", ...FAILED];

export const isEnded = (task) => ENDED.includes(task.status);
export const isFailed = (task) => FAILED.includes(task.status);

/**
 * A task's status: `title` in a word or two, `tone`, and `detail`: why, in words, or null.
 */
export function statusOf(task) {
  const { title, tone } = STATUSES[task.status] ?? { title: task.status, tone: "attention" };
  if (task.status === "processing" && task.frozen) return { title: "Frozen", tone: "attention", detail: null };
  if (task.status === "queued" && task.waiting_for) {
    const what = WAITING_FOR[task.waiting_for] ?? "for a file with the same content";
    return { title, tone: "attention", detail: `Waits ${what}` };
  }
  return { title, tone, detail: task.error ?? task.reason ?? task.summary ?? null };
}

/** What may be asked of a task, each by its name in `POST /tasks/actions` or in the task's own address. */
const ALLOWED = {
  reorder: (task) => task.status === "queued",
  priority: (task) => !isEnded(task),
  cancel: (task) => ["queued", "processing"].includes(task.status) || !(task.status in STATUSES),
  retry: (task) => isEnded(task),
  retry_forced: (task) => task.status === "skipped",
  freeze: (task) => task.status === "processing" && !task.frozen,
  thaw: (task) => task.status === "processing" && task.frozen,
  move: (task) => task.status !== "processing" && !task.archived,
};

/** Whether a task of this kind may be asked for `action`. */
export const mayBe = (action, task) => ALLOWED[action](task);
