// The rules of the settings page: fields, groups, changes and ways back.

import assert from "node:assert/strict";
import test from "node:test";

import { alertParts, tookInWords } from "../../src/web/modules/views/settings/lib/alerts.js";
import { formerTyped, waysBack } from "../../src/web/modules/views/settings/lib/back.js";
import {
  DEFAULT,
  errorsOf,
  forget,
  gather,
  outcomeInWords,
  overtaken,
  sentence,
  type,
} from "../../src/web/modules/views/settings/lib/draft.js";
import { grouped, headingParts, nameOf } from "../../src/web/modules/views/settings/lib/groups.js";
import {
  allowedInWords,
  kindOf,
  shown,
  spanInWords,
  typedOf,
  valueOf,
} from "../../src/web/modules/views/settings/lib/kind.js";
import { fixedReason, sourceInWords } from "../../src/web/modules/views/settings/lib/source.js";

function row(key, value, changes = {}) {
  return {
    key,
    value,
    default: value,
    allowed: "text on one line",
    doc: "",
    heading: "Encode",
    source: "default",
    is_secret: false,
    needs_restart: false,
    changed: "anywhere",
    ...changes,
  };
}

const SIZE = 'a number of bytes, or text such as "500MB" or "10GiB", up to 8192 TiB';

test("each setting gets the field that fits it", () => {
  const cases = [
    [row("include_names", true, { allowed: "true or false" }), { type: "switch" }],
    [row("ntfy_token", "", { is_secret: true }), { type: "secret" }],
    [
      row("on_loss", "auto", { allowed: '"auto", "note" or "skip"' }),
      { type: "choice", options: ["auto", "note", "skip"] },
    ],
    [row("ionice", "auto", { allowed: '"auto" or "idle"' }), { type: "choice", options: ["auto", "idle"] }],
    [
      row("profiles.mine.preset", "slow", { allowed: "fast, medium, slow or placebo", default: null }),
      { type: "choice", options: ["fast", "medium", "slow", "placebo"] },
    ],
    [
      row("profile", "medium", { allowed: "the name of a profile: slow, medium, fast or one of your own" }),
      { type: "choice", options: ["slow", "mine"] },
    ],
    [
      row("ntfy_events", ["done"], { allowed: "a list of queued, done, failed" }),
      { type: "several", options: ["queued", "done", "failed"] },
    ],
    [row("extensions", ["mp4"], { allowed: "a list of letters and digits, with or without dots" }), { type: "list" }],
    [row("min_free_bytes", "1GiB", { allowed: SIZE }), { type: "size" }],
    [
      row("sweep_seconds", 30, { allowed: "0.1 to 86400" }),
      { type: "number", min: 0.1, max: 86400, unit: "seconds", isWhole: false },
    ],
    [row("nice", 10, { allowed: "0 to 19" }), { type: "number", min: 0, max: 19, unit: "", isWhole: true }],
    [
      row("log_keep_days", 14, { allowed: "1 to 3650" }),
      { type: "number", min: 1, max: 3650, unit: "days", isWhole: true },
    ],
    [
      row("min_saving", 5, { allowed: "-10000 to 90" }),
      { type: "number", min: -10000, max: 90, unit: "%", isWhole: false },
    ],
    [
      row("quality_floor", 0, { allowed: "0 to 50 (dB); 0 is off" }),
      { type: "number", min: 0, max: 50, unit: "dB", isWhole: false },
    ],
    [
      row("log_level", "info", {
        allowed: 'error, warn, info, or a filter such as "info,video_compressor::watch=debug"',
      }),
      { type: "text", suggestions: ["error", "warn", "info"] },
    ],
    [
      row("schedule", "", { allowed: 'hours such as "22:00-07:00"; empty for always' }),
      { type: "text", suggestions: [] },
    ],
    [row("email_user", ""), { type: "text", suggestions: [] }],
  ];
  for (const [setting, kind] of cases) assert.deepEqual(kindOf(setting, ["slow", "mine"]), kind, setting.key);
});

