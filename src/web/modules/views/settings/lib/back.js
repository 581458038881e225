// The ways back from a setting's value.
// Never in here: buttons, requests.

import { DEFAULT } from "./draft.js";
import { isChanged } from "./groups.js";
import { isSameValue, typedOf } from "./kind.js";

/**
 * Which ways there are: "undo" to what is saved, "former" to what it was before the last change, "default"; "secret" is
 * none, but says that it was changed.
 * @param {object} row of GET /settings
 * @param {boolean} isUnsaved
 * @returns {("undo"|"former"|"default"|"secret")[]}
 */
export function waysBack(row, isUnsaved) {
  if (isUnsaved) return ["undo"];
  if (row.changed === "in_file_only") return [];
  if (row.is_secret) return row.before ? ["secret"] : [];
  const hasFormer = Boolean(row.before) && !isSameValue(row.before.value, row.value);
  const hasDefault = isChanged(row) && !row.overridden_by && !(hasFormer && wasDefault(row));
  return [hasFormer && "former", hasDefault && "default"].filter(Boolean);
}

/** What is to be typed for the former value: the default is said by saying nothing. */
export function formerTyped(row, kind) {
  return wasDefault(row) ? DEFAULT : typedOf(kind, row.before.value);
}

const wasDefault = (row) => isSameValue(row.before.value, row.default);
