// What keys do while the focus is on a row.
//
// Promises: pure; keys that the browser or a screen reader has plans for are left alone.
// Never in here: what a command does.

const GOES = {
  ArrowUp: "up",
  ArrowDown: "down",
  PageUp: "pageUp",
  PageDown: "pageDown",
  Home: "first",
  End: "last",
};
const MOVES = { ArrowUp: "up", ArrowDown: "down", Home: "top", End: "end" };
const PLAIN = {
  x: { kind: "choose" },
  Enter: { kind: "open" },
  Delete: { kind: "cancel" },
  Escape: { kind: "chooseNone" },
  " ": { kind: "pause" },
  ContextMenu: { kind: "menu" },
  ArrowRight: { kind: "across", by: 1 },
  ArrowLeft: { kind: "across", by: -1 },
};

/**
 * What a key asks for, or null: `{kind: "go", to, extends}`, `{kind: "move", to}`, `{kind: "across", by}`, or one of
 * the kinds `choose`, `chooseAll`, `chooseNone`, `open`, `cancel`, `pause` and `menu`.
 */
export function commandOf({ key, altKey, ctrlKey, metaKey, shiftKey }) {
  if (ctrlKey || metaKey) return key === "a" && !altKey ? { kind: "chooseAll" } : null;
  if (altKey) return MOVES[key] ? { kind: "move", to: MOVES[key] } : null;
  if (GOES[key]) return { kind: "go", to: GOES[key], extends: shiftKey };
  if (shiftKey) return key === "F10" ? { kind: "menu" } : null;
  return PLAIN[key] ?? null;
}

/** The row that one comes to from `row`; `screenRows` are on a screen. */
export function rowAfter(to, row, count, screenRows) {
  const wanted = {
    up: row - 1,
    down: row + 1,
    pageUp: row - screenRows,
    pageDown: row + screenRows,
    first: 0,
    last: count - 1,
  };
  return Math.max(0, Math.min(count - 1, wanted[to]));
}

/**
 * The gap that `rows` of a list are moved into; the ends of the list are those of what waits, `first` to before
 * `count`.
 */
export function gapAfter(to, rows, first, count) {
  const wanted = { up: Math.min(...rows) - 1, down: Math.max(...rows) + 2, top: first, end: count };
  return Math.max(first, Math.min(count, wanted[to]));
}

/** Whether rows that stand together are put where they are; of one that is not known (-1) nobody can tell. */
export const stays = (rows, gap) => {
  if (rows.includes(-1)) return false;
  const first = Math.min(...rows);
  const last = Math.max(...rows);
  return last - first === rows.length - 1 && gap >= first && gap <= last + 1;
};
