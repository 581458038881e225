// Pages of a long list are fetched when they are seen, given up when they are not, and fetched anew when they change.

import assert from "node:assert/strict";
import test from "node:test";

import { filterOf, QUEUE_TABS } from "../../src/web/modules/views/queue/filter.js";
import { rowOf, taskAt } from "../../src/web/modules/views/queue/pages.js";
import { createSource } from "../../src/web/modules/views/queue/source.js";

/** A source, a service of `total` tasks that answers when told to, and a clock that stands still until told. */
function scene(total) {
  const asked = [];
  const timers = [];
  let nowMs = 1_000_000;
  const service = { total };
  const fetchPage = (filter, { offset, limit }, signal) =>
    new Promise((resolve, reject) => {
      const rows = Math.max(0, Math.min(limit, service.total - offset));
      const answer = () => {
        const tasks = Array.from({ length: rows }, (_, at) => ({
          id: `t${offset + at}`,
          path: `720/${offset + at}`,
          status: "failed",
          ended: "1",
        }));
        resolve({ tasks, total: service.total });
      };
      asked.push({ filter, offset, signal, answer, fail: (problem) => reject(problem) });
      signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
    });
  const clock = {
    now: () => nowMs,
    wait: (run, ms) => timers.push({ run, at: nowMs + ms }),
    cancel: () => timers.splice(0),
  };
  const source = createSource(fetchPage, clock);
  const pass = (ms) => {
    nowMs += ms;
    for (const timer of timers.splice(0)) timer.at <= nowMs ? timer.run() : timers.push(timer);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const open = () => asked.filter(({ signal, isDone }) => !signal?.aborted && !isDone);
  const answerAll = async () => {
    while (open().length > 0) {
      for (const request of open()) {
        request.isDone = true;
        request.answer();
      }
      await settle();
    }
  };
  const offsets = () => open().map(({ offset }) => offset);
  return { source, service, asked, open, offsets, answerAll, pass, settle };
}

const filter = (query) => filterOf(query, QUEUE_TABS);
const failed = filter({ show: "failed" });

test("the first page is fetched, then those around what is seen, and no more than three at once", async () => {
  const { source, offsets, answerAll } = scene(100_000);
  source.show(failed);
  assert.deepEqual(offsets(), [0]);
  await answerAll();
  source.see({ first: 50_000, end: 50_030 });
  assert.deepEqual(offsets(), [50_000, 50_100, 49_900]);
  source.see({ first: 50_080, end: 50_110 });
  assert.deepEqual(offsets(), [50_000, 50_100, 49_900]);
  await answerAll();
  assert.equal(taskAt(source.store.get().list, 50_105).id, "t50105");
  assert.equal(taskAt(source.store.get().list, 0), null, "far pages are dropped");
});

test("requests for what is not seen any more are given up", async () => {
  const { source, offsets, answerAll } = scene(100_000);
  source.show(failed);
  await answerAll();
  source.see({ first: 50_000, end: 50_030 });
  source.see({ first: 90_000, end: 90_030 });
  assert.deepEqual(offsets(), [90_000, 90_100, 89_900]);
});

test("another filter gives up the former request, and its rows are shown until the new ones are there", async () => {
  const { source, offsets, open, answerAll, service } = scene(1000);
  source.show(failed);
  await answerAll();
  source.show(filter({ show: "failed", q: "a" }));
  source.show(filter({ show: "failed", q: "ab" }));
  assert.deepEqual(offsets(), [0]);
  assert.equal(open()[0].filter.text, "ab");
  assert.equal(source.store.get().isOld, true);
  assert.equal(taskAt(source.store.get().list, 0).id, "t0");
  service.total = 3;
  await answerAll();
  const { isOld, list } = source.store.get();
  assert.deepEqual([isOld, list.total, list.pages.size], [false, 3, 1]);
});

test("a task that changes in its row changes at once, without a request", async () => {
  const { source, offsets, answerAll, pass } = scene(1000);
  source.show(failed);
  await answerAll();
  source.taskChanged({ id: "t7", path: "720/7", status: "failed", ended: "1", error: "no video" });
  assert.equal(taskAt(source.store.get().list, 7).error, "no video");
  pass(1000);
  assert.deepEqual(offsets(), []);
});

test("changes of order of one moment are one request for what is seen, and those that follow wait for a while", async () => {
  const { source, offsets, answerAll, pass } = scene(1000);
  source.show(failed);
  await answerAll();
  source.see({ first: 300, end: 330 });
  await answerAll();
  for (let number = 0; number < 50; number += 1) {
    source.taskChanged({ id: `t${number}`, path: "720/a", status: "queued", ended: null });
  }
  assert.deepEqual(offsets(), []);
  pass(40);
  assert.deepEqual(offsets(), [300, 400, 200]);
  assert.equal(rowOf(source.store.get().list, "t310"), 310, "what is stale is shown");
  await answerAll();
  source.changed();
  pass(40);
  assert.deepEqual(offsets(), []);
  pass(500);
  assert.deepEqual(offsets(), [300, 400, 200]);
});

test("an answer that was asked for before a change is fetched once more", async () => {
  const { source, asked, offsets, answerAll, pass, settle } = scene(50);
  source.show(failed);
  await answerAll();
  source.changed();
  pass(40);
  source.changed();
  asked.at(-1).isDone = true;
  asked.at(-1).answer();
  await settle();
  assert.deepEqual(offsets(), [0]);
});

test("what was moved stays where it was put, whatever answer was asked for before the service knew of it", async () => {
  const { source, open, answerAll, offsets, pass, settle } = scene(100);
  const order = () => [0, 1].map((row) => taskAt(source.store.get().list, row).id);
  source.show(failed);
  await answerAll();
  source.changed();
  pass(1000);
  const [before] = open();
  assert.ok(source.moved(["t1"], 0));
  before.isDone = true;
  before.answer();
  await settle();
  assert.deepEqual(order(), ["t1", "t0"], "asked for before the move");
  source.changed();
  pass(1000);
  assert.deepEqual(offsets(), [], "nothing is asked for while the service does not know of it");
  source.moveAnswered();
  pass(1000);
  await answerAll();
  assert.deepEqual(order(), ["t0", "t1"], "as the service has it");
});

test("a request that failed says why, is not repeated by itself, and is when somebody asks", async () => {
  const { source, asked, offsets, answerAll, settle } = scene(1000);
  source.show(failed);
  await answerAll();
  source.see({ first: 500, end: 530 });
  for (const request of asked.slice(-3)) {
    request.isDone = true;
    request.fail(new Error("the service does not answer"));
  }
  await settle();
  assert.equal(source.store.get().problem.message, "the service does not answer");
  source.see({ first: 501, end: 531 });
  assert.deepEqual(offsets(), []);
  source.again();
  await answerAll();
  assert.equal(source.store.get().problem, null);
  assert.equal(taskAt(source.store.get().list, 505).id, "t505");
});

test("an empty list is asked for once, and again when something changes", async () => {
  const { source, asked, answerAll, pass, service } = scene(0);
  source.show(failed);
  await answerAll();
  assert.deepEqual([asked.length, source.store.get().list.total], [1, 0]);
  source.changed();
  pass(40);
  await answerAll();
  assert.deepEqual([asked.length, source.store.get().list.total], [2, 0]);
  service.total = 1;
  source.changed();
  pass(1000);
  await answerAll();
  assert.equal(source.store.get().list.total, 1);
});

test("the tasks of a range are those that are known, or all read at once in large pages", async () => {
  const { source, asked, answerAll } = scene(100_000);
  source.show(failed);
  await answerAll();
  assert.equal((await source.tasksOf({ first: 3, end: 7 })).length, 4);
  assert.equal(asked.length, 2, "the first page and the one after it");
  const range = source.tasksOf({ first: 50, end: 1250 });
  await answerAll();
  const tasks = await range;
  assert.deepEqual([tasks.length, tasks[0].id, tasks.at(-1).id], [1200, "t50", "t1249"]);
  assert.equal(asked.length, 2 + 3);
});
