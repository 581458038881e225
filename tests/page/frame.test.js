// What the frame and the view Now decide without a page: addresses, the connection, encodes, pieces, the machine,
// troubles.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

import { backTo, join, match, parse } from "../../src/web/modules/lib/address.js";
import { address, problemOf } from "../../src/web/modules/lib/api.js";
import { after, begun, isSilent, waitMs } from "../../src/web/modules/lib/connection.js";
import { disksOf, hottestOf } from "../../src/web/modules/lib/machine.js";
import { cells, inWords, MOST_CELLS } from "../../src/web/modules/lib/pieces.js";
import { MOST_ENDED, withProgress, withTask } from "../../src/web/modules/lib/running.js";
import { createStore } from "../../src/web/modules/lib/store.js";
import { problemsOf, restOf, summaryOf, toneOf } from "../../src/web/modules/lib/trouble.js";

test("no view listens to events by a name that Preact does not know them by", () => {
  const files = new URL("../../src/web/modules/", import.meta.url);
  const names = readdirSync(files, { recursive: true }).filter((name) => /^(app|lib.*|views.*)\.js$/.test(name));
  assert.ok(names.length > 50);
  for (const name of names) {
    // Elements have `onclick`, by which it finds the event of `onClick`, and no `onfocusin`.
    assert.doesNotMatch(readFileSync(new URL(name, files), "utf8"), /\bonFocus(In|Out)\b/, name);
  }
});

test("an address is taken apart and put together again", () => {
  for (const text of ["/", "/queue", "/queue?status=failed&search=a+b", "/settings/users"]) {
    const { path, query } = parse(text);
    assert.equal(join(path, query), text);
  }
  assert.equal(parse("/queue/").path, "/queue");
  assert.equal(parse("//elsewhere.example/x").path, "/x");
  assert.equal(join("/queue", { status: "", search: null, page: 0 }), "/queue?page=0");
});

test("a pattern names the parts of the paths that it fits", () => {
  for (const [pattern, path, expected] of [
    ["/", "/", {}],
    ["/", "/queue", null],
    ["/tasks/:id", "/tasks/a%2Fb", { id: "a/b" }],
    ["/tasks/:id", "/tasks", null],
    ["/tasks/:id", "/tasks/a/b", null],
    ["/tasks/:id", "/tasks/%E0", { id: "%E0" }],
    ["/settings/*", "/settings", { rest: [] }],
    ["/settings/*", "/settings/profiles/small", { rest: ["profiles", "small"] }],
    ["/settings/*", "/other", null],
  ]) {
    assert.deepEqual(match(pattern, path), expected, `${pattern} ${path}`);
  }
});

test("a login leads back into this page and nowhere else", () => {
  for (const [to, expected] of [
    ["/queue?status=failed", "/queue?status=failed"],
    [undefined, "/"],
    ["", "/"],
    ["https://elsewhere.example/", "/"],
    ["//elsewhere.example/", "/"],
    ["/\\elsewhere.example/", "/"],
    ["javascript:alert(1)", "/"],
    ["/login?to=/login", "/"],
  ]) {
    assert.equal(backTo(to), expected, String(to));
  }
});

test("what is not given is left out of a request's address", () => {
  assert.equal(address("/tasks"), "/api/v1/tasks");
  assert.equal(address("/tasks", { q: "a&b", cursor: null, limit: 0, status: "" }), "/api/v1/tasks?q=a%26b&limit=0");
});

test("every refusal has a title, words, and the time to wait where there is one", () => {
  const told = problemOf(429, "12", {
    title: "Too many",
    detail: "Wait.",
    type: "/t",
    errors: [{ key: "a", detail: "b" }],
  });
  assert.deepEqual([told.status, told.title, told.message, told.retryAfterSeconds], [429, "Too many", "Wait.", 12]);
  assert.equal(told.errors.length, 1);
  const silent = problemOf(502, null, null);
  assert.ok(silent.title.length > 0 && silent.detail.includes("502"));
  assert.deepEqual([silent.errors, silent.retryAfterSeconds], [[], null]);
  assert.equal(problemOf(503, "Sun, 22 Nov 2026 14:00:00 GMT", {}).retryAfterSeconds, null);
});

