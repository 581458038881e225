// Rows dragged to another place, by mouse, pen or finger.
//
// Promises: a mouse drags a row anywhere but by what can be pressed, a finger only by its grip, so that it still
// scrolls; near the edges the page scrolls along; Escape, or a second finger, gives up and nothing has moved.
// Never in here: what is moved where (the caller's `onDrop`).

import { useEffect, useRef, useState } from "../../lib/html.js";
import { dragScroll, gapAt } from "../../lib/window.js";
import { DOES } from "./row.js";

/** A mouse that moves less was a click. */
const MOUSE_SLACK_PX = 6;

const rowOfElement = (element) => {
  const row = element.closest?.("[data-row]");
  return row ? Number(row.dataset.row) : null;
};

const isGrip = (element) => element.closest?.(`[data-does="${DOES.drag}"]`) !== null;
const isPressable = (element) => element.closest?.("a, button, input") !== null;

/**
 * `body`: a ref of the element that has the rows. `mayDrag(row)`; `onDrop(row, gap)`: `gap` as of `gapAt`. Answers with
 * `{drag, onPointerDown}`: `drag` is null or `{row, gap}`.
 */
export function useDrag({ body, rowPx, count, mayDrag, onDrop }) {
  const [drag, setDrag] = useState(null);
  const latest = useRef(null);
  latest.current = { rowPx, count, onDrop };
  const end = useRef(null);
  useEffect(() => () => end.current?.(), []);

  const onPointerDown = (event) => {
    const row = rowOfElement(event.target);
    if (event.button !== 0 || row === null || !mayDrag(row)) return;
    const hasGrip = isGrip(event.target);
    if (!hasGrip && (event.pointerType !== "mouse" || isPressable(event.target))) return;
    end.current?.();
    end.current = follow(event, hasGrip, row);
  };

  /** Follows a pointer until it is let go; answers with what gives up. */
  function follow(down, hasGrip, row) {
    const { pointerId } = down;
    let pointerPx = down.clientY;
    let isDragging = false;
    let frame = null;
    const gap = () => {
      const { rowPx: height, count: rows } = latest.current;
      return gapAt(pointerPx - body.current.getBoundingClientRect().top, height, rows);
    };
    const show = () => setDrag((before) => (before?.gap === gap() ? before : { row, gap: gap() }));
    const scroll = () => {
      const { top, bottom } = screenEdges(body.current);
      const byPx = dragScroll(pointerPx, top, bottom);
      if (byPx !== 0) {
        window.scrollBy({ top: byPx, behavior: "instant" });
        show();
      }
      frame = requestAnimationFrame(scroll);
    };
    const moved = (event) => {
      if (event.pointerId !== pointerId) return;
      pointerPx = event.clientY;
      if (!isDragging && !hasGrip && Math.abs(pointerPx - down.clientY) < MOUSE_SLACK_PX) return;
      if (!isDragging) {
        isDragging = true;
        frame = requestAnimationFrame(scroll);
      }
      event.preventDefault();
      show();
    };
    const giveUp = () => {
      cancelAnimationFrame(frame);
      setDrag(null);
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener, true);
      end.current = null;
    };
    const drop = (event) => {
      if (event.pointerId !== pointerId) return;
      const place = gap();
      giveUp();
      if (!isDragging) return;
      // The click that follows is no click on a row.
      window.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", swallow, true));
      latest.current.onDrop(row, place);
    };
    const pressed = (event) => {
      if (event.key !== "Escape" || !isDragging) return;
      event.preventDefault();
      event.stopPropagation();
      giveUp();
    };
    const another = (event) => event.pointerId !== pointerId && giveUp();
    const listeners = {
      pointermove: moved,
      pointerup: drop,
      pointercancel: giveUp,
      pointerdown: another,
      keydown: pressed,
      // Of the window; those of what had the focus come by here too.
      blur: ({ target }) => target === window && giveUp(),
    };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener, true);
    return giveUp;
  }

  return { drag, onPointerDown };
}

const swallow = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

/** Between which the rows are seen: below what sticks to the top, and above what sticks to the bottom. */
function screenEdges(body) {
  const style = getComputedStyle(body);
  return {
    top: parseFloat(style.scrollMarginTop),
    bottom: window.innerHeight - parseFloat(style.scrollMarginBottom),
  };
}