test("what is typed and not touched is sent as it was", () => {
  for (const setting of [
    row("include_names", true, { allowed: "true or false" }),
    row("on_loss", "note", { allowed: '"auto", "note" or "skip"' }),
    row("extensions", ["mp4", "mkv"], { allowed: "a list of letters and digits, with or without dots" }),
    row("ntfy_events", ["done"], { allowed: "a list of queued, done, failed" }),
    row("min_free_bytes", "1.5GiB", { allowed: SIZE }),
    row("min_free_bytes", "500MB", { allowed: SIZE }),
    row("max_memory", 0, { allowed: SIZE }),
    row("max_memory", 1234567, { allowed: SIZE }),
    row("sweep_seconds", 0.5, { allowed: "0.1 to 86400" }),
    row("schedule", "22:00-07:00"),
  ]) {
    const kind = kindOf(setting);
    const sent = valueOf(kind, typedOf(kind, setting.value), setting.allowed);
    assert.deepEqual(sent, { value: setting.value }, setting.key);
  }
});

test("a size or a number that cannot be is told before it is sent", () => {
  const number = kindOf(row("nice", 10, { allowed: "0 to 19" }));
  for (const typed of ["", " ", "20", "-1", "1.5", "many", "Infinity"]) {
    assert.deepEqual(valueOf(number, typed, "0 to 19"), { error: "Allowed is 0 to 19." }, typed);
  }
  assert.deepEqual(valueOf(number, " 19 ", "0 to 19"), { value: 19 });
  const seconds = kindOf(row("sweep_seconds", 30, { allowed: "0.1 to 86400" }));
  assert.deepEqual(valueOf(seconds, "2,5", "0.1 to 86400"), { value: 2.5 });
  assert.deepEqual(valueOf({ type: "size" }, { amount: "2,5", unit: "GB" }, SIZE), { value: "2.5GB" });
  assert.deepEqual(valueOf({ type: "size" }, { amount: "a lot", unit: "GB" }, SIZE), { error: `Allowed is ${SIZE}.` });
});

test("values and long spans of time are said in words", () => {
  const seconds = { type: "number", unit: "seconds" };
  assert.equal(shown(seconds, 30), "30 seconds");
  assert.equal(shown({ type: "switch" }, false), "off");
  assert.equal(shown({ type: "text" }, ""), "empty");
  assert.equal(shown({ type: "secret" }, "…"), "set");
  assert.equal(shown({ type: "several", options: ["a", "b"] }, ["b", "a"]), "all");
  assert.equal(shown({ type: "list" }, []), "none");
  assert.equal(shown({ type: "size" }, "1GiB"), "1 GiB");
  assert.equal(shown({ type: "size" }, 0), "0");
  assert.equal(allowedInWords({ type: "size" }, SIZE), "up to 8192 TiB");
  assert.equal(allowedInWords({ type: "switch" }, "true or false"), "");
  assert.equal(allowedInWords({ type: "number" }, "0 to 19"), "0 to 19");
  assert.equal(shown({ type: "list" }, ["mp4", "mkv"]), "mp4, mkv");
  for (const [unit, typed, words] of [
    ["seconds", "30", ""],
    ["seconds", "300", "5 minutes"],
    ["seconds", "3600", "1 hour"],
    ["seconds", "100", "about 1.7 minutes"],
    ["hours", "168", "7 days"],
    ["hours", "5", ""],
    ["days", "14", ""],
    ["", "86400", ""],
    ["seconds", "soon", ""],
  ]) {
    assert.equal(spanInWords({ type: "number", unit }, typed), words, `${typed} ${unit}`);
  }
});

test("settings have names for people and headings with what follows them", () => {
  for (const [key, name] of [
    ["sweep_seconds", "Sweep"],
    ["settle_seconds_without_lease", "Settle without lease"],
    ["http.session_hours", "Session"],
    ["http.oidc_client_id", "OIDC client ID"],
    ["ntfy_base_url", "ntfy base URL"],
    ["ffmpeg_path", "ffmpeg path"],
    ["webhook_urls", "Webhook URLs"],
  ]) {
    assert.equal(nameOf(key), name);
  }
  assert.deepEqual(headingParts("Watch: which files are taken, and when"), {
    title: "Watch",
    lead: "Which files are taken, and when.",
  });
  assert.deepEqual(headingParts("HTTP: the page and the API (a section: keep it below the settings)"), {
    title: "HTTP",
    lead: "The page and the API.",
  });
  assert.deepEqual(headingParts("Encode"), { title: "Encode", lead: "" });
});

