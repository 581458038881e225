// The log, and users, keys and sessions, on the settings page.

import assert from "node:assert/strict";
import test from "node:test";

import { asText, logQuery, withNewest } from "../../src/web/modules/views/settings/lib/log.js";
import {
  deviceOf,
  expiryAfter,
  keyState,
  passwordProblem,
  rolesUpTo,
  sectionAt,
  sectionsFor,
  sessionsInOrder,
} from "../../src/web/modules/views/settings/lib/people.js";

const entries = (...numbers) =>
  numbers.map((number) => ({ time: `2026-11-22T10:00:0${number}Z`, level: "info", message: `line ${number}` }));

test("a newer page of the log goes above what is shown, each entry once", () => {
  const cases = [
    [[], [3, 2], [3, 2], true],
    [[2, 1], [3, 2, 1], [3, 2, 1], true],
    [[2, 1], [2, 1], [2, 1], true],
    [[2, 1], [], [2, 1], true],
    // The newest page ends before what is shown does, or reaches further down.
    [[3, 2, 1], [4, 3], [4, 3, 2, 1], true],
    [[2], [3, 2, 1], [3, 2], true],
    // Twice the same line.
    [[1, 1], [2, 1, 1], [2, 1, 1], true],
    // More came than one page holds.
    [[2, 1], [6, 5], [6, 5], false],
  ];
  for (const [shown, newest, together, isWhole] of cases) {
    assert.deepEqual(withNewest(entries(...shown), entries(...newest)), { entries: entries(...together), isWhole });
  }
});

test("the log is asked for what is wanted, and copied as it stands in the file", () => {
  assert.deepEqual(logQuery({ level: "warn", text: " " }), { lines: 200, level: "warn" });
  assert.deepEqual(logQuery({ level: "info", text: "ffmpeg" }, "2026-11-22:5"), {
    lines: 200,
    level: "info",
    q: "ffmpeg",
    before: "2026-11-22:5",
  });
  assert.equal(asText(entries(2, 1)), "2026-11-22T10:00:01Z  INFO line 1\n2026-11-22T10:00:02Z  INFO line 2");
});

test("everybody sees the sections that are theirs, and lands on one of them", () => {
  assert.deepEqual(
    sectionsFor("viewer").map((section) => section.title),
    ["Account and keys", "Sessions", "About"],
  );
  assert.equal(sectionsFor("admin").length, 7);
  assert.equal(sectionAt("/settings", "operator").path, "/settings/people");
  assert.equal(sectionAt("/settings/log", "operator").path, "/settings/people");
  assert.equal(sectionAt("/settings/account", "admin").path, "/settings/people");
  assert.equal(sectionAt("/settings/log/", "admin").path, "/settings/log");
  assert.equal(sectionAt("/settings/nothing", "admin").path, "/settings");
});

test("keys may do no more than who makes them, and expire when they are to", () => {
  assert.deepEqual(
    rolesUpTo("operator").map(({ role }) => role),
    ["viewer", "operator"],
  );
  const now = new Date("2026-11-22T10:00:00Z");
  assert.equal(expiryAfter(30, now), "2026-12-22T10:00:00.000Z");
  assert.equal(expiryAfter(null, now), null);
  assert.equal(keyState({ expires: null }, now), "lasting");
  assert.equal(keyState({ expires: "2026-11-22T09:59:59Z" }, now), "expired");
  assert.equal(keyState({ expires: "2026-11-23T00:00:00Z" }, now), "expiring");
});

test("sessions say on which device they are, one's own first", () => {
  for (const [agent, device] of [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari on iPhone"],
    ["Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"],
    ["Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"],
    ["", "Unknown device"],
    ["a thing", "a thing"],
  ]) {
    assert.equal(deviceOf(agent), device);
  }
  const sessions = [
    { id: "a", current: false, last_used: "2026-11-22T10:00:00Z" },
    { id: "b", current: true, last_used: "2026-11-21T10:00:00Z" },
    { id: "c", current: false, last_used: "2026-11-22T11:00:00Z" },
  ];
  assert.deepEqual(
    sessionsInOrder(sessions).map(({ id }) => id),
    ["b", "c", "a"],
  );
});

test("a new password is long enough and typed twice alike", () => {
  assert.match(passwordProblem("short", "short"), /at least 10/);
  assert.match(passwordProblem("long enough", "long enouhg"), /not the same/);
  assert.equal(passwordProblem("long enough", "long enough"), null);
});
