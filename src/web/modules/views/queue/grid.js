// A list of any length as a grid of which only the rows on screen are there.
//
// Promises: the page scrolls as if all rows were there; what is not here yet is a placeholder of the same height; one
// row takes part in the order of Tab, and stays when it is scrolled away, so that the focus is never lost; screen
// readers are told how many rows there are and which one this is.
// Never in here: what rows show, what is done with them, where they come from.

import { count as shownCount } from "../../lib/format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../lib/html.js";
import { rowsOnScreen, rowsThatFit } from "../../lib/window.js";
import { taskAt } from "./pages.js";

const SPARE_ROWS = 4;
/** Of the font's size: rows of one line, and of two where the screen is narrow. */
const ROW_REM = 2.75;
const NARROW_ROW_REM = 4.25;
const NARROW = window.matchMedia("(max-width: 699px)");

const rootFontPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const rowHeightPx = () => Math.round(rootFontPx() * (NARROW.matches ? NARROW_ROW_REM : ROW_REM));

/** The height of a row, in px, as the screen is now. */
export function useRowHeight() {
  const [rowPx, setRowPx] = useState(rowHeightPx);
  useEffect(() => {
    const measure = () => setRowPx(rowHeightPx());
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, []);
  return rowPx;
}

/** The rows to render; `body` is the element that is as high as all of them. */
function useRowsOnScreen(body, rowPx, count) {
  const [rows, setRows] = useState({ first: 0, end: 0 });
  useLayoutEffect(() => {
    const look = () => {
      const scrolledPx = -body.current.getBoundingClientRect().top;
      const now = rowsOnScreen({ scrolledPx, screenPx: window.innerHeight, rowPx, count, spareRows: SPARE_ROWS });
      setRows((before) => (before.first === now.first && before.end === now.end ? before : now));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [rowPx, count]);
  return rows;
}

/** The numbers of rows to render: those on screen, and the one that has, or had, the focus. */
function numbersOf({ first, end }, active, count) {
  const numbers = Array.from({ length: end - first }, (_, at) => first + at);
  const isElsewhere = active >= 0 && active < count && (active < first || active >= end);
  return isElsewhere ? [...numbers, active] : numbers;
}

/**
 * Puts the focus on the active row where `focus`, a ref, asks for it ("move": and brings the row in sight), and where a
 * row had it and would lose it: because its element was moved, or because its task is in another row now.
 */
function useActiveRow(body, active, focus) {
  const before = document.activeElement;
  const wasInside = body.current?.contains(before) ?? false;
  const wasOnRow = wasInside && before.dataset.row !== undefined;
  useLayoutEffect(() => {
    const now = document.activeElement;
    const isLost = wasInside && now === document.body;
    const isElsewhere = wasOnRow && body.current.contains(now) && now.dataset.row !== String(active);
    const row = (focus.current || isLost || isElsewhere) && body.current.querySelector(`[data-row="${active}"]`);
    if (!row) return;
    row.focus({ preventScroll: true });
    if (focus.current === "move") row.scrollIntoView({ block: "nearest" });
    focus.current = null;
  });
}

/**
 * `columns`: [{key, title, sorts, isHidden}]; one with `sorts` (`{up, down}`, names of the API) is sorted by its
 * heading. `list`: of pages.js. `active`: the number of the row that Tab comes to. `focus`: a ref, see `useActiveRow`.
 * `body`: a ref of the element that has the rows; handlers in `on` are called for all of them. `Row`: shows a task, or
 * that it is not known yet (`task`: null), always by the same element, so that the focus stays on it; `row(task,
 * number)`: its further properties. `over`: what lies over the rows, as the mark of a drag. `kinds`: "may-choose" and
 * "may-drag".
 */
export function Grid(props) {
  const {
    label,
    columns,
    list,
    isOld,
    sort,
    onSort,
    onSee,
    active,
    focus,
    body,
    rowPx,
    Row,
    row,
    over,
    on,
    kinds = [],
  } = props;
  const total = list.total ?? 0;
  const count = rowsThatFit(total, rowPx);
  const rows = useRowsOnScreen(body, rowPx, count);
  useEffect(() => onSee(rows), [rows, list.total]);
  useActiveRow(body, active, focus);
  return html`
    <div class="rows ${kinds.join(" ")} ${isOld ? "old" : ""}" role="grid" aria-label=${label}
      aria-rowcount=${total + 1} aria-multiselectable=${kinds.includes("may-choose")} aria-busy=${isOld} ...${on}>
      <${Headings} columns=${columns} sort=${sort} onSort=${onSort} />
      <div class="rows-body" role="rowgroup" ref=${body}
        style=${{ height: `${count * rowPx}px`, "--row-height": `${rowPx}px` }}>
        ${numbersOf(rows, active, count).map((number) => {
          const task = taskAt(list, number);
          const place = { key: number, number, topPx: number * rowPx, isActive: number === active };
          return html`<${Row} ...${place} task=${task} ...${task && row(task, number)} />`;
        })}
        ${over}
      </div>
    </div>
    ${
      count < total &&
      html`
      <p class="rows-end small quiet-text">
        The first ${shownCount(count)} of ${shownCount(total)}; search, or choose another order, for the others.
      </p>
    `
    }
  `;
}

const ARIA_SORT = { up: "ascending", down: "descending" };

const Headings = ({ columns, sort, onSort }) => html`
  <div class="row headings" role="row" aria-rowindex="1">
    ${columns.map(({ key, title, sorts, isHidden }) => {
      const direction = sorts && Object.keys(ARIA_SORT).find((one) => sorts[one] === sort);
      const content = () => {
        if (isHidden) return html`<span class="visually-hidden">${title}</span>`;
        if (!sorts) return title;
        const next = direction === "down" || !sorts.down ? (sorts.up ?? sorts.down) : sorts.down;
        const sort = () => onSort(next);
        return html`<button type="button" class="sort ${direction ?? ""}" onClick=${sort}>${title}</button>`;
      };
      return html`
        <div key=${key} class="cell cell-${key}" role="columnheader" aria-sort=${ARIA_SORT[direction]}>
          ${content()}
        </div>
      `;
    })}
  </div>
`;
