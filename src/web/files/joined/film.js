import { fe, percent, G } from './app.js';

// The pieces of a film, made few enough to be seen.
// Never in here: DOM.

/** The most cells that can be told apart in a bar. */
const MOST_CELLS = 96;

/**
 * Pieces of a film, one letter each ("d" done, "r" running, "w" waiting, in film order), as at most `most` cells of
 * about equal length: `{state, part}`, where `part` (0..1) says how much of a cell is done.
 */
const cells = (pieces, most = MOST_CELLS) => {
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
const inWords = (pieces) => {
  const count = (wanted) => [...pieces].filter((piece) => piece === wanted).length;
  return `${count("d")} of ${pieces.length} pieces done, ${count("r")} running`;
};

// Films and how far they are.
// Never in here: requests but those of pictures.


const clamped = (value) => Math.min(100, Math.max(0, value ?? 0));

/**
 * How far something is. `percent`: 0 to 100, or null when that is not known. `tone`: "running", "done", "waiting",
 * "failed".
 */
const Bar = ({ percent, label, tone = "running" }) => fe`
  <div class="bar ${tone} ${percent === null ? "unknown" : ""}" role="progressbar" aria-label=${label}
    aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent === null ? undefined : Math.round(clamped(percent))}>
    <span class="bar-fill" style=${{ transform: `scaleX(${clamped(percent) / 100})` }}></span>
  </div>
`;

/**
 * An encode as a strip of its film's pieces: where the work is. `pieces`: one letter each (d, r, w) in film order, or
 * null: then it is done from the beginning to `percent`. `tone`: "running", or "waiting" when it stands still.
 */
const Film = ({ pieces, percent: percent$1, label, tone = "running" }) => {
  if (!pieces || pieces.length < 2) return fe`<${Bar} percent=${percent$1} label=${label} tone=${tone} />`;
  return fe`
    <div class="film ${tone}" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(clamped(percent$1))} aria-valuetext="${percent(percent$1)}, ${inWords(pieces)}">
      ${cells(pieces).map(
        (cell, index) => fe`
        <span key=${index} class="film-cell ${cell.state}">
          ${
            cell.part > 0 &&
            cell.part < 1 &&
            fe`<span class="film-part" style=${{ width: `${cell.part * 100}%` }}></span>`
          }
        </span>
      `,
      )}
    </div>
  `;
};

/** A part of something that is full some day: `percent` 0 to 100; `tone` as of Bar, "quiet" when all is well. */
const Meter = ({ percent, label, tone = "quiet" }) => fe`
  <div class="meter ${tone}" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(clamped(percent))}>
    <span class="bar-fill" style=${{ transform: `scaleX(${clamped(percent) / 100})` }}></span>
  </div>
`;

/** A task's picture; a plate with its resolution until, or unless, there is one. */
const Thumbnail = ({ id, resolution }) => {
  // Of whom it is known, and not set back by an effect: a picture that the browser has kept is there before that runs.
  const [known, setKnown] = G({ id, state: "waits" });
  const state = known.id === id ? known.state : "waits";
  return fe`
    <span class="thumbnail ${state}" aria-hidden="true">
      <span class="thumbnail-plate">${resolution ?? "–"}</span>
      ${
        id &&
        state !== "fails" &&
        fe`
        <img alt="" loading="lazy" decoding="async" src="/api/v1/tasks/${encodeURIComponent(id)}/thumbnail?missing=empty"
          key=${id} onLoad=${() => setKnown({ id, state: "shown" })} onError=${() => setKnown({ id, state: "fails" })} />
      `
      }
    </span>
  `;
};

export { Bar, Film, Meter, Thumbnail };
