// What changes, as it changes: the one event stream of this tab.
// Promises: a stream that ends is opened again, sooner when the device is back; who listens at `onReset` is told
// whenever something may have been missed; a tab that nobody sees gives its connection back (a browser has six for a
// server).
// Never in here: what is shown; lists of tasks (those who show them keep them).

import { api, loggedOut } from "./api.js";
import { after, begun, isSilent, waitMs } from "./connection.js";
import { createSignal, createStore } from "./store.js";

const ADDRESS = "/api/v1/events";
/** As the service sends `alive` when it has nothing else to say. */
const BEAT_MS = 20_000;
const HIDDEN_FOR_MS = 60_000;
const OPENING_MS = 500;

const known = createStore(begun);
const signals = {
  task: createSignal(),
  removed: createSignal(),
  reset: createSignal(),
  uploads: createSignal(),
  settings: createSignal(),
};

let source = null;
let tries = 0;
let timer = null;
let hiddenTimer = null;
let hasBeat = false;
/** The next stream has no memory of the one before. */
let mayHaveMissed = false;
/** Kept when the first stream is open, or takes too long for those who wait for it. */
let opened = Promise.resolve();
let tellOpened = () => {};

const tell = (event) => known.update((before) => after(before, event, Date.now()));

const close = () => {
  clearTimeout(timer);
  source?.close();
  if (source) mayHaveMissed = true;
  source = null;
};

const tryAgain = () => {
  close();
  tell({ kind: "lost" });
  timer = setTimeout(open, waitMs(tries, Math.random()));
  tries += 1;
};

const listen = (stream, kind, use) =>
  stream.addEventListener(kind, (message) => {
    const data = JSON.parse(message.data);
    tell({ kind, data });
    use?.(data);
  });

const askForLogin = async () => {
  try {
    const { me } = await api.get("/login-options");
    if (!me) loggedOut.tell();
  } catch {
    // Nobody answers: that is told already.
  }
};

const open = () => {
  close();
  const stream = new EventSource(ADDRESS);
  source = stream;
  stream.addEventListener("open", () => {
    tries = 0;
    tell({ kind: "open" });
    if (mayHaveMissed) signals.reset.tell();
    mayHaveMissed = false;
    tellOpened();
  });
  stream.addEventListener("error", () => {
    if (source !== stream) return;
    // The browser tries again by itself, with the id of what came last, unless it was refused.
    if (stream.readyState !== EventSource.CLOSED) return tell({ kind: "lost" });
    tryAgain();
    // Why it was refused cannot be seen.
    askForLogin();
  });
  listen(stream, "live");
  listen(stream, "queue");
  listen(stream, "task", signals.task.tell);
  listen(stream, "removed", ({ id }) => signals.removed.tell(id));
  listen(stream, "reset", () => signals.reset.tell());
  listen(stream, "uploads", signals.uploads.tell);
  listen(stream, "settings", signals.settings.tell);
  listen(stream, "alive", () => {
    hasBeat = true;
  });
};

const openIfNot = () => {
  if (source?.readyState === EventSource.OPEN && !isSilent(known.get(), Date.now(), hasBeat ? BEAT_MS : null)) return;
  tries = 0;
  open();
};

const visibilityChanged = () => {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === "visible") openIfNot();
  else hiddenTimer = setTimeout(close, HIDDEN_FOR_MS);
};

let watchTimer = null;

const start = (queue) => {
  if (source) return;
  if (queue) tell({ kind: "queue", data: queue });
  window.addEventListener("online", openIfNot);
  window.addEventListener("offline", tryAgain);
  document.addEventListener("visibilitychange", visibilityChanged);
  watchTimer = setInterval(() => {
    if (isSilent(known.get(), Date.now(), hasBeat ? BEAT_MS : null)) tryAgain();
  }, BEAT_MS / 4);
  opened = new Promise((resolve) => {
    tellOpened = resolve;
    setTimeout(() => {
      if (known.get().state !== "live") mayHaveMissed = true;
      resolve();
    }, OPENING_MS);
  });
  open();
};

const stop = () => {
  window.removeEventListener("online", openIfNot);
  window.removeEventListener("offline", tryAgain);
  document.removeEventListener("visibilitychange", visibilityChanged);
  clearInterval(watchTimer);
  clearTimeout(hiddenTimer);
  close();
  mayHaveMissed = false;
  known.set(begun);
};

/**
 * The store of what is known: `{state: "connecting"|"live"|"lost", since, queue, encodes}` (`since`: ms, when it was
 * last live; `queue` as of GET /queue; `encodes` [{id, frozen, progress}]), and who wants to hear of changes; each
 * `on…` answers with what ends it.
 */
export const live = {
  ...known,
  start,
  stop,
  /** A list that is read after this promise, and kept by what follows, misses nothing. */
  opened: () => opened,
  /** Another try at once. */
  tryNow: openIfNot,
  /** `fn(task)`: as it is now. */
  onTask: signals.task.listen,
  /** `fn(id)`: it has left the queue for an archive. */
  onRemoved: signals.removed.listen,
  /** `fn()`: read lists anew. */
  onReset: signals.reset.listen,
  /** `fn(upload)` */
  onUploads: signals.uploads.listen,
  /** `fn(about)` */
  onSettings: signals.settings.listen,
};
