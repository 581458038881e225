// Short messages: which are shown.
// Never in here: how they look and how long they stay (lib/parts/overlays.js).

import { createStore } from "./store.js";

const MOST_TOASTS = 3;
let lastToast = 0;

/** `[{id, text, tone, undo}]`, the newest last. */
export const toasts = createStore([]);

/** A short message. `tone`: "quiet" or "failed" (stays until closed). `undo`: what takes it back, may be a promise. */
export const toast = (text, { tone = "quiet", undo = null } = {}) => {
  lastToast += 1;
  const id = lastToast;
  // What is over gives way, so that messages of one move after the other do not pile up over what is moved.
  const kept = (one) => one.tone === "failed" && one.text !== text;
  toasts.update((shown) => [...shown.filter(kept), { id, text, tone, undo }].slice(-MOST_TOASTS));
  return id;
};

export const closeToast = (id) => toasts.update((shown) => shown.filter((one) => one.id !== id));