test("where a value comes from, and why only the file has it, is said in words", () => {
  for (const [source, words] of [
    ["conf/video-compressor.toml:12", "conf/video-compressor.toml, line 12"],
    ["conf/video-compressor.toml", "conf/video-compressor.toml"],
    ["$VIDEO_COMPRESSOR_NICE", "the variable VIDEO_COMPRESSOR_NICE"],
    ["--set nice", "the flag --set nice"],
  ]) {
    assert.equal(sourceInWords(source), words);
  }
  for (const [allowed, words] of [
    ["a folder; a relative one is relative to the root", "Only in the settings file: it names files of the machine"],
    ["a name looked up in PATH, or a path", "Only in the settings file: it names files of the machine"],
    ['"auto" or "off"', "Only in the settings file: it protects the machine"],
  ]) {
    assert.equal(fixedReason({ allowed }), words);
  }
});

test("alerts are in order of the way that they take, and a way is on when it leads somewhere", () => {
  const alert = (key, value) => row(key, value, { heading: "Alerts: on a phone" });
  const { general, channels } = alertParts([
    row("log_level", "info", { heading: "Logs" }),
    alert("ntfy_topic", "…"),
    alert("ntfy_events", ["done"]),
    alert("silence_hours", 24),
    alert("webhook_urls", []),
    alert("email_server", ""),
    alert("something_new", 1),
  ]);
  assert.deepEqual(
    general.map(({ key }) => key),
    ["ntfy_events", "silence_hours", "something_new"],
  );
  assert.deepEqual(
    channels.map(({ what, isOn, rows }) => [what, isOn, rows.map(({ key }) => key)]),
    [
      ["ntfy", true, ["ntfy_topic"]],
      ["email", false, ["email_server"]],
      ["webhook", false, ["webhook_urls"]],
    ],
  );
  assert.equal(tookInWords(230.4), "230\u00a0ms");
  assert.equal(tookInWords(5210), "5.2\u00a0s");
});

test("the search finds settings by any words of name, doc, value and heading, and leaves the order", () => {
  const rows = [
    row("input", "input", { heading: "Folders", doc: "Where videos are dropped." }),
    row("sweep_seconds", 30, { heading: "Watch: which files are taken", doc: "How often all of input is read again." }),
    row("ntfy_password", "…", { heading: "Alerts", is_secret: true }),
    row("profiles.medium.crf", 26, { heading: "Profiles" }),
    row("resolution.720.profile", "medium", { heading: "Profiles" }),
  ];
  const found = (query) => grouped(rows, query).flatMap((group) => group.rows.map((row) => row.key));
  assert.deepEqual(found(""), ["input", "sweep_seconds", "ntfy_password"]);
  assert.deepEqual(found("INPUT read"), ["sweep_seconds"]);
  assert.deepEqual(found("watch"), ["sweep_seconds"]);
  assert.deepEqual(found("ntfy password"), ["ntfy_password"]);
  assert.deepEqual(found("…"), []);
  assert.deepEqual(found("crf"), []);
  assert.deepEqual(
    grouped(rows, "").map((group) => group.title),
    ["Folders", "Watch", "Alerts"],
  );
});

test("only what differs is gathered, and what cannot be is told at its key", () => {
  const rows = [
    row("sweep_seconds", 30, { allowed: "0.1 to 86400" }),
    row("nice", 10, { allowed: "0 to 19" }),
    row("stall_seconds", 600, { allowed: "0.1 to 86400", default: 300, source: "video-compressor.toml:4" }),
    row("schedule", ""),
    row("ntfy_token", "…", { is_secret: true, source: "video-compressor.toml:5" }),
    row("email_password", "…", { is_secret: true, source: "video-compressor.toml:6" }),
    row("threads", 0, { allowed: "0 to 256" }),
  ];
  let draft = {};
  for (const [index, typed] of [
    [0, "30"],
    [1, "99"],
    [2, DEFAULT],
    [3, "22:00-07:00"],
    [4, ""],
    [5, "secret"],
    [6, DEFAULT],
  ]) {
    draft = type(draft, rows[index], typed);
  }
  assert.deepEqual(gather(rows, draft, (row) => kindOf(row)), {
    body: { stall_seconds: null, schedule: "22:00-07:00", email_password: "secret" },
    errors: { nice: "Allowed is 0 to 19." },
    keys: ["nice", "stall_seconds", "schedule", "email_password"],
  });
  assert.deepEqual(Object.keys(forget(draft, ["nice", "schedule"])).length, 5);
});

