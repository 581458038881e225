// What is known of a long list while pages of it come, change and go.

import assert from "node:assert/strict";
import test from "node:test";

import { PAGE_ROWS } from "../../src/web/modules/lib/window.js";
import {
  allStale,
  NOTHING,
  rowOf,
  runningRows,
  taskAfterGap,
  taskAt,
  withMoved,
  withoutPages,
  withPage,
  withTask,
} from "../../src/web/modules/views/queue/pages.js";

const task = (row, more = {}) => ({ id: `t${row}`, status: "queued", priority: 0, path: `720/${row}`, ...more });
const tasks = (from, count = PAGE_ROWS) => Array.from({ length: count }, (_, at) => task(from + at));
const some = () => {
  const first = withPage(NOTHING, 0, { tasks: tasks(0), total: 1000 });
  return withPage(first, 3, { tasks: tasks(300), total: 1000 });
};
const ids = (list, first, end) => Array.from({ length: end - first }, (_, at) => taskAt(list, first + at)?.id ?? null);

test("rows of pages that have come are known, at their places, and no others", () => {
  const list = some();
  assert.deepEqual([list.total, taskAt(list, 99).id, taskAt(list, 305).id], [1000, "t99", "t305"]);
  assert.deepEqual([taskAt(list, 100), taskAt(list, 999), taskAt(NOTHING, 0)], [null, null, null]);
  assert.deepEqual([rowOf(list, "t305"), rowOf(list, "t150")], [305, -1]);
  assert.equal(taskAt(withoutPages(list, [3]), 305), null);
});

test("when the number of rows changes other pages are shown on and fetched anew, and those beyond the end go", () => {
  const list = withPage(some(), 0, { tasks: tasks(0), total: 999 });
  assert.deepEqual([list.pages.get(0).isStale, list.pages.get(3).isStale], [false, true]);
  assert.equal(taskAt(list, 305).id, "t305");
  const short = withPage(some(), 0, { tasks: tasks(0, 50), total: 50 });
  assert.deepEqual([...short.pages.keys()], [0]);
  const none = withPage(some(), 3, { tasks: [], total: 0 });
  assert.deepEqual([none.total, none.pages.get(0).isStale], [0, true]);
  assert.deepEqual(
    [...allStale(some()).pages.values()].map((page) => page.isStale),
    [true, true],
  );
});

test("a task changes in its row, and only what may move it lets the list be fetched anew", () => {
  const running = task(5, { status: "processing" });
  const list = withTask(some(), running, { sort: "turn", isShown: true }).list;
  for (const [sort, changed, isShown, expected] of [
    ["turn", task(5, { status: "processing", frozen: true }), true, false],
    ["turn", task(5), true, true],
    ["turn", task(6, { profile: "small" }), true, true],
    ["path", task(5, { priority: 7 }), true, false],
    ["-priority", task(5, { priority: 7 }), true, true],
    ["path", task(5, { status: "failed" }), false, true],
  ]) {
    const result = withTask(list, changed, { sort, isShown });
    assert.equal(result.isMoved, expected, `${sort} ${JSON.stringify(changed)}`);
    assert.deepEqual(taskAt(result.list, rowOf(list, changed.id)), changed);
  }
  const unknown = withTask(list, task(150), { sort: "path", isShown: true });
  assert.deepEqual([unknown.list, unknown.isMoved], [list, true]);
});

test("moved rows stand at once where they will be, in the order in which they were given", () => {
  const list = some();
  for (const [moved, gap, expected] of [
    [["t3"], 1, ["t0", "t3", "t1", "t2", "t4", "t5"]],
    [["t1"], 4, ["t0", "t2", "t3", "t1", "t4", "t5"]],
    [["t1"], 1, ["t0", "t1", "t2", "t3", "t4", "t5"]],
    [["t1"], 2, ["t0", "t1", "t2", "t3", "t4", "t5"]],
    [["t0", "t4"], 2, ["t1", "t0", "t4", "t2", "t3", "t5"]],
  ]) {
    assert.deepEqual(ids(withMoved(list, moved, gap), 0, 6), expected, `${moved} to ${gap}`);
  }
  assert.equal(withMoved(list, ["t3"], 305), list);
  assert.equal(withMoved(list, ["t150"], 0), list);
});

test("moved rows are put before the next one that stays", () => {
  const list = some();
  assert.equal(taskAfterGap(list, 2, ["t9"]), "t2");
  assert.equal(taskAfterGap(list, 2, ["t2", "t3"]), "t4");
  assert.equal(taskAfterGap(list, 100, []), undefined);
  assert.equal(taskAfterGap(list, 1000, []), null);
  assert.equal(taskAfterGap(list, 99, ["t99"]), undefined);
  const running = withTask(list, task(0, { status: "processing" }), { sort: "turn", isShown: true }).list;
  assert.deepEqual([runningRows(running), runningRows(list), taskAfterGap(running, 0, [])], [1, 0, "t1"]);
});
