// What is remembered of files that are sent, for the next visit: a line of local storage for each.
//
// Promises: several tabs do not write over one another; storage that is full, forbidden or damaged costs only the
// memory.
// Never in here: the rows as they are now (`sender`), files (`handles`).

import { REMEMBERED } from "../../lib/sending.js";
import { recalled, remembered } from "./outbox.js";

/** A memory in `storage`, as local storage is one. */
export const createMemory = (storage) => {
  /** What this tab has written, by the row's id. */
  const written = new Map();
  return {
    /** The rows of earlier visits and other tabs, by their paths. */
    recall: () => {
      let rows = [];
      try {
        const keys = Object.keys(storage).filter((key) => key.startsWith(REMEMBERED));
        rows = keys.map((key) => recalled(storage.getItem(key))).filter(Boolean);
      } catch {
        // Forbidden: nothing was remembered either.
      }
      for (const row of rows) written.set(row.id, remembered(row));
      return rows.sort((one, other) => one.path.localeCompare(other.path, undefined, { numeric: true }));
    },
    /** Leaves rows to another tab, which remembers them from now on. */
    leave: (ids) => {
      for (const id of ids) written.delete(id);
    },
    /** Writes what has changed since. */
    save: (rows) => {
      const texts = new Map(rows.map((row) => [row.id, remembered(row)]).filter(([, text]) => text !== null));
      try {
        for (const [id, text] of texts) if (written.get(id) !== text) storage.setItem(REMEMBERED + id, text);
        for (const id of written.keys()) if (!texts.has(id)) storage.removeItem(REMEMBERED + id);
      } catch {
        // Full or forbidden: uploads go on, but not over a reload.
      }
      written.clear();
      for (const [id, text] of texts) written.set(id, text);
    },
  };
};

/**
 * The id of the row that another tab has finished or cancelled, as a storage event tells it; null: it is about
 * something else.
 */
export const forgottenElsewhere = ({ key, newValue }) =>
  key?.startsWith(REMEMBERED) && newValue === null ? key.slice(REMEMBERED.length) : null;
