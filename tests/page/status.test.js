// A task's status in words, and what may be asked of it.

import assert from "node:assert/strict";
import test from "node:test";

import { mayBe, statusOf } from "../../src/web/files/lib/status.js";

const task = (status, more = {}) => ({ id: "t1", status, frozen: false, archived: false, ...more });

test("a status is told in words, with its reason", () => {
  for (const [given, title, tone, detail] of [
    [task("queued"), "Waiting", "waiting", null],
    [task("queued", { waiting_for: "space" }), "Waiting", "attention", "Waits for room on the disk"],
    [task("queued", { waiting_for: "task t0" }), "Waiting", "attention", "Waits for a file with the same content"],
    [task("processing"), "Encoding", "running", null],
    [task("processing", { frozen: true }), "Frozen", "attention", null],
    [task("processed", { summary: "1080p to 720p" }), "Done", "done", "1080p to 720p"],
    [task("skipped", { reason: "already small" }), "Skipped", "waiting", "already small"],
    [task("failed", { error: "no video" }), "Failed", "failed", "no video"],
    [task("error_missing_input"), "File is gone", "failed", null],
    [task("paused_by_aliens"), "paused_by_aliens", "attention", null],
  ]) {
    assert.deepEqual(statusOf(given), { title, tone, detail });
  }
});

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