test("what somebody else saves does not change what is typed, and is told", () => {
  const before = row("sweep_seconds", 30, { allowed: "0.1 to 86400" });
  const draft = type(type({}, before, "4"), before, "40");
  const after = { ...before, value: 35, source: "video-compressor.toml:9" };
  assert.deepEqual(overtaken([before], draft), []);
  assert.deepEqual(overtaken([after], draft), ["sweep_seconds"]);
  // Typing on does not make the other's value the one that it was typed over.
  assert.deepEqual(overtaken([after], type(draft, after, "41")), ["sweep_seconds"]);
  assert.deepEqual(gather([after], draft, (row) => kindOf(row)).body, { sweep_seconds: 40 });
  assert.deepEqual(gather([{ ...after, value: 40 }], draft, (row) => kindOf(row)).keys, []);
});

test("there is a way back to what is saved, to what it was, and to the default", () => {
  const before = (value) => ({ value, changed: "2026-11-22T10:00:00Z", by: "ben" });
  const inFile = { default: 30, source: "video-compressor.toml:1" };
  for (const [changes, isUnsaved, ways] of [
    [{ default: 20 }, false, []],
    [{ default: 20 }, true, ["undo"]],
    [inFile, false, ["default"]],
    [{ ...inFile, before: before(45) }, false, ["former", "default"]],
    [{ ...inFile, before: before(45) }, true, ["undo"]],
    // Twice the same, or what it is already.
    [{ ...inFile, before: before(30) }, false, ["former"]],
    [{ ...inFile, before: before(20) }, false, ["default"]],
    [{ default: 20, before: before(45) }, false, ["former"]],
    [{ ...inFile, source: "$SWEEP", overridden_by: "$SWEEP" }, false, []],
    [{ ...inFile, changed: "in_file_only", before: before(45) }, false, []],
    [{ ...inFile, is_secret: true, before: before("…") }, false, ["secret"]],
    [{ ...inFile, is_secret: true, before: null }, false, []],
  ]) {
    assert.deepEqual(waysBack(row("sweep_seconds", 20, changes), isUnsaved), ways, JSON.stringify(changes));
  }
  const kind = kindOf(row("sweep_seconds", 20, { allowed: "0.1 to 86400" }));
  assert.equal(formerTyped(row("sweep_seconds", 20, { default: 30, before: before(45) }), kind), "45");
  assert.equal(formerTyped(row("sweep_seconds", 20, { default: 30, before: before(30) }), kind), DEFAULT);
});

test("a refused change is told at its fields, and the rest at the top", () => {
  const problem = {
    detail: "two keys are wrong",
    errors: [
      { key: "nice", detail: "nice = 99: allowed is 0 to 19" },
      { key: "", detail: "the file cannot be read" },
    ],
  };
  assert.deepEqual(errorsOf(problem, ["nice"]), {
    byKey: { nice: "nice = 99: allowed is 0 to 19." },
    others: ["The file cannot be read."],
  });
  assert.deepEqual(errorsOf({ detail: "The disk is full." }, ["nice"]), { byKey: {}, others: ["The disk is full."] });
});

test("what programs say becomes a sentence, and names stay as they are", () => {
  for (const [text, words] of [
    ["set email_server", "Set email_server."],
    ["connection refused: nobody listens", "Connection refused: nobody listens."],
    ["ffmpeg version 7.1", "ffmpeg version 7.1."],
    ["nice = 99: allowed is 0 to 19", "nice = 99: allowed is 0 to 19."],
    ["ntfy_base_url is where", "ntfy_base_url is where."],
    ["401: no", "401: no."],
    ["It is done. ", "It is done."],
  ]) {
    assert.equal(sentence(text), words);
  }
});

test("what a saved change came to is one sentence", () => {
  const base = { settings: [{}], needs_restart: [], overridden: [], in_force: true };
  assert.equal(outcomeInWords(base), "1 setting saved.");
  assert.equal(
    outcomeInWords({ settings: [{}, {}], needs_restart: ["log_level"], overridden: ["nice"], in_force: false }),
    "2 settings saved; log_level takes effect after a restart; nice is overridden by a variable or a flag for now; " +
      "the service takes them over in a moment.",
  );
});
