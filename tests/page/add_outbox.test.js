// The list of files that are sent.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  change,
  drawn,
  mayBe,
  meaningOf,
  newRow,
  rateOf,
  recalled,
  remembered,
  retryDelayMs,
  toBegin,
  totals,
  withSample,
} from "../../src/web/modules/views/add/outbox.js";

const WISH = { resolution: 720, profile: null, priority: 0 };
const row = (id, state = "waiting", more = {}) => ({
  ...newRow(id, { path: `${id}.mkv`, sizeBytes: 100, modifiedMs: 1 }, WISH, `page.1.${id}`),
  state,
  ...more,
});
const states = (rows) => rows.map(({ state }) => state);
const after = (first, ...events) => events.reduce((rows, event) => change(rows, ["a"], event), [first])[0];

test("three are sent at a time, in the order of the list, and a lost one keeps its place", () => {
  const rows = ["a", "b", "c", "d", "e"].map((id) => row(id));
  assert.deepEqual(toBegin(rows, 3), ["a", "b", "c"]);
  const begun = change(rows, ["a", "b", "c"], { type: "began" });
  assert.deepEqual(toBegin(begun, 3), []);
  assert.deepEqual(toBegin(change(begun, ["a"], { type: "broke" }), 3), []);
  assert.deepEqual(toBegin(change(begun, ["a"], { type: "paused" }), 3), ["d"]);
  assert.deepEqual(toBegin(change(begun, ["b"], { type: "refused", reason: "x" }), 3), ["d"]);
  assert.deepEqual(toBegin(change(begun, ["c"], { type: "removed" }), 3), ["d"]);
});

test("a row goes its way to a task, over lost connections and pauses", () => {
  const way = [
    [{ type: "began" }, "sending"],
    [{ type: "address", url: "/api/v1/uploads/u" }, "sending"],
    [{ type: "progress", sentBytes: 40 }, "sending"],
    [{ type: "broke" }, "lost"],
    [{ type: "broke" }, "lost"],
    [{ type: "began" }, "sending"],
    [{ type: "paused" }, "paused"],
    [{ type: "progress", sentBytes: 60 }, "paused"],
    [{ type: "resumed" }, "waiting"],
    [{ type: "began" }, "sending"],
    [{ type: "whole" }, "placing"],
    [{ type: "paused" }, "placing"],
    [{ type: "placed", task: "t", path: "720/a.mkv" }, "sent"],
  ];
  let rows = [row("a")];
  for (const [event, state] of way) {
    rows = change(rows, ["a"], event);
    assert.equal(rows[0].state, state, JSON.stringify(event));
  }
  assert.equal(rows[0].sentBytes, 100);
  assert.equal(rows[0].url, "/api/v1/uploads/u");
  assert.equal(rows[0].task, "t");
});

test("late news of an upload that was paused, cancelled or refused changes nothing", () => {
  for (const state of ["paused", "failed", "sent", "asleep", "waiting"]) {
    for (const event of [
      { type: "progress", sentBytes: 1 },
      { type: "broke" },
      { type: "whole" },
      { type: "refused" },
    ]) {
      assert.equal(after(row("a", state), event).state, state, `${state} ${event.type}`);
    }
  }
  assert.deepEqual(change([row("a")], ["gone"], { type: "began" }), [row("a")]);
});

test("tries are counted until bytes get through", () => {
  const lost = after(row("a", "sending"), { type: "broke" }, { type: "broke" }, { type: "broke" });
  assert.equal(lost.attempt, 3);
  assert.equal(after(lost, { type: "progress", sentBytes: 0 }).attempt, 3);
  assert.equal(after(lost, { type: "progress", sentBytes: 1 }).attempt, 0);
  assert.ok(retryDelayMs(0) < retryDelayMs(3));
  assert.equal(retryDelayMs(1000), retryDelayMs(6), "it never gives up and never waits longer than half a minute");
});

test("a name that the service has is sent only after somebody agreed", () => {
  const asks = after(row("a", "sending"), { type: "asks", reason: "known" });
  assert.deepEqual([asks.state, asks.reason, toBegin([asks], 3).length], ["asks", "known", 0]);
  const agreed = after(asks, { type: "agreed" });
  assert.deepEqual([agreed.state, agreed.agreed], ["waiting", true]);
});

test("what a person may do depends on the state", () => {
  const table = {
    waiting: ["paused", "cancelled"],
    asks: ["cancelled"],
    sending: ["paused", "cancelled"],
    lost: ["paused", "cancelled"],
    paused: ["resumed", "cancelled"],
    asleep: ["cancelled"],
    placing: [],
    sent: ["dismissed"],
    failed: ["retried", "cancelled"],
  };
  for (const [state, expected] of Object.entries(table)) {
    const may = Object.entries(mayBe(row("a", state)));
    assert.deepEqual(
      may.filter(([, is]) => is).map(([what]) => what),
      expected,
      state,
    );
  }
});

