// The settings as the service has them, and what is typed over them in this tab.
// Promises: what is typed stays while one looks at other sections or others change settings; a change that was refused
// stays typed, with its errors at the fields; who logs in after somebody else finds nothing of theirs.
// Never in here: elements of the page.

import { api } from "../../lib/api.js";
import { createStore } from "../../lib/store.js";
import { errorsOf, forget, gather, outcomeInWords, type } from "./lib/draft.js";
import { kindOf } from "./lib/kind.js";
import { profilesOf } from "./lib/profiles.js";

const nothing = {
  /** Whose it is. */
  owner: null,
  /** As of GET /settings; null until it is there. */
  answer: null,
  /** Why it could not be read. */
  problem: null,
  draft: {},
  /** Keys whose fields were left: what is wrong with them is shown. */
  left: [],
  /** What the service said of single keys, until they are typed over. */
  refused: {},
  /** What it said of none of them. */
  others: [],
};

/** The store; see `nothing`. */
export const state = createStore(nothing);

/** What the store holds belongs to `name` from here on. */
export const begin = (name) => {
  if (state.get().owner !== name) state.set({ ...nothing, owner: name });
};

/** Reads the settings anew. */
export const load = async (signal) => {
  try {
    const answer = await api.get("/settings", { signal });
    state.update((before) => ({ ...before, answer, problem: null }));
  } catch (problem) {
    if (!signal?.aborted) state.update((before) => ({ ...before, problem }));
  }
};

/** What answers with the kind of field of each row. */
export const kindsOf = (rows) => {
  const profiles = profilesOf(rows).map((profile) => profile.name);
  return (row) => kindOf(row, profiles);
};

const NO_CHANGES = { body: {}, errors: {}, keys: [] };
/** Every row asks, for one state. */
const known = new WeakMap();

/** What would be sent of a value of the store, as of `gather`. */
export const gathered = (value) => {
  const { answer, draft } = value;
  if (!answer) return NO_CHANGES;
  if (!known.has(value)) known.set(value, gather(answer.settings, draft, kindsOf(answer.settings)));
  return known.get(value);
};

/** Something was typed for `row`. */
export const typed = (row, value) =>
  state.update((before) => ({
    ...before,
    refused: forget(before.refused, [row.key]),
    draft: type(before.draft, row, value),
  }));

/** The field of `key` was left. */
export const leave = (key) =>
  state.update((before) => (before.left.includes(key) ? before : { ...before, left: [...before.left, key] }));

/** What is typed for `keys` is let go; without keys, everything. */
export const discard = (keys = Object.keys(state.get().draft)) =>
  state.update((before) => ({
    ...before,
    draft: forget(before.draft, keys),
    left: before.left.filter((key) => !keys.includes(key)),
    refused: forget(before.refused, keys),
    others: [],
  }));

/**
 * Sends changes of settings and takes over what the service answers.
 * @param {Record<string, any>} body
 * @returns {Promise<{text: string, undo: null|(() => Promise<void>)}>} a sentence about it, and what takes it back,
 *   where that can be
 */
export const send = async (body) => {
  const before = state.get().answer.settings.filter((row) => row.key in body);
  const changed = await api.patch("/settings", body);
  await load();
  const known = before.length === Object.keys(body).length && before.every((row) => !row.is_secret);
  const former = Object.fromEntries(before.map((row) => [row.key, row.source === "default" ? null : row.value]));
  const undo = async () => {
    await api.patch("/settings", former);
    await load();
  };
  return { text: outcomeInWords(changed), undo: known ? undo : null };
};

/**
 * Sends what is typed.
 * @returns {Promise<{saved: {text: string, undo: any}|null, wrong: string|null}>} `wrong`: the first key with an error
 */
export const save = async () => {
  const { draft, answer } = state.get();
  const { body, errors, keys } = gathered(state.get());
  const [wrong] = Object.keys(errors);
  if (wrong) {
    state.update((before) => ({ ...before, left: [...new Set([...before.left, ...keys])] }));
    return { saved: null, wrong };
  }
  try {
    const saved = await send(body);
    // What was typed since is another change.
    const done = Object.keys(draft).filter((key) => state.get().draft[key] === draft[key]);
    discard(done);
    return { saved, wrong: null };
  } catch (problem) {
    const { byKey, others } = errorsOf(problem, answer.settings.map((row) => row.key));
    state.update((before) => ({ ...before, refused: byKey, others }));
    return { saved: null, wrong: Object.keys(byKey)[0] ?? null };
  }
};
