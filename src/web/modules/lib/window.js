// Which part of a long list is on screen, which pages of it are to be fetched, and where a dragged row would land.
//
// Promises: pure; all numbers of pixels are those of the layout (CSS pixels); ranges are half open (`first` to before
// `end`). Rows are of one height: that is what makes any place of 100,000 rows findable without rendering the rest.
// Never in here: the DOM, requests, what a row shows.

/** Rows that one request brings. */
export const PAGE_ROWS = 100;
/** Pages on either side of the screen that are kept; those farther away are dropped. */
export const KEPT_PAGES = 6;
/** No browser makes an element higher than 17,895,697 px (Firefox); others end at 33 million. */
const HIGHEST_PX = 17_000_000;
/** Near the upper and lower edge a drag scrolls. */
const EDGE_PX = 56;
const EDGE_SPEED_PX = 18;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The rows to render: those on screen, and `spareRows` above and below.
 * `scrolledPx`: how far the list's top is above that of the screen; negative while it is below.
 */
export function rowsOnScreen({ scrolledPx, screenPx, rowPx, count, spareRows }) {
  const first = clamp(Math.floor(scrolledPx / rowPx) - spareRows, 0, count);
  const end = clamp(Math.ceil((scrolledPx + screenPx) / rowPx) + spareRows, first, count);
  return { first, end };
}

/** How many of `count` rows a page can be high enough for: 250,000 rows of 68 px. */
export const rowsThatFit = (count, rowPx) => Math.min(count, Math.floor(HIGHEST_PX / rowPx));

/** The page that a row is on, from 0. */
export const pageOf = (row) => Math.floor(row / PAGE_ROWS);

/** The pages that rows are on, in order. */
export function pagesOf({ first, end }) {
  if (end <= first) return [];
  const from = pageOf(first);
  return Array.from({ length: pageOf(end - 1) - from + 1 }, (_, number) => from + number);
}

/**
 * The pages to fetch now, the most wanted first: those on screen, then the one after and the one before, so that a slow
 * scroll never meets a placeholder. `isWanted(page)`: it is neither here and fresh nor on its way.
 */
export function pagesToFetch(range, count, isWanted) {
  const seen = pagesOf(range);
  if (seen.length === 0) return [];
  const last = pageOf(count - 1);
  const around = [seen[seen.length - 1] + 1, seen[0] - 1];
  return [...seen, ...around].filter((page) => page >= 0 && page <= last && isWanted(page));
}

/** Those of `pages` that are too far from what is on screen to be kept. */
export function pagesToDrop(pages, range) {
  const seen = pagesOf(range);
  if (seen.length === 0) return [];
  return pages.filter((page) => page < seen[0] - KEPT_PAGES || page > seen[seen.length - 1] + KEPT_PAGES);
}

/** The gap between rows that is nearest to a point: 0 is before the first row, `count` after the last. */
export const gapAt = (pointPx, rowPx, count) => clamp(Math.round(pointPx / rowPx), 0, count);

/** By how much a drag scrolls in a frame with the pointer at `pointPx`, between the edges `topPx` and `bottomPx`. */
export function dragScroll(pointPx, topPx, bottomPx) {
  const over = (distance) => clamp(1 - distance / EDGE_PX, 0, 1);
  return Math.round(EDGE_SPEED_PX * (over(bottomPx - pointPx) - over(pointPx - topPx)));
}
