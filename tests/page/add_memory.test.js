// What is remembered of files that are sent.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createMemory, forgottenElsewhere } from "../../src/web/modules/views/add/memory.js";
import { newRow } from "../../src/web/modules/views/add/outbox.js";

/** As local storage, which counts what is written. */
class Storage {
  constructor(lines = {}) {
    Object.assign(this, lines);
    Object.defineProperty(this, "writes", { value: 0, writable: true });
  }

  getItem(key) {
    return this[key] ?? null;
  }

  setItem(key, text) {
    this.writes += 1;
    this[key] = text;
  }

  removeItem(key) {
    delete this[key];
  }
}

const row = (id, state = "sending") => ({
  ...newRow(
    id,
    { path: `${id}.mkv`, sizeBytes: 5, modifiedMs: 1 },
    { resolution: 720, profile: null, priority: 0 },
    `page.1.${id}`,
  ),
  state,
});

test("what is not done is there at the next visit, in the order of its names", () => {
  const storage = new Storage({ "was-here": "yes" });
  createMemory(storage).save([row("b"), row("a 10"), row("a 9"), row("c", "sent")]);
  assert.deepEqual(
    createMemory(storage)
      .recall()
      .map(({ path, state }) => [path, state]),
    [
      ["a 9.mkv", "asleep"],
      ["a 10.mkv", "asleep"],
      ["b.mkv", "asleep"],
    ],
  );
  assert.equal(storage["was-here"], "yes");
});

test("only what has changed is written", () => {
  const storage = new Storage();
  const memory = createMemory(storage);
  memory.save([row("a"), row("b")]);
  memory.save([row("a"), row("b")]);
  assert.equal(storage.writes, 2);
  memory.save([row("a"), { ...row("b"), sentBytes: 3 }]);
  assert.equal(storage.writes, 3);
  memory.save([row("a", "sent")]);
  assert.deepEqual(Object.keys(storage), []);
});

test("a tab leaves alone what another one remembers", () => {
  const storage = new Storage();
  const [first, second] = [createMemory(storage), createMemory(storage)];
  first.save([row("a")]);
  second.save([row("b")]);
  second.save([]);
  assert.deepEqual(Object.keys(storage), ["upload.a"]);
  assert.equal(second.recall().length, 1);
  second.leave(["a"]);
  second.save([]);
  assert.deepEqual(Object.keys(storage), ["upload.a"]);
});

test("storage that is damaged, full or forbidden costs only the memory", () => {
  const damaged = new Storage({ "upload.x": "{", "upload.y": "null" });
  assert.deepEqual(createMemory(damaged).recall(), []);
  const refuse = () => {
    throw new Error("refused");
  };
  const full = Object.assign(Object.create({ setItem: refuse }), {});
  createMemory(full).save([row("a")]);
  const forbidden = new Proxy({}, { ownKeys: refuse });
  assert.deepEqual(createMemory(forbidden).recall(), []);
});

test("what another tab has finished is told by its line that goes away", () => {
  assert.equal(forgottenElsewhere({ key: "upload.a", newValue: null }), "a");
  assert.equal(forgottenElsewhere({ key: "upload.a", newValue: "{}" }), null);
  assert.equal(forgottenElsewhere({ key: "theme", newValue: null }), null);
  assert.equal(forgottenElsewhere({ key: null, newValue: null }), null);
});
