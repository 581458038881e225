// What a person asks of tasks and of the queue, and how it is told and taken back.
//
// Promises: what throws work away, or is about more than one can see, asks first and says how much; what can be taken
// back says so for a while; a refusal is thrown as the service put it into words.
// Never in here: which tasks are meant (`target.js`), the rows.

import { mayBe, FAILED } from "../../lib/allowed.js";
import { api } from "../../lib/api.js";
import { count, counted, pathParts } from "../../lib/format.js";
import { confirm, toast } from "../../lib/parts.js";
import { whichTasks } from "./filter.js";
import { countOf, meant, ofTasks } from "./target.js";

/** The API takes so many ids at once. */
const IDS_LIMIT = 10_000;
const LIST_LIMIT = 500;

const files = (number) => counted(number, "file");

/** "film.mkv" of one, "12 files" of many. */
const named = (target, action) => {
  const tasks = target.kind === "tasks" ? target.tasks.filter((task) => mayBe(action, task)) : [];
  return tasks.length === 1 ? pathParts(tasks[0].path).name : files(countOf(target, action));
};

const act = (action, target, more = {}) => api.post("/tasks/actions", { action, ...more, ...meant(target, action) });

async function actOnIds(action, ids, more = {}) {
  for (let from = 0; from < ids.length; from += IDS_LIMIT) {
    await api.post("/tasks/actions", { action, ids: ids.slice(from, from + IDS_LIMIT), ...more });
  }
}

async function mayCancel(target) {
  if (target.kind === "filter") {
    return confirm({
      title: `Cancel ${files(target.count)}?`,
      text: "All that is shown and not over. What is done of running encodes is lost. The files stay in input.",
      action: `Cancel ${files(target.count)}`,
    });
  }
  const running = target.tasks.filter((task) => task.status === "processing");
  if (running.length === 0) return true;
  const percent = running[0].progress?.percent;
  const lost =
    running.length === 1 && percent
      ? `${Math.floor(percent)} % of it is done and would be lost.`
      : "What is done of it is lost.";
  const encoded = running.length === 1 ? "It is being encoded" : `${files(running.length)} of them are being encoded`;
  return confirm({
    title: `Cancel ${named(target, "cancel")}?`,
    text: `${encoded}. ${lost} The source stays.`,
    action: `Cancel ${named(target, "cancel")}`,
  });
}

export async function cancel(target) {
  const name = named(target, "cancel");
  if (!(await mayCancel(target))) return;
  const { ids } = await act("cancel", target);
  toast(`Cancelled ${ids.length === 1 ? name : files(ids.length)}`, { undo: () => actOnIds("retry", ids) });
}

/** `action`: "retry", or "retry_forced", which takes the result even when it is not smaller. */
export async function retry(target, action = "retry") {
  const name = named(target, action);
  const { ids } = await act(action, target);
  const again = ids.length === 1 ? name : files(ids.length);
  toast(ids.length === 0 ? "Nothing of it can be tried again" : `${again} will be encoded again`);
}

export async function setPriority(target, priority) {
  const before = new Map();
  for (const task of target.kind === "tasks" ? target.tasks : []) {
    if (mayBe("priority", task)) before.set(task.priority, [...(before.get(task.priority) ?? []), task.id]);
  }
  const { ids } = await act("priority", target, { priority });
  const undo = async () => {
    for (const [former, own] of before) await actOnIds("priority", own, { priority: former });
  };
  toast(`Priority of ${files(ids.length)} is ${priority} now`, { undo: target.kind === "tasks" ? undo : null });
}

/** The tasks of a target, read from the service where only a filter is known. */
async function tasksOf(target, action) {
  if (target.kind === "tasks") return target.tasks.filter((task) => mayBe(action, task));
  const tasks = [];
  for (;;) {
    const query = { ...whichTasks(target.filter), limit: LIST_LIMIT, offset: tasks.length, sort: "added" };
    const page = await api.get("/tasks", { query });
    tasks.push(...page.tasks);
    if (page.tasks.length === 0 || tasks.length >= page.total) break;
  }
  return tasks.filter((task) => mayBe(action, task) && !target.except.includes(task.id));
}

/** Moves sources into another resolution's folder. `onProgress(done, all)`; stops between two when `signal` says so. */
export async function moveTo(target, height, onProgress, signal) {
  const tasks = (await tasksOf(target, "move")).filter((task) => task.resolution !== height);
  let done = 0;
  for (const task of tasks) {
    if (signal.aborted) break;
    onProgress(done, tasks.length);
    await api.post(`/tasks/${encodeURIComponent(task.id)}/move`, { resolution: height }, { timeoutMs: 0 });
    done += 1;
  }
  toast(done === 0 ? `All of it is in ${height} already` : `${files(done)} moved to ${height}`);
}

export const freeze = (task) => api.post(`/tasks/${encodeURIComponent(task.id)}/freeze`);
export const thaw = (task) => api.post(`/tasks/${encodeURIComponent(task.id)}/thaw`);

/** Puts waiting tasks before another (an id; null: at the end), in their order. */
export const putBefore = (ids, before) => api.post("/queue/order", { ids, before });

/** The first waiting task that is not one of `ids`; null when there is none. */
export async function firstWaiting(ids) {
  const moved = new Set(ids);
  for (let offset = 0; ; offset += LIST_LIMIT) {
    const { tasks } = await api.get("/tasks", {
      query: { status: "queued", sort: "turn", offset, limit: LIST_LIMIT },
    });
    const first = tasks.find((task) => !moved.has(task.id));
    if (first || tasks.length < LIST_LIMIT) return first?.id ?? null;
  }
}

/** `running`: "finish" or "freeze". */
export async function pause(running) {
  await api.post("/queue/pause", { running });
  toast(running === "freeze" ? "Paused; running encodes stand still" : "Paused; running encodes go on to their end", {
    undo: resume,
  });
}

export async function resume() {
  await api.post("/queue/resume");
  toast("The queue goes on");
}

export async function retryAllFailed() {
  const { ids } = await api.post("/tasks/actions", { action: "retry", filter: { status: FAILED.join(",") } });
  toast(ids.length === 0 ? "Nothing has failed" : `${files(ids.length)} will be encoded again`);
}

export async function clearWaiting(waiting) {
  const isSure = await confirm({
    title: `Cancel all ${count(waiting)} waiting files?`,
    text: "What is being encoded goes on. The files stay in input, and can be retried.",
    action: `Cancel ${files(waiting)}`,
  });
  if (!isSure) return;
  // Not `POST /queue/clear`, which does not say which ones: what takes it back has to know.
  const { ids } = await api.post("/tasks/actions", { action: "cancel", filter: { status: "queued" } });
  toast(`Cancelled ${files(ids.length)}`, { undo: () => actOnIds("retry", ids) });
}

export async function clearFinished() {
  const { tasks } = await api.post("/queue/clear", { which: "finished" });
  toast(tasks === 0 ? "Nothing has ended" : `${files(tasks)} went to the history`);
}

export async function copyPath(task) {
  await navigator.clipboard.writeText(task.path);
  toast("Copied");
}

export async function scan() {
  await api.post("/queue/scan");
  toast("Looking through input");
}

/** One task alone as a target. */
export const one = (task) => ofTasks([task]);
