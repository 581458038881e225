// Sends files, by tus, three at a time, for as long as the tab lives; whichever view is shown.
//
// Promises: nothing is sent twice and nothing is lost that the service has: an upload goes on where it stands after a
// lost connection (by itself), a reload, a closed tab or laptop (when the file can be had again); one tab at a time
// sends a file.
// Never in here: what a row may become (`outbox`), which files are wanted (`wanted`), elements.

import "../../vendor/tus.js";
import { isEnded } from "../../lib/allowed.js";
import { api, loggedOut } from "../../lib/api.js";
import { live } from "../../lib/live.js";
import { loggingOut, REMEMBERED, sending } from "../../lib/sending.js";
import { createStore } from "../../lib/store.js";
import { fileOfHandle, forgetHandle, handleOf, keepHandle } from "./handles.js";
import { createMemory, forgottenElsewhere } from "./memory.js";
import { change, meaningOf, newRow, rateOf, retryDelayMs, toBegin, totals, withSample } from "./outbox.js";
import { isSameFile, markOf } from "./wanted.js";

const { Upload } = window.tus;

const ADDRESS = "/api/v1/uploads";
const AT_ONCE = 3;
/** More often nobody reads numbers. */
const SHOW_EVERY_MS = 250;
const SAVE_EVERY_MS = 1000;
const ASK_EVERY_MS = 1000;
/** For the task of a file that was just placed: it is there when the file has been looked at. */
const TASK_PATIENCE_MS = 60_000;
/** Rows that are read anew when something may have been missed; the others are told when they change. */
const FOLLOWED = 50;

const IS_THERE = "The service has a file of this name already. Sent anyway, it gets another name there.";
const WAS_THERE =
  "A file of this name was compressed before. Sent anyway, it gets another name if that one is still there.";

/** The rows, as `outbox` describes them. */
export const outbox = createStore([]);
/** Tasks that files became: `{id: task}`. */
export const tasks = createStore({});

const files = new Map();
/** What is under way of a row: `{upload, timer}`; another object is another try. */
const tries = new Map();
const progress = new Map();
const releases = new Map();
/** Rows that may have a handle. */
const withHandle = new Set();
let samples = [];

const rowOf = (id) => outbox.get().find((row) => row.id === id);
const rowsOf = (ids) => {
  const wanted = new Set(ids);
  return outbox.get().filter(({ id }) => wanted.has(id));
};
const apply = (ids, event) => outbox.update((rows) => change(rows, ids, event));

// ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────────────

const endTry = (id) => {
  const tried = tries.get(id);
  clearTimeout(tried?.timer);
  tried?.upload?.abort();
  tries.delete(id);
  progress.delete(id);
};

const beginNext = () => {
  for (const id of toBegin(outbox.get(), AT_ONCE)) begin(id);
};

const begin = async (id) => {
  endTry(id);
  const own = { upload: null, timer: null };
  tries.set(id, own);
  const { begun } = rowOf(id);
  apply([id], { type: "began" });
  const isOver = () => tries.get(id) !== own;
  try {
    const row = rowOf(id);
    const url = row.url ?? (begun ? await addressByMark(row.mark) : null);
    if (isOver()) return;
    const namesake = url === null && !row.agreed ? await taskAt(`${row.resolution}/${row.path}`) : null;
    if (isOver()) return;
    if (namesake) {
      apply([id], { type: "asks", reason: namesake.archived ? WAS_THERE : IS_THERE });
      endTry(id);
      beginNext();
      return;
    }
    own.upload = uploadOf(row, url, isOver);
    own.upload.start();
  } catch (problem) {
    if (!isOver()) failed(id, problem.status, problem.detail, problem.retryAfterSeconds);
  }
};

const uploadOf = (row, url, isOver) => {
  const { id } = row;
  const wishes = { profile: row.profile, priority: row.priority === 0 ? null : String(row.priority) };
  const given = Object.entries(wishes).filter(([, value]) => value !== null);
  const upload = new Upload(files.get(id), {
    endpoint: ADDRESS,
    uploadUrl: url,
    metadata: { filename: row.path, resolution: String(row.resolution), mark: row.mark, ...Object.fromEntries(given) },
    // `retryDelayMs` tries again, also when a try would have to begin with asking where the upload is.
    retryDelays: null,
    storeFingerprintForResuming: false,
    // What was stopped while tus prepared its first request would go on all the same.
    onBeforeRequest: () => {
      if (isOver()) throw new Error("stopped");
    },
    onUploadUrlAvailable: () => {
      if (!isOver()) apply([id], { type: "address", url: new URL(upload.url, location.href).pathname });
    },
    onProgress: (sentBytes) => {
      if (!isOver()) show(id, sentBytes);
    },
    onSuccess: () => {
      if (!isOver()) arrived(id);
    },
    onError: (error) => {
      if (isOver()) return;
      const answer = error.originalResponse;
      failed(
        id,
        answer?.getStatus() ?? null,
        detailOf(answer?.getBody()),
        Number(answer?.getHeader("Retry-After")) || 0,
      );
    },
  });
  return upload;
};

