// What may be asked of a task.

import assert from "node:assert/strict";
import test from "node:test";

import { mayBe } from "../../src/web/modules/lib/allowed.js";

const task = (status, more = {}) => ({ id: "t1", status, frozen: false, archived: false, ...more });

test("only what the service would allow may be asked of a task", () => {
  for (const [given, expected] of [
    [task("queued"), ["reorder", "priority", "cancel", "move"]],
    [task("processing"), ["priority", "cancel", "freeze"]],
    [task("processing", { frozen: true }), ["priority", "cancel", "thaw"]],
    [task("processed"), ["retry", "move"]],
    [task("skipped"), ["retry", "retry_forced", "move"]],
    [task("failed"), ["retry", "move"]],
    [task("cancelled", { archived: true }), ["retry"]],
  ]) {
    const actions = ["reorder", "priority", "cancel", "retry", "retry_forced", "freeze", "thaw", "move"];
    assert.deepEqual(
      actions.filter((action) => mayBe(action, given)),
      expected,
      given.status,
    );
  }
});
