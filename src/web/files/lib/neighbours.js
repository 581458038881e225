// Which tasks stand before and after one in the list that it was opened from.
//
// Promises: a list is kept for this tab alone, and not over its end.
// Never in here: requests; lists themselves.

const KEY = "neighbours";
/** Of a long list, as many around the one that was opened. */
const MOST = 1000;

/** The ids before and after `id` in `ids`: `{previous, next, place, of}` or null when it is not among them. */
export const around = (ids, id) => {
  const at = ids.indexOf(id);
  if (at < 0) return null;
  return { previous: ids[at - 1] ?? null, next: ids[at + 1] ?? null, place: at + 1, of: ids.length };
};

/** A list's ids, shortened around one of them. */
export const shortened = (ids, id, most = MOST) => {
  const from = Math.max(0, Math.min(ids.indexOf(id) - Math.floor(most / 2), ids.length - most));
  return ids.slice(from, from + most);
};

/** Call it before going to the task `id` from a list: `ids` of its rows in their order, as far as they are loaded. */
export const keepNeighbours = (ids, id) => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(shortened(ids, id)));
  } catch {
    // Without storage there is no next and previous of that list.
  }
};

/** The ids that were kept last, or null. */
export const keptNeighbours = () => {
  try {
    const ids = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : null;
  } catch {
    return null;
  }
};
