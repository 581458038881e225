// Which rows are chosen, by click, with shift, with ctrl, or all of them.

import assert from "node:assert/strict";
import test from "node:test";

import {
  countChosen,
  everything,
  isChosen,
  only,
  range,
  rowsTo,
  toggled,
  without,
  withTask,
} from "../../src/web/modules/views/queue/selection.js";

const task = (id, status = "queued") => ({ id, status });

test("a row is chosen alone, with others, and taken out again", () => {
  const one = only(task("a"), 4);
  assert.deepEqual([isChosen(one, "a"), isChosen(one, "b"), countChosen(one, 100)], [true, false, 1]);
  const two = toggled(one, task("b"), 7);
  assert.deepEqual([countChosen(two, 100), two.anchor], [2, 7]);
  assert.equal(countChosen(toggled(two, task("a"), 4), 100), 1);
  assert.equal(countChosen(one, 100), 1);
});

test("all of a filter is chosen without a look at its rows, and some may be taken out", () => {
  const all = everything(0);
  assert.deepEqual([isChosen(all, "a"), countChosen(all, 100_000)], [true, 100_000]);
  const but = toggled(all, task("a"), 4);
  assert.deepEqual([isChosen(but, "a"), isChosen(but, "b"), countChosen(but, 100_000)], [false, true, 99_999]);
  assert.equal(countChosen(toggled(but, task("a"), 4), 100_000), 100_000);
});

test("a range goes from the row that was chosen last, in both directions", () => {
  assert.deepEqual(rowsTo(4, 7), { first: 4, end: 8 });
  assert.deepEqual(rowsTo(4, 1), { first: 1, end: 5 });
  assert.deepEqual(rowsTo(3, 3), { first: 3, end: 4 });
  const chosen = range([task("a"), task("b"), task("c")], 4);
  assert.deepEqual([countChosen(chosen, 100), chosen.anchor], [3, 4]);
});

test("a chosen task is known as it is now, and leaves the selection when it is gone", () => {
  const one = only(task("a"), 0);
  assert.equal(withTask(one, task("a", "failed")).tasks.get("a").status, "failed");
  assert.equal(withTask(one, task("b")), one);
  assert.equal(countChosen(without(one, "a"), 100), 0);
  assert.equal(without(one, "b"), one);
});
