// Which chosen files are sent, refused or gone on with.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  asBegun,
  cleanPath,
  extensionOf,
  freeFor,
  isSameFile,
  markOf,
  modifiedOfMark,
  refusedInWords,
  sortOut,
  unfit,
  withNews,
} from "../../src/web/modules/views/add/wanted.js";

const size = (bytes) => `${bytes} B`;
const LIMITS = { extensions: ["mkv", "mp4"], maxBytes: 1000, freeBytes: null, size };
const file = (path, sizeBytes = 10, modifiedMs = 7) => ({ path, sizeBytes, modifiedMs });

test("what the service would refuse is refused before a byte is sent, with the reason", () => {
  for (const [path, sizeBytes, kind] of [
    ["a.mkv", 10, null],
    ["Season 1/a.MP4", 1000, null],
    ["a.mkv", 1001, "too-large"],
    ["a.mkv", 0, "empty"],
    ["a.srt", 10, "not-a-video"],
    ["mkv", 10, "not-a-video"],
    [".mkv", 10, "hidden"],
    [".hidden/a.mkv", 10, "hidden"],
    ["a.mkv.part", 10, "unfinished"],
    ["x.download/a.mkv", 10, "unfinished"],
    ["a.mkv~", 10, "unfinished"],
    ["a\u0007.mkv", 10, "name"],
    [`${"f/".repeat(16)}a.mkv`, 10, "name"],
    [`${"f/".repeat(15)}a.mkv`, 10, null],
    [`${"ü".repeat(128)}/a.mkv`, 10, "name"],
  ]) {
    assert.equal(unfit({ path, sizeBytes }, LIMITS)?.kind ?? null, kind, path);
  }
  assert.match(unfit(file("a.mkv", 1001), LIMITS).reason, /1001 B.*1000 B/);
});

test("what is not known here is left to the service", () => {
  const unknown = { extensions: null, maxBytes: null, size };
  assert.equal(unfit(file("a.xyz", Number.MAX_SAFE_INTEGER), unknown), null);
});

test("paths of browsers become paths below the folder", () => {
  for (const [path, expected] of [
    ["/a/b.mkv", "a/b.mkv"],
    ["a.mkv", "a.mkv"],
    ["../a.mkv", "a.mkv"],
    ["a//./b.mkv", "a/b.mkv"],
  ]) {
    assert.equal(cleanPath(path), expected);
  }
  assert.equal(extensionOf("a.b/c"), "");
  assert.equal(extensionOf("a.b/c.D"), "d");
});

test("a file is the one of an earlier upload by name, size and time of change", () => {
  const begun = file("x/a.mkv", 5, 9);
  assert.ok(isSameFile(begun, file("a.mkv", 5, 9)), "the folder around it may be chosen anew");
  for (const other of [file("b.mkv", 5, 9), file("a.mkv", 6, 9), file("a.mkv", 5, 8)]) {
    assert.ok(!isSameFile(begun, other));
  }
});

test("the service's list tells by the mark whose upload it is", () => {
  const mark = markOf(1700000000123, "f00d");
  assert.equal(modifiedOfMark(mark), 1700000000123);
  for (const other of [null, "", "nas-7", "page", "page.x.y", "page.12", "page.12."]) {
    assert.equal(modifiedOfMark(other), null, other);
  }
  const upload = { name: "a.mkv", length_bytes: 5, mark, state: "waiting" };
  assert.deepEqual(asBegun(upload), { path: "a.mkv", sizeBytes: 5, modifiedMs: 1700000000123 });
  assert.equal(asBegun({ ...upload, state: "receiving" }), null);
  assert.equal(asBegun({ ...upload, length_bytes: null }), null);
  assert.equal(asBegun({ ...upload, mark: null }), null);
});

