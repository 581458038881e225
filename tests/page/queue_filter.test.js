// Which tasks the queue and the history show, by the page's address.

import assert from "node:assert/strict";
import test from "node:test";

import {
  addressOf,
  countIn,
  filterOf,
  HISTORY_TABS,
  inTab,
  isNarrowed,
  QUEUE_TABS,
  shows,
  whichTasks,
} from "../../src/web/modules/views/queue/filter.js";

const filter = (search) => filterOf(search, QUEUE_TABS);
const task = (status, path, resolution = 720) => ({ id: "t1", status, path, resolution });

test("an address gives a filter, and what makes no sense in it is left out", () => {
  for (const [search, tab, sort, height, text] of [
    ["", "todo", "turn", null, ""],
    ["?show=failed", "failed", "-ended", null, ""],
    ["?show=failed&sort=path&height=720&q=a%26b", "failed", "path", 720, "a&b"],
    ["?show=nothing&sort=colour&height=-1", "todo", "turn", null, ""],
    ["?height=720x", "todo", "turn", null, ""],
  ]) {
    const found = filter(search);
    assert.deepEqual([found.tab.key, found.sort, found.height, found.text], [tab, sort, height, text], search);
  }
});

test("the address of a filter gives the same filter again, and is short where nothing is chosen", () => {
  for (const tab of QUEUE_TABS) {
    for (const height of [null, 480]) {
      for (const text of ["", "50 % & more", "映画"]) {
        for (const sort of [tab.sort, "size"]) {
          const given = { tab, sort, height, folder: "720/a b", text };
          const address = addressOf("/queue", given, QUEUE_TABS);
          assert.deepEqual(filter(new URL(address, "http://here").search), given, address);
        }
      }
    }
  }
  assert.equal(addressOf("/queue", filter(""), QUEUE_TABS), "/queue");
  assert.equal(addressOf("/history", filterOf("?show=all", HISTORY_TABS), HISTORY_TABS), "/history");
});

test("another tab has its own order and keeps what was searched for", () => {
  const found = inTab(filter("?q=show&sort=path"), QUEUE_TABS[1]);
  assert.deepEqual([found.tab.key, found.sort, found.text], ["failed", "-ended", "show"]);
});

test("the service is asked for what the filter shows", () => {
  assert.deepEqual(whichTasks(filter("")), { status: "processing,queued" });
  assert.deepEqual(whichTasks(filter("?show=all&q=%20")), {});
  assert.deepEqual(whichTasks(filter("?show=cancelled&height=480&folder=480/a&q=b")), {
    status: "cancelled",
    resolution: 480,
    folder: "480/a",
    q: "b",
  });
  assert.equal(isNarrowed(filter("?show=failed&q=%20")), false);
  for (const search of ["?q=a", "?height=480", "?folder=480/a"]) assert.ok(isNarrowed(filter(search)), search);
});

test("a task is shown by status, resolution, folder and any part of its path in any case", () => {
  for (const [search, given, expected] of [
    ["", task("queued", "720/a.mkv"), true],
    ["", task("failed", "720/a.mkv"), false],
    ["?show=all", task("strange", "720/a.mkv"), true],
    ["?height=480", task("queued", "720/a.mkv"), false],
    ["?q=FILM", task("queued", "720/My film.mkv"), true],
    ["?q=series", task("queued", "720/My film.mkv"), false],
    ["?folder=720/Films", task("queued", "720/Films/a.mkv"), true],
    ["?folder=720/Films", task("queued", "720/Films of old/a.mkv"), false],
  ]) {
    assert.equal(shows(filter(search), given), expected, `${search} ${given.path}`);
  }
});

test("tabs count what the queue has of their statuses", () => {
  const counts = { queued: 7, processing: 2, failed: 1, error_exception: 3, processed: 10, strange: 1 };
  assert.deepEqual(
    QUEUE_TABS.map((tab) => countIn(tab, counts)),
    [9, 4, 10, 0, 24],
  );
});
