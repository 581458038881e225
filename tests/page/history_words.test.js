// What was saved, in words.

import assert from "node:assert/strict";
import test from "node:test";

import { besides, inPercent, inWords } from "../../src/web/modules/views/history/words.js";

const sum = (files, before, after) => ({
  files,
  before_bytes: before,
  after_bytes: after,
  saved_bytes: before - after,
});
const plain = (text) => text.replaceAll("\u00a0", " ");

test("savings are told in words", () => {
  for (const [given, expected] of [
    [sum(8231, 12.4e12, 5.1e12), "12.4 TB became 5.1 TB: 7.3 TB saved in 8,231 files"],
    [sum(1, 10e9, 12e9), "10.0 GB became 12.0 GB: 2.0 GB more in 1 file"],
    [sum(0, 0, 0), "nothing compressed"],
  ]) {
    assert.equal(plain(inWords(given)), expected);
  }
  assert.equal(plain(inPercent(sum(1, 100, 38))), "−62 %");
});

test("what was not compressed is told beside it, and nothing where there is nothing", () => {
  assert.equal(besides({ skipped: 1, failed: 0, cancelled: 1234 }), "1 left as it is, 1,234 cancelled");
  assert.equal(besides({ skipped: 2, failed: 3, cancelled: 0 }), "2 left as they are, 3 failed");
  assert.equal(besides({ skipped: 0, failed: 0, cancelled: 0 }), "");
});
