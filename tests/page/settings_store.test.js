// What is typed on the settings page while things happen: saving, refusals, other people.

import assert from "node:assert/strict";
import test from "node:test";

import {
  begin,
  discard,
  gathered,
  load,
  save,
  send,
  state,
  typed,
} from "../../src/web/modules/views/settings/store.js";

const ROW = {
  doc: "",
  heading: "Watch",
  source: "default",
  is_secret: false,
  needs_restart: false,
  changed: "anywhere",
};
const FROM_FILE = "conf/video-compressor.toml:3";

const rows = () => [
  { ...ROW, key: "sweep_seconds", value: 20, default: 30, allowed: "0.1 to 86400", source: FROM_FILE },
  { ...ROW, key: "settle_seconds", value: 3, default: 3, allowed: "0.1 to 86400" },
  { ...ROW, key: "ntfy_token", value: "…", default: "", allowed: "text", source: FROM_FILE, is_secret: true },
];

/** A service that has `rows()`; `patch(body)` answers with a status and a body, at once or later. */
function service(patch) {
  const sent = [];
  globalThis.fetch = async (address, { method, body }) => {
    if (method === "GET") return answer(200, { file: "conf/video-compressor.toml", problems: [], settings: rows() });
    sent.push(JSON.parse(body));
    return answer(...(await patch(sent.at(-1))));
  };
  return sent;
}

const answer = (status, body) => new Response(JSON.stringify(body), { status });

const saved = (body) => {
  const settings = rows().filter(({ key }) => key in body);
  return [200, { settings, needs_restart: [], overridden: [], in_force: true }];
};

const row = (key) => state.get().answer.settings.find((one) => one.key === key);

async function someone(name, patch) {
  const sent = service(patch);
  begin(name);
  discard();
  await load();
  return sent;
}

test("what is typed while a change is on its way is another change", async () => {
  let arrive;
  const arrived = new Promise((resolve) => {
    arrive = resolve;
  });
  const sent = await someone("ann", async (body) => {
    await arrived;
    return saved(body);
  });
  typed(row("sweep_seconds"), "40");
  typed(row("settle_seconds"), "5");
  const saving = save();
  typed(row("sweep_seconds"), "41");
  arrive();
  const { saved: done } = await saving;
  assert.deepEqual(sent, [{ sweep_seconds: 40, settle_seconds: 5 }]);
  assert.equal(done.text, "2 settings saved.");
  assert.deepEqual(Object.keys(state.get().draft), ["sweep_seconds"]);
  assert.deepEqual(gathered(state.get()).body, { sweep_seconds: 41 });
});

test("a refused change stays typed, with its error until it is typed over", async () => {
  await someone("ann", () => [422, { detail: "no", errors: [{ key: "settle_seconds", detail: "too long" }] }]);
  typed(row("settle_seconds"), "80000");
  assert.deepEqual(await save(), { saved: null, wrong: "settle_seconds" });
  assert.deepEqual(state.get().refused, { settle_seconds: "Too long." });
  assert.deepEqual(gathered(state.get()).body, { settle_seconds: 80000 });
  typed(row("settle_seconds"), "8");
  assert.deepEqual(state.get().refused, {});
});

test("what cannot be is not sent, and is told at every field", async () => {
  const sent = await someone("ann", saved);
  typed(row("settle_seconds"), "soon");
  typed(row("sweep_seconds"), "40");
  assert.deepEqual(await save(), { saved: null, wrong: "settle_seconds" });
  assert.deepEqual(sent, []);
  assert.deepEqual([...state.get().left].sort(), ["settle_seconds", "sweep_seconds"]);
});

test("a service that does not answer leaves everything as it was typed", async () => {
  await someone("ann", saved);
  globalThis.fetch = async () => {
    throw new TypeError("refused");
  };
  typed(row("sweep_seconds"), "40");
  const { wrong } = await save();
  assert.equal(wrong, null);
  assert.match(state.get().others[0], /stopped or starting/);
  assert.deepEqual(gathered(state.get()).body, { sweep_seconds: 40 });
});

test("a saved change is taken back to what it was, a default by saying nothing; a secret cannot be", async () => {
  const sent = await someone("ann", saved);
  const { undo } = await send({ sweep_seconds: 40, settle_seconds: 5 });
  await undo();
  assert.deepEqual(sent.at(-1), { sweep_seconds: 20, settle_seconds: null });
  assert.equal((await send({ ntfy_token: "other" })).undo, null);
});

test("who logs in after somebody else finds nothing that they typed", async () => {
  await someone("ann", saved);
  typed(row("ntfy_token"), "a secret");
  begin("ann");
  assert.equal(state.get().draft.ntfy_token.typed, "a secret");
  begin("ben");
  assert.deepEqual(state.get().draft, {});
  assert.equal(state.get().answer, null);
});
