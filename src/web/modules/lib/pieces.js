// The pieces of a film, made few enough to be seen.
// Never in here: DOM.

/** The most cells that can be told apart in a bar. */
export const MOST_CELLS = 96;

/**
 * Pieces of a film, one letter each ("d" done, "r" running, "w" waiting, in film order), as at most `most` cells of
 * about equal length: `{state, part}`, where `part` (0..1) says how much of a cell is done.
 */
export const cells = (pieces, most = MOST_CELLS) => {
  const count = Math.min(pieces.length, most);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * pieces.length) / count);
    const to = Math.floor(((index + 1) * pieces.length) / count);
    const own = [...pieces.slice(from, to)];
    const done = own.filter((piece) => piece === "d").length;
    const state = done === own.length ? "done" : own.includes("r") ? "running" : "waiting";
    return { state, part: done / own.length };
  });
};

/** "12 of 40 pieces done, 3 running". */
export const inWords = (pieces) => {
  const count = (wanted) => [...pieces].filter((piece) => piece === wanted).length;
  return `${count("d")} of ${pieces.length} pieces done, ${count("r")} running`;
};