test("tries become rarer, are spread, and never cease", () => {
  const waits = [0, 1, 2, 3, 10, 1000].map((tries) => waitMs(tries, 1));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 20_000, 20_000]);
  assert.equal(waitMs(0, 0), 375);
});

test("a connection that is lost was live until it was last heard, and is live again when it opens", () => {
  const events = [
    [{ kind: "open" }, 1000],
    [{ kind: "live", data: { encodes: [{ id: "a" }] } }, 2000],
    [{ kind: "queue", data: { counts: {} } }, 3000],
    [{ kind: "lost" }, 9000],
    [{ kind: "lost" }, 10_000],
  ];
  const lost = events.reduce((known, [event, at]) => after(known, event, at), begun);
  assert.deepEqual([lost.state, lost.since, lost.encodes.length, lost.queue], ["lost", 3000, 1, { counts: {} }]);
  const again = after(lost, { kind: "open" }, 12_000);
  assert.deepEqual([again.state, again.since], ["live", null]);
  assert.equal(after(begun, { kind: "lost" }, 5).since, 5);
});

test("a connection that says nothing for long is dead, once it has shown that it would", () => {
  const live = after(begun, { kind: "open" }, 0);
  assert.equal(isSilent(live, 50_000, 20_000), false);
  assert.equal(isSilent(live, 50_001, 20_000), true);
  assert.equal(isSilent(live, 500_000, null), false);
  assert.equal(isSilent(after(live, { kind: "alive" }, 40_000), 80_000, 20_000), false);
  assert.equal(isSilent(begun, 80_000, 20_000), false);
});

test("a store tells those who listen, of changes alone", () => {
  const store = createStore(1);
  const heard = [];
  const end = store.subscribe((value) => heard.push(value));
  store.set(1);
  store.update((value) => value + 1);
  end();
  store.set(3);
  assert.deepEqual(heard, [2]);
});

const task = (id, status, more = {}) => ({ id, status, ended: null, frozen: false, progress: null, ...more });

test("a task goes from waiting to running to ended, and is in one place at a time", () => {
  const none = { running: [], ended: [] };
  const places = (known, id) => [
    known.running.filter((one) => one.id === id).length,
    known.ended.filter((one) => one.id === id).length,
  ];
  let known = withTask(none, task("a", "queued"));
  assert.deepEqual(places(known, "a"), [0, 0]);
  known = withTask(withTask(known, task("a", "processing")), task("b", "processing"));
  known = withTask(known, task("a", "processing", { priority: 5 }));
  assert.deepEqual(
    known.running.map(({ id }) => id),
    ["a", "b"],
  );
  known = withTask(known, task("a", "processed", { ended: "2026-11-22T10:00:00Z" }));
  assert.deepEqual(places(known, "a"), [0, 1]);
  known = withTask(known, task("a", "queued"));
  assert.deepEqual(places(known, "a"), [0, 0]);
});

test("of what has ended the last few are kept, newest first", () => {
  const ended = Array.from({ length: MOST_ENDED + 3 }, (_, index) =>
    task(String(index), "failed", { ended: `2026-11-22T10:0${index}:00Z` }),
  );
  const known = ended.reduce(withTask, { running: [], ended: [] });
  assert.deepEqual(
    known.ended.map(({ id }) => id),
    ["7", "6", "5", "4", "3"],
  );
});

test("an encode's newest progress is shown with the task that is known", () => {
  const running = [
    task("a", "processing", { progress: { percent: 1 } }),
    task("b", "processing", { progress: { percent: 5 } }),
  ];
  const shown = withProgress(running, [{ id: "a", frozen: true, progress: { percent: 2 } }, { id: "unknown" }]);
  assert.deepEqual(
    shown.map(({ progress }) => progress.percent),
    [2, 5],
  );
  assert.equal(shown[0].frozen, true);
});

