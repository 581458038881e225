// What keys do while the focus is on a row of the queue.

import assert from "node:assert/strict";
import test from "node:test";

import { commandOf, gapAfter, rowAfter, stays } from "../../src/web/modules/views/queue/keys.js";

test("keys go, choose, move and act, and keys of the browser are left alone", () => {
  for (const [press, expected] of [
    [{ key: "ArrowDown" }, { kind: "go", to: "down", extends: false }],
    [
      { key: "ArrowUp", shiftKey: true },
      { kind: "go", to: "up", extends: true },
    ],
    [{ key: "End" }, { kind: "go", to: "last", extends: false }],
    [
      { key: "ArrowUp", altKey: true },
      { kind: "move", to: "up" },
    ],
    [
      { key: "Home", altKey: true },
      { kind: "move", to: "top" },
    ],
    [{ key: "ArrowLeft", altKey: true }, null],
    [{ key: "a", ctrlKey: true }, { kind: "chooseAll" }],
    [{ key: "a", metaKey: true }, { kind: "chooseAll" }],
    [{ key: "r", ctrlKey: true }, null],
    [{ key: "x" }, { kind: "choose" }],
    [{ key: "X", shiftKey: true }, null],
    [{ key: "F10", shiftKey: true }, { kind: "menu" }],
    [{ key: "F10" }, null],
    [{ key: "ContextMenu" }, { kind: "menu" }],
    [{ key: " " }, { kind: "pause" }],
    [{ key: "Tab" }, null],
  ]) {
    const given = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, ...press };
    assert.deepEqual(commandOf(given), expected, JSON.stringify(press));
  }
});

test("one goes no further than the first and the last row", () => {
  for (const [to, row, expected] of [
    ["up", 0, 0],
    ["down", 99, 99],
    ["down", 5, 6],
    ["pageDown", 50, 70],
    ["pageDown", 95, 99],
    ["pageUp", 5, 0],
    ["first", 50, 0],
    ["last", 50, 99],
  ]) {
    assert.equal(rowAfter(to, row, 100, 20), expected, `${to} from ${row}`);
  }
});

test("rows are moved by one, or to an end of what waits, and never before what is encoded already", () => {
  for (const [to, rows, expected] of [
    ["up", [5], 4],
    ["down", [5], 7],
    ["up", [2], 2],
    ["top", [50], 2],
    ["end", [50], 100],
    ["down", [99], 100],
    ["up", [7, 5], 4],
    ["down", [7, 5], 9],
  ]) {
    assert.equal(gapAfter(to, rows, 2, 100), expected, `${to} of ${rows}`);
  }
});

test("rows stay where they are when they stand together beside the gap", () => {
  for (const [rows, gap, expected] of [
    [[5], 5, true],
    [[5], 6, true],
    [[5], 4, false],
    [[5, 6], 6, true],
    [[5, 7], 6, false],
    [[6, 5], 7, true],
    [[5, -1], 5, false],
  ]) {
    assert.equal(stays(rows, gap), expected, `${rows} to ${gap}`);
  }
});
