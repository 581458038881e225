// Which tasks stand before and after one in the list that it was opened from.
//
// Promises: a list is kept for this tab alone, and not over its end.
// Never in here: requests; lists themselves.

const KEY = "neighbours";
/** Of a long list, as many around the one that was opened. */
const MOST = 1000;

/** The ids before and after `id` in `ids`: `{previous, next, place, of}` or null when it is not among them. */
const around = (ids, id) => {
  const at = ids.indexOf(id);
  if (at < 0) return null;
  return { previous: ids[at - 1] ?? null, next: ids[at + 1] ?? null, place: at + 1, of: ids.length };
};

/**
 * The ids of the rows around `row` of a list that may have gaps, as far as there is none.
 * @param idAt of a row's number; null where it is not known
 */
const idsAround = (idAt, row, most = MOST) => {
  const half = Math.floor(most / 2);
  const ids = [];
  for (let at = row; ids.length <= half && idAt(at) !== null; at -= 1) ids.unshift(idAt(at));
  for (let at = row + 1; ids.length < most && idAt(at) !== null; at += 1) ids.push(idAt(at));
  return ids;
};

/**
 * Call it before going from a list to the task in `row`. `idAt(row)`: an id, or null where there is none or it is not
 * known.
 */
const keepNeighbours = (idAt, row) => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(idsAround(idAt, row)));
  } catch {
    // Without storage there is no next and previous of that list.
  }
};

/** The ids that were kept last, or null. */
const keptNeighbours = () => {
  try {
    const ids = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : null;
  } catch {
    return null;
  }
};

export { around, keepNeighbours, keptNeighbours };
