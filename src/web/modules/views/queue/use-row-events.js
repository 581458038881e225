// What every list's rows do when they are clicked, reached by keys, or asked for their menu.
//
// Promises: a link is followed as a link; a row's menu opens by right click, long press, its button, and by keys; what
// fails is shown.
// Never in here: what only some lists do: choosing, moving (the caller's `click` and `commands`).

import { keepNeighbours } from "../../lib/neighbours.js";
import { toast } from "../../lib/parts.js";
import { go } from "../../lib/route.js";
import { commandOf, rowAfter } from "./keys.js";
import { taskAt } from "./pages.js";
import { useLongPress } from "./press.js";
import { DOES } from "./row.js";

/** Rows that stay on screen when one goes on by a screen. */
const OVERLAP_ROWS = 4;

/** How far Page Down goes. */
export const rowsOnScreen = (rowPx) => Math.max(1, Math.floor(window.innerHeight / rowPx) - OVERLAP_ROWS);

export const showFailure = (problem) => void toast(problem.message, { tone: "failed" });

const rowOfEvent = (event) => {
  const row = event.target.closest?.("[data-row]");
  return row ? Number(row.dataset.row) : null;
};

const isPlain = ({ button, metaKey, ctrlKey, shiftKey, altKey }) =>
  button === 0 && !metaKey && !ctrlKey && !shiftKey && !altKey;

/** Moves the focus between what a row has. */
function goAcross({ by }, _row, event) {
  const element = event.target.closest("[data-row]");
  const stops = [element, ...element.querySelectorAll("a, input, button")];
  stops[stops.indexOf(event.target) + by]?.focus({ preventScroll: true });
}

/**
 * The handlers of a grid. `openFor(task, where)` opens a menu; `click(row, event, does)`: of a row, where it was no
 * link and no menu; `commands`: by their kind in keys.js, each `(command, row, event)`, may answer with a promise.
 */
export function useRowEvents({
  list,
  rowPx,
  activity,
  openFor,
  click = () => {},
  commands = {},
  pointerDown = () => {},
}) {
  const open = (row, where) => {
    const task = taskAt(list, row);
    if (task === null) return;
    activity.stayAt(row);
    openFor(task, where);
  };
  const press = useLongPress(open);
  /** To a task, which then knows the rows around it. */
  const goTo = (address, row) => {
    keepNeighbours((at) => taskAt(list, at)?.id ?? null, row);
    go(address);
  };
  const all = {
    go: ({ to }, row) => activity.goTo(rowAfter(to, row, list.total, rowsOnScreen(rowPx))),
    across: goAcross,
    open: (_, row) => goTo(`/tasks/${encodeURIComponent(taskAt(list, row).id)}`, row),
    menu: (_, row, event) => open(row, event.target.closest("[data-row]")),
    ...commands,
  };

  const onClick = (event) => {
    const row = rowOfEvent(event);
    if (row === null || taskAt(list, row) === null) return;
    const link = event.target.closest("a");
    const pressed = event.target.closest("[data-does]");
    if (link && isPlain(event)) {
      event.preventDefault();
      goTo(link.getAttribute("href"), row);
    } else if (pressed?.dataset.does === DOES.menu) {
      open(row, pressed);
    } else if (!link) {
      Promise.resolve(click(row, event, pressed?.dataset.does)).catch(showFailure);
    }
  };

  const onKeyDown = (event) => {
    const row = rowOfEvent(event);
    const command = commandOf(event);
    const does = command && all[command.kind];
    // What has the focus inside a row has its own use for these.
    const isInside = event.target.dataset.row === undefined && [" ", "Enter"].includes(event.key);
    if (row === null || !does || isInside || (taskAt(list, row) === null && command.kind !== "go")) return;
    event.preventDefault();
    Promise.resolve(does(command, row, event)).catch(showFailure);
  };

  const onContextMenu = (event) => {
    const row = rowOfEvent(event);
    if (row === null) return;
    press.end();
    // By a key the event has no place, and the key has opened the menu already.
    if (event.clientX > 0 || event.clientY > 0) open(row, event);
    else event.preventDefault();
  };

  const onPointerDown = (event) => {
    pointerDown(event);
    press.begin(event);
  };

  // In lower case: elements have no property of this name, and Preact listens to what it finds none for as it is written.
  const onfocusin = ({ target }) => {
    const row = target.dataset.row;
    if (row !== undefined && Number(row) !== activity.active) activity.stayAt(Number(row));
  };

  return { onClick, onKeyDown, onContextMenu, onPointerDown, onfocusin };
}
