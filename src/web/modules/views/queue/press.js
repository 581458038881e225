// A finger that stays: the menu of a row.
//
// Promises: a finger that moves scrolls, and opens nothing; what comes after a long press is no click.
// Never in here: what the menu has.

import { useEffect, useRef } from "../../lib/html.js";

const LONG_MS = 500;
const SLACK_PX = 10;

/** `open(row, element)`. Answers with `{begin(event), end}`: for a pointer that goes down, and when it is open already. */
export function useLongPress(open) {
  const stop = useRef(() => {});
  useEffect(() => () => stop.current(), []);

  function begin(event) {
    stop.current();
    const row = event.target.closest?.("[data-row]");
    if (event.pointerType !== "touch" || !row || event.target.closest("button, input, .grip")) return;
    const timer = setTimeout(() => {
      stop.current();
      swallowNext();
      open(Number(row.dataset.row), row);
    }, LONG_MS);
    const moved = ({ clientX, clientY }) => {
      if (Math.hypot(clientX - event.clientX, clientY - event.clientY) > SLACK_PX) stop.current();
    };
    const listeners = { pointermove: moved, pointerup: () => stop.current(), pointercancel: () => stop.current() };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener);
    stop.current = () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener);
    };
  }

  return { begin, end: () => stop.current() };
}

/** The finger is still down: when it goes up, the browser tells of a click where it was. */
function swallowNext() {
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const after = ["mousedown", "click"];
  for (const name of after) window.addEventListener(name, swallow, true);
  const release = () => setTimeout(() => after.forEach((name) => window.removeEventListener(name, swallow, true)), 100);
  window.addEventListener("pointerup", release, { once: true });
  window.addEventListener("pointercancel", release, { once: true });
}
