// Keys that work everywhere in the page.
// Promises: never while someone types, and never with a modifier that the browser or the system has plans for.
// Never in here: keys of single views (those listen themselves, by `useKeys`).

import { useEffect } from "./html.js";

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog[open]") !== null;
const SEQUENCE_MS = 1500;

/** Calls `keys["g q"]` or `keys["/"]` when these are typed; a handler that returns false leaves the key alone. */
export const useKeys = (keys) => {
  useEffect(() => {
    let first = null;
    let firstAt = 0;
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const isSecond = first !== null && event.timeStamp - firstAt < SEQUENCE_MS;
      const handler = (isSecond && keys[`${first} ${event.key}`]) || keys[event.key];
      first = isSecond ? null : event.key;
      firstAt = event.timeStamp;
      if (handler && handler(event) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
};
