// What can be done with chosen tasks, as the lines of a menu.
//
// Promises: only what is possible for some of them is there; the same words for one task and for many.
// Never in here: how it is done (`orders.js`).

import { mayBe } from "../../lib/allowed.js";
import { counted } from "../../lib/format.js";
import { go } from "../../lib/route.js";
import { copyPath, cancel, freeze, one, retry, thaw } from "./orders.js";
import { countOf, isPossible } from "./target.js";

/** Browsers let only pages on TLS, or on this machine, write what is copied. */
const mayCopy = Boolean(navigator.clipboard);

const line = (isShown, items) => (isShown ? [null, ...items] : items);

/** Lines with a rule between parts that are not empty. */
const parts = (...all) =>
  all
    .map((part) => part.filter(Boolean))
    .filter((part) => part.length > 0)
    .flatMap((part, at) => line(at > 0, part));

/**
 * `target`: of target.js. `task`: the one that the menu is for, or null. `ask`: opens a dialog, "priority" or "height".
 * `move(to)`: reorders by "up", "down", "top", "end"; null where the order is not that of encoding. `chooseAll`: null
 * where all is chosen already.
 */
export function menuItems({ target, task, ask, move, chooseAll }) {
  const is = (action) => isPossible(target, action);
  const isOne = target.kind === "tasks" && target.tasks.length === 1;
  const of = (action, before = "") => (isOne ? "" : `${before} ${counted(countOf(target, action), "file")}`);
  return parts(
    [
      isOne && {
        text: "Open",
        icon: "file",
        hint: "Enter",
        onSelect: () => go(`/tasks/${encodeURIComponent(task.id)}`),
      },
    ],
    move && task && is("reorder")
      ? [
          { text: "Encode next", icon: "top", hint: "Alt+Home", onSelect: () => move("top") },
          { text: "Move up", icon: "up", hint: "Alt+↑", onSelect: () => move("up") },
          { text: "Move down", icon: "down", hint: "Alt+↓", onSelect: () => move("down") },
          { text: "Encode last", icon: "bottom", hint: "Alt+End", onSelect: () => move("end") },
        ]
      : [],
    [
      isOne && mayBe("freeze", task) && { text: "Freeze", icon: "freeze", onSelect: () => freeze(task) },
      isOne && mayBe("thaw", task) && { text: "Go on", icon: "play", onSelect: () => thaw(task) },
      is("priority") && {
        text: `Priority${of("priority", " of")}…`,
        icon: "sort",
        onSelect: () => ask("priority"),
      },
      is("move") && {
        text: `Other resolution${of("move", " for")}…`,
        icon: "film",
        onSelect: () => ask("height"),
      },
      is("retry") && { text: `Encode${of("retry")} again`, icon: "retry", onSelect: () => retry(target) },
      is("retry_forced") && {
        text: `Encode${of("retry_forced")} again, even if larger`,
        icon: "retry",
        onSelect: () => retry(target, "retry_forced"),
      },
      isOne && mayCopy && { text: "Copy the path", icon: "copy", onSelect: () => copyPath(task) },
      chooseAll && { text: "Choose all", icon: "check", hint: "Ctrl+A", onSelect: chooseAll },
    ],
    [
      is("cancel") && {
        text: `Cancel${of("cancel")}`,
        icon: "cancel",
        tone: "danger",
        hint: "Del",
        onSelect: () => cancel(target),
      },
    ],
  );
}

/** The lines of one task for who may choose nothing: in the history, or may only look. */
export const fewItems = (task, mayRetry = false) =>
  parts(
    [{ text: "Open", icon: "file", hint: "Enter", onSelect: () => go(`/tasks/${encodeURIComponent(task.id)}`) }],
    [
      mayRetry && { text: "Encode again", icon: "retry", onSelect: () => retry(one(task)) },
      mayCopy && { text: "Copy the path", icon: "copy", onSelect: () => copyPath(task) },
    ],
  );
