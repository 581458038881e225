// Which rows of a list are chosen, and which one is active: by click, by key, by finger.
//
// Promises: another filter begins with nothing chosen, and what the filter shows no more is not chosen; the active row
// stays with its task when the order changes.
// Never in here: what is done with chosen rows.

import { useEffect, useRef, useState } from "../../lib/html.js";
import { counted } from "../../lib/format.js";
import { live } from "../../lib/live.js";
import { toast } from "../../lib/parts.js";
import { shows } from "./filter.js";
import { rowOf, taskAt } from "./pages.js";
import {
  CHOSEN_LIMIT,
  countChosen,
  everything,
  isChosen,
  NONE,
  only,
  range,
  rowsTo,
  toggled,
  without,
  withTask,
} from "./selection.js";

/**
 * `{selection, count, choose, chooseTo, chooseOnly, chooseAll, chooseNone}` of a list. `chooseTo(row, from)`: what lies
 * between `row` and the row that was chosen last, or `from` when there is none.
 */
export function useSelection({ list, filter, source }) {
  const [selection, setSelection] = useState(NONE);
  const chosenIn = useRef(filter);
  useEffect(() => {
    if (chosenIn.current !== filter) setSelection(NONE);
    chosenIn.current = filter;
  }, [filter]);
  useEffect(() => {
    const ends = [
      live.onTask((task) => {
        setSelection((before) => (shows(filter, task) ? withTask(before, task) : without(before, task.id)));
      }),
      live.onRemoved((id) => setSelection((before) => without(before, id))),
      // Nobody knows any more how chosen ones are.
      live.onReset(() => setSelection((before) => (before.all ? before : NONE))),
    ];
    return () => ends.forEach((end) => end());
  }, [filter]);
  const chooseTo = async (row, from = row) => {
    const anchor = selection.anchor ?? from;
    const rows = rowsTo(anchor, row);
    if (rows.end - rows.first > CHOSEN_LIMIT) {
      return toast(
        `At most ${counted(CHOSEN_LIMIT, "row")} can be chosen at once; narrow the list by a filter and choose all of it`,
      );
    }
    const tasks = await source.tasksOf(rows);
    return setSelection(range(tasks, anchor));
  };
  const chooseOnly = (row) => {
    const task = taskAt(list, row);
    const isAlone = countChosen(selection, list.total) === 1 && isChosen(selection, task.id);
    setSelection(isAlone ? NONE : only(task, row));
  };
  return {
    selection,
    count: countChosen(selection, list.total ?? 0),
    choose: (row) => setSelection((before) => toggled(before, taskAt(list, row), row)),
    chooseTo,
    chooseOnly,
    chooseAll: () => setSelection(everything(0)),
    chooseNone: () => setSelection(NONE),
  };
}

/**
 * `{active, focus, goTo, stayAt}`: `active` is the row that Tab comes to; `goTo(row)` moves there with the focus,
 * `stayAt(row)` without.
 */
export function useActive(list, body) {
  const [{ row, id }, setActive] = useState({ row: 0, id: null });
  const focus = useRef(null);
  const found = id === null ? -1 : rowOf(list, id);
  const active = found >= 0 ? found : Math.max(0, Math.min(row, (list.total ?? 1) - 1));
  const stayAt = (to) => setActive({ row: to, id: taskAt(list, to)?.id ?? null });
  const goTo = (to, task = taskAt(list, to)) => {
    focus.current = "move";
    setActive({ row: to, id: task?.id ?? null });
  };
  return { active, focus, goTo, stayAt };
}
