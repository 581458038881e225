// What an action on chosen tasks is about.

import assert from "node:assert/strict";
import test from "node:test";

import { filterOf, QUEUE_TABS } from "../../src/web/modules/views/queue/filter.js";
import { everything, NONE, toggled } from "../../src/web/modules/views/queue/selection.js";
import { countOf, isPossible, meant, ofSelection, ofTasks } from "../../src/web/modules/views/queue/target.js";

const task = (id, status) => ({ id, status, frozen: false, archived: false });
const filter = (query) => filterOf(query, QUEUE_TABS);

test("of chosen tasks those are meant for which the action is possible", () => {
  const target = ofTasks([task("a", "queued"), task("b", "failed"), task("c", "processing")]);
  for (const [action, ids] of [
    ["cancel", ["a", "c"]],
    ["retry", ["b"]],
    ["retry_forced", []],
    ["priority", ["a", "c"]],
  ]) {
    assert.deepEqual(meant(target, action), { ids }, action);
    assert.equal(countOf(target, action), ids.length);
    assert.equal(isPossible(target, action), ids.length > 0);
  }
});

test("all of a filter is meant by the filter, without those that were taken out", () => {
  const failed = filter({ show: "failed", q: "a" });
  const all = ofSelection(everything(0), failed, 100_000);
  assert.deepEqual(meant(all, "retry"), {
    filter: { status: "failed,error_missing_input,error_no_resolution,error_exception", q: "a" },
  });
  assert.equal(countOf(all, "retry"), 100_000);
  const but = ofSelection(toggled(everything(0), task("b", "failed"), 1), failed, 100_000);
  assert.deepEqual([meant(but, "retry").except, countOf(but, "retry")], [["b"], 99_999]);
});

test("what no status of a tab allows is not offered for all of it", () => {
  for (const [show, action, expected] of [
    ["failed", "retry", true],
    ["failed", "cancel", false],
    ["todo", "cancel", true],
    ["todo", "retry", false],
    ["all", "retry", true],
    ["done", "retry_forced", true],
  ]) {
    const target = ofSelection(everything(0), filter({ show }), 10);
    assert.equal(isPossible(target, action), expected, `${action} of ${show}`);
  }
  assert.equal(isPossible(ofSelection(NONE, filter({}), 10), "cancel"), false);
});
