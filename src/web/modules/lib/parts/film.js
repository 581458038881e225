// Films and how far they are.
// Never in here: requests but those of pictures.

import { html, useState } from "../html.js";
import { percent as percentText } from "../format.js";
import { cells, inWords } from "../pieces.js";

const clamped = (value) => Math.min(100, Math.max(0, value ?? 0));

/**
 * How far something is. `percent`: 0 to 100, or null when that is not known. `tone`: "running", "done", "waiting",
 * "failed".
 */
export const Bar = ({ percent, label, tone = "running" }) => html`
  <div class="bar ${tone} ${percent === null ? "unknown" : ""}" role="progressbar" aria-label=${label}
    aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent === null ? undefined : Math.round(clamped(percent))}>
    <span class="bar-fill" style=${{ transform: `scaleX(${clamped(percent) / 100})` }}></span>
  </div>
`;

/**
 * An encode as a strip of its film's pieces: where the work is. `pieces`: one letter each (d, r, w) in film order, or
 * null: then it is done from the beginning to `percent`. `tone`: "running", or "waiting" when it stands still.
 */
export const Film = ({ pieces, percent, label, tone = "running" }) => {
  if (!pieces || pieces.length < 2) return html`<${Bar} percent=${percent} label=${label} tone=${tone} />`;
  return html`
    <div class="film ${tone}" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(clamped(percent))} aria-valuetext="${percentText(percent)}, ${inWords(pieces)}">
      ${cells(pieces).map(
        (cell, index) => html`
        <span key=${index} class="film-cell ${cell.state}">
          ${
            cell.part > 0 &&
            cell.part < 1 &&
            html`<span class="film-part" style=${{ width: `${cell.part * 100}%` }}></span>`
          }
        </span>
      `,
      )}
    </div>
  `;
};

/** A part of something that is full some day: `percent` 0 to 100; `tone` as of Bar, "quiet" when all is well. */
export const Meter = ({ percent, label, tone = "quiet" }) => html`
  <div class="meter ${tone}" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(clamped(percent))}>
    <span class="bar-fill" style=${{ transform: `scaleX(${clamped(percent) / 100})` }}></span>
  </div>
`;

/** A task's picture; a plate with its resolution until, or unless, there is one. */
export const Thumbnail = ({ id, resolution }) => {
  // Of whom it is known, and not set back by an effect: a picture that the browser has kept is there before that runs.
  const [known, setKnown] = useState({ id, state: "waits" });
  const state = known.id === id ? known.state : "waits";
  return html`
    <span class="thumbnail ${state}" aria-hidden="true">
      <span class="thumbnail-plate">${resolution ?? "–"}</span>
      ${
        id &&
        state !== "fails" &&
        html`
        <img alt="" loading="lazy" decoding="async" src="/api/v1/tasks/${encodeURIComponent(id)}/thumbnail?missing=empty"
          key=${id} onLoad=${() => setKnown({ id, state: "shown" })} onError=${() => setKnown({ id, state: "fails" })} />
      `
      }
    </span>
  `;
};