test("an answer says whether it is worth another try", () => {
  for (const [statuses, meaning] of [
    [[null, 0, 408, 409, 423, 429, 460, 500, 502, 503], "again"],
    [[401], "login"],
    [[400, 403, 404, 412, 413, 415, 422, 507], "refused"],
  ]) {
    for (const status of statuses) {
      assert.equal(meaningOf(status), meaning, String(status));
    }
  }
});

test("all rows together say how far they are and what is the matter", () => {
  for (const [rows, expected] of [
    [[], "idle"],
    [["sent", "failed"], "idle"],
    [["sending", "lost", "paused"], "sending"],
    [["lost", "waiting"], "lost"],
    [["waiting", "paused"], "sending"],
    [["paused", "asleep"], "paused"],
    [["asleep", "sent"], "unfinished"],
    [["asks", "asleep"], "asks"],
    [["placing"], "sending"],
  ]) {
    assert.equal(totals(rows.map((state) => row("a", state))).state, expected, rows.join());
  }
  const rows = [
    row("a", "sent", { sentBytes: 100 }),
    row("b", "sending", { sentBytes: 40 }),
    row("c", "failed", { sentBytes: 9 }),
  ];
  assert.deepEqual(totals(rows), { files: 2, doneFiles: 1, sentBytes: 140, totalBytes: 200, state: "sending" });
});

test("of very many rows those are drawn that tell something", () => {
  const many = (state, count) => Array.from({ length: count }, (_, index) => row(`${state}${index}`, state));
  const rows = [
    ...many("sent", 300),
    ...many("failed", 150),
    row("y", "sending"),
    ...many("paused", 60),
    ...many("waiting", 300),
  ];
  const { rows: shown, hidden } = drawn(rows, 100);
  assert.deepEqual(hidden, { waiting: 260, sent: 200, failed: 50, asks: 0 });
  assert.equal(shown.length, 301);
  assert.deepEqual(
    [0, 100, 200, 201, 261].map((at) => shown[at].id),
    ["sent200", "failed0", "y", "paused0", "waiting0"],
  );
  assert.equal(drawn(rows.slice(200, 300), 100).rows.length, 100);
});

test("rate and time left are those of the last ten seconds", () => {
  const samples = [0, 1000, 2000, 3000].reduce((all, atMs) => withSample(all, { atMs, sentBytes: atMs / 10 }), []);
  assert.deepEqual(rateOf(samples, 500), { bytesPerSecond: 100, secondsLeft: 2 });
  assert.deepEqual(rateOf(samples.slice(0, 1), 500), { bytesPerSecond: null, secondsLeft: null });
  assert.deepEqual(rateOf([], 500), { bytesPerSecond: null, secondsLeft: null });
  const later = withSample(samples, { atMs: 13_000, sentBytes: 300 });
  assert.deepEqual(rateOf(later, 500), { bytesPerSecond: 0, secondsLeft: null }, "it stands still");
  assert.equal(withSample(samples, { atMs: 4000, sentBytes: 10 }).length, 1, "a row was taken away");
});

test("what is not done is remembered for the next visit, asleep", () => {
  const sent = row("a", "sending", { url: "/api/v1/uploads/u", sentBytes: 40 });
  const again = recalled(remembered(sent));
  assert.deepEqual(
    [again.state, again.url, again.sentBytes, again.mark, again.begun],
    ["asleep", "/api/v1/uploads/u", 40, "page.1.a", true],
  );
  assert.equal(after(again, { type: "chosen" }).state, "waiting");
  const paused = recalled(remembered(row("a", "paused")));
  assert.equal(after(paused, { type: "woken" }).state, "paused", "what was paused does not go on by itself");
  assert.equal(recalled(remembered(paused)).wasPaused, true, "over several visits");
  assert.equal(after(paused, { type: "woken" }, { type: "resumed" }).wasPaused, false);
  assert.equal(after(again, { type: "woken" }).state, "waiting");
  const remember = (state) => remembered(row("a", state)) !== null;
  for (const state of ["waiting", "asks", "sending", "lost", "paused", "asleep"]) assert.ok(remember(state), state);
  for (const state of ["placing", "sent", "failed"]) assert.ok(!remember(state), state);
});

test("what is remembered is read with distrust", () => {
  for (const text of [null, "", "{", "[]", "null", "{}"]) assert.equal(recalled(text), null, text);
  const good = JSON.parse(remembered(row("a")));
  assert.notEqual(recalled(JSON.stringify(good)), null);
  for (const bad of [
    { url: "https://elsewhere.example/u" },
    { url: "/api/v1/uploads/a/../b" },
    { sizeBytes: "5" },
    { path: 3 },
  ]) {
    assert.equal(recalled(JSON.stringify({ ...good, ...bad })), null, JSON.stringify(bad));
  }
});
