// What a task's page offers, and says of its state; which tasks stand beside it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { around, idsAround } from "../../src/web/modules/lib/neighbours.js";
import {
  actionsFor,
  beyondSizes,
  placeInWords,
  priorities,
  twinOf,
  waitOf,
} from "../../src/web/modules/views/task/actions.js";

const task = (status, more = {}) => ({ status, output: false, frozen: false, waiting_for: null, ...more });

test("an action is offered where the service takes it, to those who may", () => {
  for (const [of, role, expected] of [
    [task("queued"), "operator", ["profile", "priority", "move", "cancel"]],
    [task("processing"), "admin", ["freeze", "profile", "cancel"]],
    [task("processing", { frozen: true }), "operator", ["thaw", "profile", "cancel"]],
    [task("processed", { output: true }), "operator", ["download", "retry", "move"]],
    [task("processed", { output: true, archived: true }), "operator", ["download", "retry"]],
    [task("skipped"), "operator", ["retry", "retry_forced", "move"]],
    [task("skipped", { output: true }), "operator", ["download", "retry", "retry_forced", "move"]],
    [task("cancelled"), "operator", ["retry", "move"]],
    [task("failed"), "operator", ["retry", "move"]],
    [task("error_missing_input"), "operator", ["retry", "move"]],
    [task("processed", { output: true }), "viewer", ["download"]],
    [task("queued"), "viewer", []],
    [task("failed"), "viewer", []],
  ]) {
    assert.deepEqual(actionsFor(of, role), expected, `${of.status} ${role}`);
  }
});

test("a task that waits says what for, and the way out", () => {
  assert.equal(waitOf(task("queued")).text, "It waits for its turn.");
  for (const [waitingFor, part] of [
    ["space", "room"],
    ["folder", "folder"],
    ["encoder", "ffmpeg"],
  ]) {
    const { text, wayOut } = waitOf(task("queued", { waiting_for: waitingFor }));
    assert.match(`${text} ${wayOut}`, new RegExp(part));
    assert.ok(wayOut);
  }
  assert.equal(waitOf(task("queued", { waiting_for: "task abc" })).twin, "abc");
  assert.match(waitOf(task("queued", { waiting_for: "the moon" })).text, /the moon/);
});

test("sizes that stand beside a summary are not told in it again", () => {
  for (const [summary, expected] of [
    ["314 kB → 44.2 kB (−86 %), 720p, SSIM 21.9 dB, 19 s", "720p, SSIM 21.9 dB, 19 s"],
    ["4.2 GB → 4.5 GB (+7 %)", ""],
    ["left as it is, 720p", "left as it is, 720p"],
    [null, ""],
  ]) {
    assert.equal(beyondSizes(summary), expected);
  }
});

test("a duplicate leads to the file with the same content", () => {
  const reason =
    "duplicate: the same content is already in output/720/a (task x).mp4 (task 1m81); `retry` encodes it again";
  for (const [of, expected] of [
    [task("skipped", { reason }), "1m81"],
    [task("failed", { reason }), null],
    [task("skipped", { reason: "it would not be smaller (task 1m81)" }), null],
    [task("skipped", { reason: null }), null],
  ]) {
    assert.equal(twinOf(of), expected, of.reason);
  }
});

test("a place in the queue is told in words", () => {
  for (const [before, expected] of [
    [0, "It is next."],
    [1, "One is before it."],
    [1234, "1,234 are before it."],
    [null, null],
  ]) {
    assert.equal(placeInWords(before), expected);
  }
});

test("priorities have three names, and any other number is kept", () => {
  assert.deepEqual(
    priorities(0).map(({ text }) => text),
    ["High", "Normal", "Low"],
  );
  assert.deepEqual(
    priorities(5).map(({ value, text }) => [value, text]),
    [
      ["10", "High"],
      ["5", "5"],
      ["0", "Normal"],
      ["-10", "Low"],
    ],
  );
});

test("before and after a task stand those of its list", () => {
  const ids = ["a", "b", "c"];
  assert.deepEqual(around(ids, "b"), { previous: "a", next: "c", place: 2, of: 3 });
  assert.deepEqual(around(ids, "a"), { previous: null, next: "b", place: 1, of: 3 });
  assert.deepEqual(around(ids, "c"), { previous: "b", next: null, place: 3, of: 3 });
  assert.equal(around(ids, "x"), null);
});

test("of a long list those around the task are kept, as far as they are known", () => {
  const idAt = (row) => (row >= 0 && row < 100 && row !== 70 ? String(row) : null);
  for (const [row, first, last] of [
    [50, "45", "54"],
    [0, "0", "9"],
    [99, "94", "99"],
    [68, "63", "69"],
    [72, "71", "80"],
  ]) {
    const ids = idsAround(idAt, row, 10);
    assert.deepEqual([ids[0], ids.at(-1)], [first, last], String(row));
  }
});
