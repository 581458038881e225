// How numbers, times, names and states are put into words.

import assert from "node:assert/strict";
import test from "node:test";

import * as format from "../../src/web/modules/lib/format.js";

const plain = (text) => text.replaceAll("\u00a0", " ");

const table = (name, rows) =>
  test(name, () => {
    for (const [found, expected] of rows) assert.equal(plain(found), expected);
  });

table("a size has three digits at most, and the unit that people would choose", [
  [format.bytes(0), "0 B"],
  [format.bytes(999), "999 B"],
  [format.bytes(1000), "1.0 kB"],
  [format.bytes(999_499), "999 kB"],
  [format.bytes(999_500), "1.0 MB"],
  [format.bytes(1_100_000_000), "1.1 GB"],
  [format.bytes(99_940_000_000), "99.9 GB"],
  [format.bytes(99_960_000_000), "100 GB"],
  [format.bytes(-2_500_000), "−2.5 MB"],
  [format.bytes(3e18), "3000 PB"],
  [format.bytes(null), "–"],
  [format.bytes(undefined), "–"],
  [format.bytes(Number.NaN), "–"],
  [format.rate(12_000_000), "12.0 MB/s"],
  [format.rate(null), "–"],
]);

table("a duration has two units at most", [
  [format.duration(0), "0 s"],
  [format.duration(59.4), "59 s"],
  [format.duration(59.6), "1 min"],
  [format.duration(2280), "38 min"],
  [format.duration(3599), "1 h 00 min"],
  [format.duration(9000), "2 h 30 min"],
  [format.duration(86_399), "1 d 0 h"],
  [format.duration(277_200), "3 d 5 h"],
  [format.duration(-5), "0 s"],
  [format.duration(Infinity), "–"],
  [format.timecode(65), "01:05"],
  [format.timecode(3725.9), "1:02:05"],
]);

table("parts, speeds and counts", [
  [format.percent(62.4), "62 %"],
  [format.percent(99.96, 1), "100.0 %"],
  [format.percent(null), "–"],
  [format.change(100, 38), "−62 %"],
  [format.change(100, 100), "0 %"],
  [format.change(100, 112), "+12 %"],
  [format.change(0, 38), "–"],
  [format.change(100, null), "–"],
  [format.fps(34.2), "34 fps"],
  [format.fps(2.24), "2.2 fps"],
  [format.speed(1.42), "1.4×"],
  [format.speed(0.052), "0.05×"],
  [format.speed(12.3), "12×"],
  [format.count(0), "0"],
  [format.count(999), "999"],
  [format.count(12_345), "12,345"],
  [format.count(-1_234_567_890), "-1,234,567,890"],
  [format.count(null), format.UNKNOWN],
  [format.counted(1, "file"), "1 file"],
  [format.counted(1200, "entry", "entries"), "1,200 entries"],
]);

const NOW = new Date(2026, 10, 22, 14, 3, 11).getTime();
const ago = (seconds) => NOW - seconds * 1000;

table("a moment is told as seen from now, and in full where that is not enough", [
  [format.when(ago(10), NOW).text, "just now"],
  [format.when(ago(300), NOW).text, "5 min ago"],
  [format.when(ago(2 * 3600), NOW).text, "2 h ago"],
  [format.when(ago(25 * 3600), NOW).text, "21 Nov, 13:03"],
  [format.when(ago(-600), NOW).text, "in 10 min"],
  [format.when(ago(300), NOW).title, "22 Nov 2026, 13:58:11"],
  [format.when("no date", NOW).text, "–"],
  [format.clock(ago(60), NOW), "14:02"],
  [format.clock(null, NOW), "–"],
  [format.day(new Date(2025, 0, 5), NOW), "5 Jan 2025"],
]);

test("a path is taken apart into the folder that counts, the folders below it, and the name", () => {
  for (const [path, expected] of [
    ["720/Show/Season 1/1.mkv", { root: "720", folder: "Show/Season 1", name: "1.mkv" }],
    ["720/1.mkv", { root: "720", folder: "", name: "1.mkv" }],
    ["1.mkv", { root: "", folder: "", name: "1.mkv" }],
    ["", { root: "", folder: "", name: "" }],
  ]) {
    assert.deepEqual(format.pathParts(path), expected);
  }
});

test("what cannot be seen in a name is made visible, and what looks like HTML stays as it is", () => {
  assert.equal(format.shownPath("a\u202egnp.exe"), "a\ufffdgnp.exe");
  assert.equal(format.shownPath("a\nb\u0000c\u200bd\ufeff"), "a\ufffdb\ufffdc\ufffdd\ufffd");
  assert.equal(format.shownPath("<img src=x>&amp;"), "<img src=x>&amp;");
  assert.equal(format.shownPath("Ünïcödé 日本 עברית"), "Ünïcödé 日本 עברית");
  assert.equal(format.shownPath(null), "");
});

test("every status has words and a tone, and one that is not known is shown as it is", () => {
  for (const status of format.STATUS_NAMES) {
    const { text, tone } = format.status({ status });
    assert.match(text, /^[A-Z][a-z ]+$/);
    assert.ok(["quiet", "running", "waiting", "done", "failed"].includes(tone), status);
  }
  assert.deepEqual(format.status({ status: "new_one" }), { text: "new_one", tone: "quiet" });
  assert.equal(format.status({ status: "processing", frozen: true }).tone, "waiting");
  assert.equal(format.status({ status: "queued", waiting_for: "space" }).text, "Waits for room on the disk");
  assert.equal(format.status({ status: "queued", waiting_for: "task 12" }).text, "Waits for its twin");
});

table("a stage is a sentence's beginning", [
  [format.stage("encoding"), "Encoding"],
  [format.stage("joining the chunks of"), "Joining the chunks"],
  [format.stage("measuring the quality of"), "Measuring the quality"],
  [format.stage("trying CRF 24.5 for"), "Trying CRF 24.5"],
  [format.stage(""), "Beginning"],
  [format.stage(null), "Beginning"],
]);

table("what the service says is a sentence, and what it names stays as it is", [
  [format.sentence("too many attempts; wait a moment"), "Too many attempts; wait a moment."],
  [format.sentence("Already one."), "Already one."],
  [format.sentence("sweep_seconds = 0: allowed is 1 to 9"), "sweep_seconds = 0: allowed is 1 to 9."],
  [format.sentence("limit = 0: allowed is 1"), "limit = 0: allowed is 1."],
  [format.sentence("conf/setup-token is gone"), "conf/setup-token is gone."],
  [format.sentence(""), ""],
  [format.sentence(null), ""],
]);