test("a film's pieces become cells that can be seen, each of which is as done as its pieces", () => {
  assert.deepEqual(cells("drw"), [
    { state: "done", part: 1 },
    { state: "running", part: 0 },
    { state: "waiting", part: 0 },
  ]);
  assert.deepEqual(cells("ddrdww", 3), [
    { state: "done", part: 1 },
    { state: "running", part: 0.5 },
    { state: "waiting", part: 0 },
  ]);
  for (const length of [2, MOST_CELLS, MOST_CELLS + 1, 1000]) {
    const shown = cells("d".repeat(length));
    assert.equal(shown.length, Math.min(length, MOST_CELLS));
    assert.ok(shown.every(({ state }) => state === "done"));
  }
  assert.equal(inWords("ddrw"), "2 of 4 pieces done, 1 running");
});

test("folders of one disk are one row, and a disk that is nearly full says so", () => {
  const rows = disksOf([
    { folder: "input", total_bytes: 1000, free_bytes: 40 },
    { folder: "output", total_bytes: 1000, free_bytes: 40 },
    { folder: "conf", total_bytes: 500, free_bytes: 400 },
    { folder: "logs", total_bytes: 0, free_bytes: 0 },
  ]);
  assert.deepEqual(
    rows.map(({ names }) => names),
    [["input", "output"], ["conf"], ["logs"]],
  );
  assert.deepEqual(
    rows.map(({ isFull }) => isFull),
    [true, false, false],
  );
  assert.equal(rows[1].usedPercent, 20);
});

test("of all temperatures the hottest is shown, and is hot near to where it becomes critical", () => {
  assert.equal(hottestOf([]), null);
  const found = hottestOf([
    { sensor: "board", celsius: 40 },
    { sensor: "core", celsius: 92, critical_celsius: 100 },
  ]);
  assert.deepEqual(found, { sensor: "core", celsius: 92, isHot: true });
  assert.equal(hottestOf([{ sensor: "board", celsius: 120 }]).isHot, false);
});

const queue = (more) => ({
  counts: {},
  settling: 0,
  paused_since: null,
  hours_begin: null,
  frozen: false,
  problems: [],
  ...more,
});
const at = (time) => time;

test("a pause and quiet hours are explained, and nothing else is", () => {
  assert.equal(restOf(queue(), at), null);
  assert.equal(restOf(null, at), null);
  const paused = restOf(queue({ paused_since: "14:03", counts: { queued: 1 } }), at);
  assert.deepEqual([paused.kind, paused.title], ["paused", "Paused since 14:03"]);
  assert.match(paused.text, /^1 file waits/);
  assert.match(restOf(queue({ paused_since: "1", frozen: true }), at).text, /stands still/);
  assert.equal(restOf(queue({ hours_begin: "22:00" }), at).kind, "hours");
});

test("the queue in one line", () => {
  for (const [given, expected] of [
    [queue(), "Nothing waits"],
    [queue({ counts: { processing: 1, queued: 1200 } }), "1 encode runs, 1,200 files wait"],
    [queue({ counts: { processing: 3, processed: 9 }, settling: 2 }), "3 encodes run, 2 files are arriving"],
    [queue({ counts: { processing: 2 }, paused_since: "1", frozen: true }), "2 encodes stand still"],
    [null, ""],
  ]) {
    assert.equal(summaryOf(given), expected);
  }
});

test("what makes work stand still is red, what does not is amber", () => {
  assert.equal(toneOf({ kind: "no_space" }), "failed");
  assert.equal(toneOf({ kind: "a new kind" }), "failed");
  assert.equal(toneOf({ kind: "no_tls" }), "waiting");
  assert.deepEqual(problemsOf(null), []);
});
