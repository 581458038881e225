// What rows of the queue do when they are clicked, pressed, dragged, or asked for their menu.
//
// Promises: an action is about the chosen rows where the row in question is one of them, else about that row alone;
// what the service refuses is shown, and the rows stand again as the service has them.
// Never in here: which keys do what (`keys.js`), how an order is given (`orders.js`).

import { mayBe } from "../../lib/allowed.js";
import { count, pathParts } from "../../lib/format.js";
import { html, useState } from "../../lib/html.js";
import { openMenu, toast } from "../../lib/parts.js";
import { useDrag } from "./drag.js";
import { gapAfter, rowAfter, stays } from "./keys.js";
import { fewItems, menuItems } from "./menu.js";
import { cancel, firstWaiting, one, pause, putBefore, resume } from "./orders.js";
import { rowOf, runningRows, taskAfterGap, taskAt } from "./pages.js";
import { DOES } from "./row.js";
import { isChosen } from "./selection.js";
import { isPossible, ofSelection } from "./target.js";
import { rowsOnScreen, showFailure, useRowEvents } from "./use-row-events.js";

const isTouch = window.matchMedia("(pointer: coarse)");

/**
 * `{on, over, dragged, told, chosenItems}`: handlers of the grid, what lies over it, ids that are dragged, what is
 * told.
 */
export function useRows({ body, rowPx, list, filter, source, choice, activity, mayAct, isOrdered, queue, ask }) {
  const { selection } = choice;
  const total = list.total ?? 0;
  const [told, tell] = useState("");
  const targetOf = (task) =>
    task && !isChosen(selection, task.id) ? one(task) : ofSelection(selection, filter, total);

  /**
   * The ids that are moved when `task` is: in the order in which they stand, or, where some are far from the screen, in
   * that in which they were chosen.
   */
  const movedWith = (task) => {
    if (selection.all || !isChosen(selection, task.id)) return [task.id];
    const ids = [...selection.tasks.values()].filter((chosen) => mayBe("reorder", chosen)).map(({ id }) => id);
    const rows = new Map(ids.map((id) => [id, rowOf(list, id)]));
    return [...rows.values()].includes(-1) ? ids : ids.sort((left, right) => rows.get(left) - rows.get(right));
  };

  /**
   * Moves waiting tasks into a gap; `before`: the id of the task after it, null for the end. `follows`: the focus goes
   * along with `task`, which is one of them. Answers with what takes it back, or null.
   */
  async function put({ task, ids, gap, before, follows }) {
    const rows = ids.map((id) => rowOf(list, id));
    const row = gap - rows.filter((from) => from < gap).length + Math.max(0, ids.indexOf(task.id));
    const name = ids.length === 1 ? pathParts(task.path).name : `${count(ids.length)} files`;
    const former = ids.length === 1 ? taskAfterGap(list, rows[0] + 1, ids) : undefined;
    const isShown = source.moved(ids, gap);
    if (follows) activity.goTo(row, isShown ? task : null);
    try {
      await putBefore(ids, before);
    } finally {
      source.moveAnswered();
    }
    tell(`${name}: now ${count(row + 1)} of ${count(total)}`);
    return former === undefined ? null : () => putBefore(ids, former);
  }

  /** The id of the task that comes after moved ones; first and last are those of the whole queue, whatever is shown. */
  async function nextOf(to, gap, ids) {
    if (to === "top") return firstWaiting(ids);
    return to === "end" ? null : taskAfterGap(list, gap, ids);
  }

  async function move(task, to) {
    const ids = movedWith(task);
    const rows = ids.map((id) => rowOf(list, id));
    if (ids.length === 0) return;
    if (rows.includes(-1) && (to === "up" || to === "down")) {
      toast("Some of the chosen files are too far away to be moved by one; put them first or last");
      return;
    }
    const first = runningRows(list);
    const gap = gapAfter(to, rows, first, total);
    if (stays(rows, gap)) {
      tell(gap === first ? "It is the first already" : "It is the last already");
      return;
    }
    const before = await nextOf(to, gap, ids);
    if (before === undefined) return;
    const undo = await put({ task, ids, gap, before, follows: true });
    if (to === "top" || to === "end") toast(to === "top" ? "It is encoded next" : "It is encoded last", { undo });
  }

  const drop = async (row, wanted) => {
    const task = taskAt(list, row);
    const gap = Math.max(wanted, runningRows(list));
    const ids = movedWith(task);
    const before = taskAfterGap(list, gap, ids);
    if (
      before === undefined ||
      stays(
        ids.map((id) => rowOf(list, id)),
        gap,
      )
    )
      return;
    const undo = await put({ task, ids, gap, before, follows: false });
    toast(ids.length === 1 ? "Moved" : `Moved ${count(ids.length)} files`, { undo });
  };

  const mayDrag = (row) => mayAct && isOrdered && taskAt(list, row) !== null && mayBe("reorder", taskAt(list, row));
  const { drag, onPointerDown } = useDrag({
    body,
    rowPx,
    count: total,
    mayDrag,
    onDrop: (row, gap) => drop(row, gap).catch(showFailure),
  });
  const dragged = drag && taskAt(list, drag.row) ? movedWith(taskAt(list, drag.row)) : [];

  const itemsFor = (task) =>
    menuItems({
      target: targetOf(task),
      task,
      ask: (what) => ask({ what, target: targetOf(task) }),
      move: isOrdered ? (to) => move(task, to) : null,
      chooseAll: selection.all ? null : choice.chooseAll,
    });

  const click = (row, event, does) => {
    if (!mayAct || does === DOES.drag) return null;
    if (event.shiftKey) return choice.chooseTo(row);
    if (does === DOES.choose || event.ctrlKey || event.metaKey || isTouch.matches) return choice.choose(row);
    return choice.chooseOnly(row);
  };

  const go = ({ to, extends: isExtended }, row) => {
    const next = rowAfter(to, row, total, rowsOnScreen(rowPx));
    activity.goTo(next);
    return isExtended && mayAct ? choice.chooseTo(next, row) : null;
  };
  const changes = {
    move: ({ to }, row) => mayDrag(row) && move(taskAt(list, row), to),
    choose: (_, row) => choice.choose(row),
    chooseAll: choice.chooseAll,
    chooseNone: choice.chooseNone,
    cancel: (_, row) => isPossible(targetOf(taskAt(list, row)), "cancel") && cancel(targetOf(taskAt(list, row))),
    pause: () => (queue?.paused_since ? resume() : pause("finish")),
  };
  const on = useRowEvents({
    list,
    rowPx,
    activity,
    openFor: (task, where) => openMenu(where, mayAct ? itemsFor(task) : fewItems(task)),
    click,
    commands: mayAct ? { ...changes, go } : {},
    pointerDown: onPointerDown,
  });
  const over =
    drag && html`<${DropMark} topPx=${Math.max(drag.gap, runningRows(list)) * rowPx} files=${dragged.length} />`;
  return { on, over, dragged, told, chosenItems: () => itemsFor(chosenTask(selection, list)) };
}

/** The task that stands for all that are chosen: with it all others are moved. */
const chosenTask = ({ all, tasks }, list) => {
  const known = all ? [] : [...tasks.values()].filter(({ id }) => rowOf(list, id) >= 0);
  return known.find((task) => mayBe("reorder", task)) ?? known[0] ?? null;
};

const DropMark = ({ topPx, files }) => html`
  <div class="drop-mark" aria-hidden="true" style=${{ transform: `translateY(${topPx}px)` }}>
    ${files > 1 && html`<span>${count(files)} files</span>`}
  </div>
`;
