// Changes of settings that are typed and not saved yet.
// Promises: pure; what others save meanwhile never overwrites what is typed, and is told; a value that is what it was is
// no change; an error of the service goes to its field, and every other one is kept for the top.
// Never in here: requests, elements of the page.

import { PROGRAMS } from "./groups.js";
import { isSameValue, valueOf } from "./kind.js";

/** Typed in the place of a value: the default again. */
export const DEFAULT = Object.freeze({ isDefault: true });

/**
 * @typedef {{typed: any, base: any}} Typed `base` is the value that it was typed over.
 * @typedef {Record<string, Typed>} Draft by key
 */

/** The draft after something was typed for `row`. */
export function type(draft, row, typed) {
  return { ...draft, [row.key]: { typed, base: draft[row.key] ? draft[row.key].base : row.value } };
}

/** The draft without `keys`. */
export function forget(draft, keys) {
  return Object.fromEntries(Object.entries(draft).filter(([key]) => !keys.includes(key)));
}

/**
 * What is to be sent, and what cannot be.
 * @param {object[]} rows of GET /settings
 * @param {Draft} draft
 * @param {(row: object) => import("./kind.js").Kind} kindOfRow
 * @returns {{body: Record<string, any>, errors: Record<string, string>, keys: string[]}} `keys`: all that would change
 */
export function gather(rows, draft, kindOfRow) {
  const gathered = { body: {}, errors: {}, keys: [] };
  for (const row of rows) {
    if (!(row.key in draft)) continue;
    const { typed } = draft[row.key];
    const outcome = typed === DEFAULT ? { value: null } : valueOf(kindOfRow(row), typed, row.allowed);
    if ("error" in outcome) {
      gathered.errors[row.key] = outcome.error;
      gathered.keys.push(row.key);
    } else if (isChange(row, typed, outcome.value)) {
      gathered.body[row.key] = outcome.value;
      gathered.keys.push(row.key);
    }
  }
  return gathered;
}

function isChange(row, typed, value) {
  if (typed === DEFAULT) return row.source !== "default";
  // Nothing typed into a secret leaves it as it is; emptying it is its default.
  if (row.is_secret) return value !== "";
  return !isSameValue(value, row.value);
}

/** Keys that somebody else changed since they were typed over. */
export function overtaken(rows, draft) {
  return rows
    .filter((row) => row.key in draft && !isSameValue(draft[row.key].base, row.value))
    .map((row) => row.key);
}

/**
 * The errors of a refused change: by key where a field shows it, and the rest as sentences.
 * @param {{detail?: string, title?: string, errors?: {key: string, detail: string}[]}} problem
 * @param {string[]} keys that have a field
 */
export function errorsOf(problem, keys) {
  const byKey = {};
  const others = [];
  for (const { key, detail } of problem.errors ?? []) {
    if (keys.includes(key)) byKey[key] = byKey[key] ? `${byKey[key]} ${sentence(detail)}` : sentence(detail);
    else others.push(sentence(detail));
  }
  if (Object.keys(byKey).length === 0 && others.length === 0) {
    others.push(sentence(problem.detail || problem.title || "The service refused the change"));
  }
  return { byKey, others };
}

/** Ends with a full stop, and begins with a capital but for keys of settings and names of programs. */
export function sentence(text) {
  const trimmed = text.trim();
  const word = /^[a-z]+(?= )(?! =)/.exec(trimmed)?.[0];
  const isPlain = word !== undefined && !PROGRAMS.includes(word);
  const begun = isPlain ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.…]$/.test(begun) ? begun : `${begun}.`;
}

/** What a saved change came to, in one sentence for everybody who hears it. */
export function outcomeInWords({ settings, needs_restart, overridden, in_force }) {
  const count = settings.length;
  const saved = `${count} ${count === 1 ? "setting" : "settings"} saved`;
  const remarks = [];
  if (needs_restart.length > 0) remarks.push(`${listed(needs_restart)} takes effect after a restart`);
  if (overridden.length > 0) remarks.push(`${listed(overridden)} is overridden by a variable or a flag for now`);
  if (!in_force) remarks.push("the service takes them over in a moment");
  return remarks.length === 0 ? `${saved}.` : `${saved}; ${remarks.join("; ")}.`;
}

function listed(keys) {
  return keys.length <= 3 ? keys.join(", ") : `${keys.slice(0, 2).join(", ")} and ${keys.length - 2} more`;
}