const detailOf = (body) => {
  try {
    return JSON.parse(body).detail;
  } catch {
    return null;
  }
};

const failed = (id, status, detail, retryAfterSeconds) => {
  const meaning = meaningOf(status);
  if (meaning === "refused") {
    endTry(id);
    apply([id], { type: "refused", reason: detail ?? `The service refused it (status ${status}).` });
    beginNext();
    return;
  }
  if (meaning === "login") loggedOut.tell();
  const { attempt } = rowOf(id);
  apply([id], { type: "broke", reason: status ? detail : null });
  const delayMs = Math.max(retryDelayMs(attempt), (retryAfterSeconds ?? 0) * 1000);
  tries.get(id).timer = setTimeout(() => begin(id), delayMs);
};

/** The connection is back: nobody waits any longer. */
const tryLost = () => {
  for (const row of outbox.get()) if (row.state === "lost") begin(row.id);
};

/** The address of an upload whose beginning was answered to nobody. */
const addressByMark = async (mark) => {
  const uploads = await api.get("/uploads");
  const upload = uploads.find((one) => one.mark === mark);
  return upload ? `${ADDRESS}/${upload.id}` : null;
};

/** The newest task of a path, or null. */
const taskAt = async (path) => {
  const { tasks: found } = await api.get("/tasks", { query: { q: path, limit: 500, archived: true } });
  return found.find((task) => task.path === path) ?? null;
};

// ── Arriving ───────────────────────────────────────────────────────────────────────────────────────────────────────

const arrived = (id) => {
  tries.delete(id);
  progress.delete(id);
  apply([id], { type: "whole" });
  letGo(id);
  beginNext();
  askForTask(id);
};

const askForTask = async (id) => {
  const row = rowOf(id);
  if (row?.state !== "placing") return;
  try {
    const upload = await api.get(row.url.slice("/api/v1".length));
    if (upload.state === "placed") {
      apply([id], { type: "placed", task: upload.task, path: upload.path });
      follow(rowOf(id));
      return;
    }
  } catch (problem) {
    if (problem.status === 404) {
      apply([id], { type: "placed", task: null, path: null });
      return;
    }
  }
  setTimeout(() => askForTask(id), ASK_EVERY_MS);
};

const know = (task) => tasks.update((known) => ({ ...known, [task.id]: task }));

/** Reads a task by its path: asked for by its id before the file has been looked at, it would not be found. */
const follow = async ({ task: id, placedPath }, until = Date.now() + TASK_PATIENCE_MS) => {
  if (!id) return;
  try {
    const { tasks: found } = await api.get("/tasks", { query: { q: placedPath, limit: 500 } });
    const task = found.find((one) => one.id === id);
    if (task) return know(task);
  } catch {
    // The connection is lost: the stream tells when it is back.
  }
  if (tasks.get()[id] === undefined && Date.now() < until)
    setTimeout(() => follow({ task: id, placedPath }, until), ASK_EVERY_MS);
};

live.onTask((task) => {
  if (outbox.get().some((row) => row.task === task.id)) know(task);
});
live.onReset(() => {
  const isOver = ({ task }) => isEnded(tasks.get()[task] ?? {});
  const rows = outbox.get().filter((row) => row.task && !isOver(row));
  rows.slice(0, FOLLOWED).forEach((row) => follow(row));
});

// ── Showing and remembering ────────────────────────────────────────────────────────────────────────────────────────

let showTimer = null;
const showNow = () => {
  clearTimeout(showTimer);
  showTimer = null;
  outbox.update((rows) =>
    [...progress].reduce((all, [of, sentBytes]) => change(all, [of], { type: "progress", sentBytes }), rows),
  );
  progress.clear();
};
const show = (id, sentBytes) => {
  progress.set(id, sentBytes);
  showTimer ??= setTimeout(showNow, SHOW_EVERY_MS);
};

const memory = createMemory(localStorage);
const save = () => memory.save(outbox.get());

let saveTimer = null;
outbox.subscribe((rows) => {
  saveTimer ??= setTimeout(() => {
    saveTimer = null;
    save();
  }, SAVE_EVERY_MS);
  const all = totals(rows);
  const isSending = all.state === "sending";
  samples = isSending ? withSample(samples, { atMs: performance.now(), sentBytes: all.sentBytes }) : [];
  sending.set({ ...all, ...rateOf(samples, all.totalBytes) });
});

window.addEventListener("pagehide", save);
window.addEventListener("beforeunload", (event) => {
  if (["sending", "lost"].includes(sending.get().state)) event.preventDefault();
});
window.addEventListener("online", tryLost);
let wasLive = live.get().state === "live";
live.subscribe(({ state }) => {
  if (state === "live" && !wasLive) tryLost();
  wasLive = state === "live";
});

window.addEventListener("storage", (event) => {
  const id = forgottenElsewhere(event);
  if (id && rowOf(id)?.state === "asleep") drop([id]);
});

