// What the whole page knows of files that are sent: how far they are, and files that were dropped on another view.
//
// Promises: small; who only looks loads none of what sends.
// Never in here: requests, elements.

import { createSignal, createStore } from "./store.js";

/** Keys of local storage under which unfinished uploads are remembered, one each. */
export const REMEMBERED = "upload.";

const NOTHING = {
  files: 0,
  doneFiles: 0,
  sentBytes: 0,
  totalBytes: 0,
  bytesPerSecond: null,
  secondsLeft: null,
  state: "idle",
};

/**
 * All files that are sent from this tab together. `state`: "idle", "sending", "lost" (the connection; it goes on by
 * itself), "paused", "asks" (a person has to decide), or "unfinished" (files of an earlier visit, which have to be
 * chosen again).
 */
export const sending = createStore(NOTHING);

/** Told when someone logs out: what is left does not go on by itself under whoever logs in next. */
export const loggingOut = createSignal();

const handed = createStore(null);

/** Gives what was dropped (a promise of files, as views/add/files.js makes it) to the view Add, which takes it over. */
export const handOver = (dropped) => handed.set(dropped);

/** Calls `take(dropped)` for what was handed over, now and later; answers with what ends it. */
export const onHandedOver = (take) => {
  const look = () => {
    const dropped = handed.get();
    if (dropped === null) return;
    handed.set(null);
    take(dropped);
  };
  look();
  return handed.subscribe(look);
};
