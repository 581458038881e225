// Sums by time as standing bars, with a table that says the same.
//
// Promises: a bar is as high as the files were, grey for what is left of them and green for what was saved; arrow keys
// go from bar to bar, and each says its numbers to eyes and to screen readers alike.
// Never in here: which sums there are.

import { bytes, count } from "../../lib/format.js";
import { html, useLayoutEffect, useRef, useState } from "../../lib/html.js";
import { labelled, standingBars, ticks } from "./scale.js";
import { inPercent, inWords } from "./words.js";

const HEIGHT_PX = 168;
/** For the numbers at the left, the labels below, half a number above, and half a label at the right. */
const MARGIN_PX = { left: 56, bottom: 24, top: 10, right: 20 };
const LABEL_PX = 56;
const MOST_TICKS = 4;

/** The width of an element, in px; 0 until it is known. */
export function useWidth(element) {
  const [widthPx, setWidthPx] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setWidthPx(Math.floor(contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return widthPx;
}

/** `sums`: of the report, oldest first. `short(sum)` and `long(sum)` name one. `label`: of the whole chart. */
export function Chart({ sums, short, long, label, widthPx }) {
  const [shown, show] = useState(null);
  const [stop, setStop] = useState(sums.length - 1);
  const bars = useRef(null);
  const width = Math.max(1, widthPx - MARGIN_PX.left - MARGIN_PX.right);
  const height = HEIGHT_PX - MARGIN_PX.bottom - MARGIN_PX.top;
  const steps = ticks(Math.max(...sums.map((sum) => Math.max(sum.before_bytes, sum.after_bytes)), 0), MOST_TICKS);
  const highest = steps.at(-1);
  const placed = standingBars(sums, { width, height, highest });
  const active = Math.min(stop, sums.length - 1);
  const goTo = (number) => {
    const to = Math.max(0, Math.min(sums.length - 1, number));
    setStop(to);
    bars.current.children[to].focus();
  };
  const press = (event) => {
    const to = { ArrowLeft: active - 1, ArrowRight: active + 1, Home: 0, End: sums.length - 1 }[event.key];
    if (event.key === "Escape") show(null);
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  };
  const bar = (sum, number) => {
    const { x, width: wide, place, left, saved, grown } = placed[number];
    return html`
      <g key=${short(sum)} role="img" tabIndex=${number === active ? 0 : -1} aria-label="${long(sum)}: ${inWords(sum)}"
        onFocus=${() => {
          setStop(number);
          show(number);
        }} onBlur=${() => show(null)}
        onPointerEnter=${() => show(number)} onPointerLeave=${() => show(null)} class=${shown === number ? "shown" : ""}>
        <rect class="chart-place" x=${place.x} y="0" width=${place.width} height=${height} />
        <rect class="chart-left" x=${x} y=${left.y} width=${wide} height=${left.height} />
        <rect class="chart-saved" x=${x} y=${saved.y} width=${wide} height=${saved.height} />
        <rect class="chart-grown" x=${x} y=${grown.y} width=${wide} height=${grown.height} />
      </g>
    `;
  };
  return html`
    <div class="chart">
      <svg width=${widthPx} height=${HEIGHT_PX} role="group" aria-label="${label}. Arrow keys go from bar to bar.">
        <g transform="translate(0 ${MARGIN_PX.top})" aria-hidden="true">
          ${steps.map((step) => {
            const y = height - (step / highest) * height;
            return html`
              <g key=${step}>
                <line class="chart-line" x1=${MARGIN_PX.left} x2=${widthPx} y1=${y} y2=${y} />
                <text class="chart-text" x=${MARGIN_PX.left - 8} y=${y} dy="0.32em" text-anchor="end">${bytes(step)}</text>
              </g>
            `;
          })}
          ${labelled(sums.length, width, LABEL_PX).map((number) => {
            const { place } = placed[number];
            const x = MARGIN_PX.left + place.x + place.width / 2;
            const text = short(sums[number]);
        return html`<text key=${number} class="chart-text" x=${x} y=${height + 18} text-anchor="middle">${text}</text>`;
          })}
        </g>
        <g ref=${bars} transform="translate(${MARGIN_PX.left} ${MARGIN_PX.top})" onKeyDown=${press}>${sums.map(bar)}</g>
      </svg>
      ${shown !== null && sums[shown] && html`
        <${Tip} sum=${sums[shown]} title=${long(sums[shown])} at=${placed[shown].place} widthPx=${widthPx} />
      `}
    </div>
  `;
}

/** What a bar says; screen readers have it from the bar itself. */
const Tip = ({ sum, title, at, widthPx }) => {
  const middlePx = MARGIN_PX.left + at.x + at.width / 2;
  const side = middlePx > widthPx / 2 ? { right: `${widthPx - middlePx}px` } : { left: `${middlePx}px` };
  return html`
    <div class="chart-tip" aria-hidden="true" style=${{ left: "auto", right: "auto", ...side }}>
      <b>${title}</b>
      <span>${inWords(sum)}</span>
      ${sum.files > 0 && html`<span class="saved">${inPercent(sum)}</span>`}
    </div>
  `;
};

/** The same as `Chart` in a table; `head` names the first column. The newest row comes first. */
export const ChartTable = ({ sums, long, head }) => html`
  <div class="chart-table" tabIndex="0" role="region" aria-label="Savings as a table">
    <table class="table">
      <thead>
        <tr><th scope="col">${head}</th><th class="number" scope="col">Files</th>
          <th class="number" scope="col">Before</th>
          <th class="number" scope="col">After</th><th class="number" scope="col">Saved</th></tr>
      </thead>
      <tbody>
        ${[...sums].reverse().map(
          (sum) => html`
          <tr key=${long(sum)}>
            <th scope="row">${long(sum)}</th>
            <td class="number">${count(sum.files)}</td>
            <td class="number">${bytes(sum.before_bytes)}</td>
            <td class="number">${bytes(sum.after_bytes)}</td>
            <td class="number">${bytes(sum.saved_bytes)}</td>
          </tr>
        `,
        )}
      </tbody>
    </table>
  </div>
`;