// ── Files ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether this tab may send it; false: another one does. */
const claim = (id) =>
  new Promise((resolve) => {
    if (!navigator.locks || releases.has(id)) return resolve(true);
    navigator.locks.request(REMEMBERED + id, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise((release) => releases.set(id, release));
    });
  });

/** Nothing more is read of its file. */
const letGo = (id) => {
  files.delete(id);
  if (withHandle.delete(id)) forgetHandle(id);
  releases.get(id)?.();
  releases.delete(id);
};

/** Tabs of this page tell each other which rows are theirs. */
const tabs = new BroadcastChannel("uploads");

const tellOwn = () => {
  if (files.size > 0) tabs.postMessage({ mine: [...files.keys()] });
};

tabs.addEventListener("message", ({ data: { mine } }) => {
  if (!mine) return tellOwn();
  const left = rowsOf(mine).filter(({ state }) => state === "asleep");
  memory.leave(left.map(({ id }) => id));
  for (const { id } of left) withHandle.delete(id);
  return apply(
    left.map(({ id }) => id),
    { type: "removed" },
  );
});

const drop = (ids) => {
  for (const id of ids) {
    endTry(id);
    letGo(id);
  }
  apply(ids, { type: "removed" });
};

/** Takes a file for a row; false when another tab has it. */
const take = async (id, { file, handle }) => {
  files.set(id, file);
  if (!(await claim(id))) {
    files.delete(id);
    return false;
  }
  if (handle) {
    withHandle.add(id);
    keepHandle(id, handle);
  }
  return true;
};

/**
 * Wakes rows of an earlier visit whose files the browser kept. `ask`: a person has pressed something, so they may be
 * asked.
 */
export const wake = async (ask) => {
  for (const row of outbox.get().filter(({ state }) => state === "asleep")) {
    const handle = await handleOf(row.id);
    const file = handle && (await fileOfHandle(handle, ask));
    const found = file && { path: file.name, sizeBytes: file.size, modifiedMs: file.lastModified };
    if (found && isSameFile(row, found) && (await take(row.id, { file, handle: null })))
      apply([row.id], { type: "woken" });
  }
  tellOwn();
  beginNext();
};

/** How many rows of an earlier visit go on after a press, without their files being chosen again. */
export const wakeable = async () => {
  const asleep = outbox.get().filter(({ state }) => state === "asleep");
  const handles = await Promise.all(asleep.map(({ id }) => handleOf(id)));
  return handles.filter(Boolean).length;
};

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Takes over what `wanted.sortOut` has found; `wish`: {resolution, profile, priority}. */
export const add = async ({ again, found, fresh }, wish) => {
  const woken = [];
  for (const { row, file } of again) if (await take(row.id, file)) woken.push(row.id);
  const rows = fresh.map((file) => {
    const id = newId();
    return { row: newRow(id, file, wish, markOf(file.modifiedMs, id)), file };
  });
  for (const { upload, file } of found) {
    const own = { resolution: upload.resolution, profile: upload.profile, priority: upload.priority };
    const row = newRow(newId(), { ...file, path: upload.name }, own, upload.mark);
    rows.push({ row: { ...row, url: `${ADDRESS}/${upload.id}`, sentBytes: upload.offset_bytes }, file });
  }
  // What is new here no other tab has yet.
  for (const { row, file } of rows) take(row.id, file);
  outbox.update((before) => [...change(before, woken, { type: "chosen" }), ...rows.map(({ row }) => row)]);
  tellOwn();
  beginNext();
};

// ── What a person does ─────────────────────────────────────────────────────────────────────────────────────────────

export const pause = (ids) => {
  showNow();
  apply(ids, { type: "paused" });
  for (const row of rowsOf(ids)) if (row.state === "paused") endTry(row.id);
  beginNext();
};

loggingOut.listen(() => pause(outbox.get().map(({ id }) => id)));

/** Goes on with what was paused, or was refused. */
export const resume = (ids) => {
  apply(ids, { type: "resumed" });
  beginNext();
};

/** Sends although the service has a file of that name. */
export const agree = (ids) => {
  apply(ids, { type: "agreed" });
  beginNext();
};

/** Ends uploads, and what the service has of them; done when that is gone. */
export const cancel = async (ids) => {
  const rows = rowsOf(ids);
  drop(ids);
  beginNext();
  // The answer that would have told the address may have been lost.
  const urlOf = (row) => row.url ?? (row.begun ? addressByMark(row.mark) : null);
  const urls = await Promise.all(rows.map(urlOf));
  await Promise.all(urls.filter(Boolean).map(terminate));
};

/** Ends an upload at the service; one that is gone already is no failure. */
export const terminate = async (url) => {
  try {
    await Upload.terminate(url, { retryDelays: null });
  } catch (error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (![404, 410].includes(status)) {
      throw new Error(
        detailOf(error.originalResponse?.getBody()) ??
          "The service did not answer; what it has of the file expires by itself.",
      );
    }
  }
};

/** Takes rows that are done off the list. */
export const dismiss = (ids) => drop(ids);

outbox.set(memory.recall());
for (const { id } of outbox.get()) withHandle.add(id);
tabs.postMessage({ whose: true });
wake(false);