test("chosen files go on, begin or are refused", () => {
  const rows = [
    { ...file("x/asleep.mkv"), resolution: 720, state: "asleep" },
    { ...file("here.mkv"), resolution: 720, state: "sending" },
    { ...file("done.mkv"), resolution: 720, state: "sent" },
  ];
  const upload = { id: "u", name: "there.mkv", length_bytes: 10, mark: markOf(7, "r"), state: "waiting" };
  const files = ["asleep.mkv", "here.mkv", "done.mkv", "there.mkv", "new.mkv", "new.mkv", "a.txt"].map((path) =>
    file(path),
  );
  const { again, found, fresh, refused } = sortOut(files, rows, [upload], 720, LIMITS);
  assert.deepEqual(
    again.map(({ row }) => row.path),
    ["x/asleep.mkv"],
  );
  assert.deepEqual(
    found.map((one) => [one.upload.id, one.file.path]),
    [["u", "there.mkv"]],
  );
  assert.deepEqual(
    fresh.map(({ path }) => path),
    ["done.mkv", "new.mkv"],
  );
  assert.deepEqual(
    refused.map(({ file: { path }, kind }) => [path, kind]),
    [
      ["here.mkv", "twice"],
      ["new.mkv", "twice"],
      ["a.txt", "not-a-video"],
    ],
  );
  const elsewhere = sortOut([file("here.mkv")], rows, [], 480, LIMITS);
  assert.equal(elsewhere.fresh.length, 1, "another folder is another place");
});

test("files are taken as long as there is room for all of them together", () => {
  const limits = { ...LIMITS, freeBytes: 25 };
  const { fresh, refused } = sortOut(
    [file("a.mkv"), file("b.mkv"), file("c.mkv"), file("d.mkv", 5)],
    [],
    [],
    720,
    limits,
  );
  assert.deepEqual(
    fresh.map(({ path }) => path),
    ["a.mkv", "b.mkv", "d.mkv"],
  );
  assert.deepEqual(
    refused.map(({ kind }) => kind),
    ["no-room"],
  );
});

test("free is what the disk has without what was promised to others on it", () => {
  const disks = [
    { folder: "conf", free_bytes: 1 },
    { folder: "input", free_bytes: 100 },
    { folder: "input/480", free_bytes: 50 },
  ];
  const uploads = [
    { resolution: 720, state: "waiting", length_bytes: 30, offset_bytes: 20 },
    { resolution: 1080, state: "receiving", length_bytes: 5, offset_bytes: 0 },
    { resolution: 720, state: "placed", length_bytes: 40, offset_bytes: 0 },
    { resolution: 480, state: "waiting", length_bytes: 9, offset_bytes: 0 },
    { resolution: 720, state: "receiving", length_bytes: null, offset_bytes: 7 },
  ];
  const row = (state, url, sizeBytes) => ({ resolution: 720, state, url, sizeBytes });
  const rows = [row("waiting", null, 3), row("sending", "/u", 1000), row("waiting", "/u", 1000)];
  assert.equal(freeFor(720, disks, uploads, rows), 100 - 10 - 5 - 3);
  assert.equal(freeFor(480, disks, uploads, rows), 41);
  assert.equal(freeFor(720, [], uploads, rows), null);
});

test("news of an upload change the list", () => {
  const list = [
    { id: "a", offset_bytes: 1 },
    { id: "b", offset_bytes: 2 },
  ];
  assert.deepEqual(withNews(list, { id: "a", upload: { id: "a", offset_bytes: 5 } }), [
    { id: "a", offset_bytes: 5 },
    list[1],
  ]);
  assert.deepEqual(
    withNews(list, { id: "c", upload: { id: "c" } }).map(({ id }) => id),
    ["a", "b", "c"],
  );
  assert.deepEqual(withNews(list, { id: "b", upload: null }), [list[0]]);
  assert.deepEqual(withNews(list, { id: "x", upload: null }), list);
});

test("two of one name in one upload list of the service are gone on with one each", () => {
  const upload = (id) => ({ id, name: "a.mkv", length_bytes: 10, mark: markOf(7, id), state: "waiting" });
  const { found, refused } = sortOut([file("a.mkv"), file("x/a.mkv")], [], [upload("u"), upload("v")], 720, LIMITS);
  assert.deepEqual(
    found.map((one) => one.upload.id),
    ["u", "v"],
  );
  assert.equal(refused.length, 0);
});

test("many refused files are told in one sentence", () => {
  const refused = [
    { file: file("a.jpg"), kind: "not-a-video" },
    { file: file("b.srt"), kind: "not-a-video" },
    { file: file("c"), kind: "not-a-video" },
    { file: file("d.mkv"), kind: "too-large" },
  ];
  assert.equal(refusedInWords(refused), "3 are not videos (jpg, no ending, srt), 1 is too large");
  assert.equal(refusedInWords([]), "");
});
