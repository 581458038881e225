// The geometry and the time axis of the history's charts.

import assert from "node:assert/strict";
import test from "node:test";

import { labelled, linear, parts, standingBars, ticks } from "../../src/web/modules/views/history/scale.js";
import {
  dayIn,
  daysUntil,
  filled,
  fromFirst,
  largestFolders,
  longDay,
  longWeek,
  mondayOf,
  sumOf,
  weekOf,
  weeksUntil,
} from "../../src/web/modules/views/history/periods.js";

test("ticks are few round numbers from nothing to beyond the highest", () => {
  for (const [highest, most, expected] of [
    [0, 4, [0, 1]],
    [Number.NaN, 4, [0, 1]],
    [4, 4, [0, 1, 2, 3, 4]],
    [7, 4, [0, 2, 4, 6, 8]],
    [11, 4, [0, 5, 10, 15]],
    [95, 5, [0, 20, 40, 60, 80, 100]],
    [1, 1, [0, 1]],
  ]) {
    assert.deepEqual(ticks(highest, most), expected, `to ${highest}`);
  }
  for (let highest = 1; highest < 1e15; highest *= 1.7) {
    const found = ticks(highest, 4);
    assert.ok(found.at(-1) >= highest && found.length <= 5 && found.length >= 2, `to ${highest}: ${found}`);
    assert.ok(found.at(-1) < highest * 2.5, `to ${highest}: ${found}`);
  }
});

test("lengths are in proportion, and nothing is long in a chart of nothing", () => {
  assert.equal(linear(200, 100)(50), 25);
  assert.equal(linear(0, 100)(50), 0);
});

test("bytes are left, saved or grown", () => {
  assert.deepEqual(parts({ before_bytes: 10, after_bytes: 4 }), { left: 4, saved: 6, grown: 0 });
  assert.deepEqual(parts({ before_bytes: 10, after_bytes: 12 }), { left: 10, saved: 0, grown: 2 });
});

test("bars stand beside each other on the foot of the chart and none is higher than it", () => {
  const sums = [
    { before_bytes: 100, after_bytes: 40 },
    { before_bytes: 0, after_bytes: 0 },
    { before_bytes: 50, after_bytes: 60 },
  ];
  const bars = standingBars(sums, { width: 90, height: 50, highest: 100 });
  assert.deepEqual(bars[0].left, { y: 30, height: 20 });
  assert.deepEqual(bars[0].saved, { y: 0, height: 30 });
  assert.deepEqual(bars[2].grown, { y: 20, height: 5 });
  for (const [number, bar] of bars.entries()) {
    assert.ok(bar.x >= number * 30 && bar.x + bar.width <= (number + 1) * 30);
    assert.equal(bar.left.y + bar.left.height, 50);
    assert.ok(bar.saved.y >= 0 && bar.grown.y >= 0);
  }
  assert.deepEqual(standingBars([], { width: 90, height: 50, highest: 0 }), []);
});

test("labels of a time axis do not touch, and the last bar has one", () => {
  assert.deepEqual(labelled(5, 500, 50), [0, 1, 2, 3, 4]);
  assert.deepEqual(labelled(30, 300, 50), [4, 9, 14, 19, 24, 29]);
  assert.deepEqual(labelled(0, 300, 50), []);
  assert.deepEqual(labelled(1, 0, 50), [0]);
});

test("days and weeks run without gaps over the ends of months and years", () => {
  assert.deepEqual(daysUntil("2026-03-01", 3), ["2026-02-27", "2026-02-28", "2026-03-01"]);
  assert.deepEqual(daysUntil("2024-03-01", 2), ["2024-02-29", "2024-03-01"]);
  assert.deepEqual(weeksUntil("2026-01-02", 3), ["2025-W51", "2025-W52", "2026-W01"]);
});

test("weeks are those of ISO 8601", () => {
  for (const [day, week, monday] of [
    ["2026-11-22", "2026-W47", "2026-11-16"],
    ["2026-11-23", "2026-W48", "2026-11-23"],
    ["2027-01-01", "2026-W53", "2026-12-28"],
    ["2024-12-30", "2025-W01", "2024-12-30"],
    ["2021-01-03", "2020-W53", "2020-12-28"],
  ]) {
    assert.deepEqual([weekOf(day), mondayOf(week)], [week, monday], day);
  }
  for (const day of daysUntil("2031-01-10", 3000)) {
    assert.ok(mondayOf(weekOf(day)) <= day && daysUntil(day, 7)[0] <= mondayOf(weekOf(day)), day);
  }
});

test("a day without anything is a row of zeros", () => {
  const rows = filled([{ day: "2026-11-21", files: 2, saved_bytes: 5 }], daysUntil("2026-11-22", 2), "day");
  assert.deepEqual(
    rows.map(({ day, files, saved_bytes }) => [day, files, saved_bytes]),
    [
      ["2026-11-21", 2, 5],
      ["2026-11-22", 0, 0],
    ],
  );
});

test("a time axis begins with the first file, and is never too short to be one", () => {
  const rows = [0, 0, 0, 2, 0, 1].map((files, at) => ({ files, at }));
  const begins = (given, least) => fromFirst(given, least)[0].at;
  assert.deepEqual([begins(rows, 1), begins(rows, 4), begins(rows, 99), begins(rows.slice(0, 3), 2)], [3, 2, 0, 1]);
  assert.deepEqual(fromFirst([], 4), []);
});

test("folders that saved most come first, and the others are told together", () => {
  const rows = [1, 5, 3, -2].map((saved) => ({ folder: `720/${saved}`, files: 1, saved_bytes: saved }));
  const shown = largestFolders(rows, 2);
  assert.deepEqual(
    shown.map(({ folder, saved_bytes, files }) => [folder, saved_bytes, files]),
    [
      ["720/5", 5, 1],
      ["720/3", 3, 1],
      [null, -1, 2],
    ],
  );
  assert.equal(largestFolders(rows, 4).length, 4);
  assert.equal(sumOf([]).files, 0);
});

test("a moment's day is that of the service, and of the browser where its zone is unknown", () => {
  const moment = new Date("2026-11-22T23:30:00Z");
  assert.equal(dayIn(moment, "UTC"), "2026-11-22");
  assert.equal(dayIn(moment, "Asia/Tokyo"), "2026-11-23");
  assert.match(dayIn(moment, "Nowhere/Land"), /^2026-11-2[23]$/);
  assert.match(dayIn(moment, null), /^2026-11-2[23]$/);
});

test("days and weeks are told in words", () => {
  assert.equal(longDay("2026-11-22"), "Sun 22 Nov 2026");
  assert.equal(longWeek("2026-W47"), "Week 47 of 2026, from 16 Nov");
});
