// Which rows of a long list are on screen, which of its pages are fetched and dropped.

import assert from "node:assert/strict";
import test from "node:test";

import {
  dragScroll,
  gapAt,
  KEPT_PAGES,
  pagesOf,
  pagesToDrop,
  pagesToFetch,
  rowsOnScreen,
  rowsThatFit,
} from "../../src/web/modules/lib/window.js";

test("the rows on screen are rendered with some to spare, and never more than there are", () => {
  const screen = { screenPx: 440, rowPx: 44, count: 100_000, spareRows: 4 };
  for (const [scrolledPx, count, expected] of [
    [0, 100_000, [0, 14]],
    [-300, 100_000, [0, 8]],
    [44 * 1000, 100_000, [996, 1014]],
    [44 * 1000 + 1, 100_000, [996, 1015]],
    [44 * 99_990, 100_000, [99_986, 100_000]],
    [44 * 500_000, 100_000, [100_000, 100_000]],
    [0, 3, [0, 3]],
    [0, 0, [0, 0]],
    [-5000, 100_000, [0, 0]],
  ]) {
    const { first, end } = rowsOnScreen({ ...screen, scrolledPx, count });
    assert.deepEqual([first, end], expected, `scrolled ${scrolledPx} of ${count}`);
  }
});

test("wherever a list is scrolled to, each row that is seen is rendered", () => {
  for (let scrolledPx = -200; scrolledPx < 44 * 300; scrolledPx += 37) {
    const { first, end } = rowsOnScreen({ scrolledPx, screenPx: 500, rowPx: 44, count: 300, spareRows: 0 });
    for (let row = 0; row < 300; row += 1) {
      const isSeen = (row + 1) * 44 > scrolledPx && row * 44 < scrolledPx + 500;
      if (isSeen) assert.ok(first <= row && row < end, `row ${row} at ${scrolledPx}`);
    }
    assert.ok(end - first <= Math.ceil(500 / 44) + 1);
  }
});

test("pages are those that the rows are on", () => {
  for (const [range, expected] of [
    [{ first: 0, end: 0 }, []],
    [{ first: 0, end: 100 }, [0]],
    [{ first: 0, end: 101 }, [0, 1]],
    [{ first: 199, end: 201 }, [1, 2]],
  ]) {
    assert.deepEqual(pagesOf(range), expected);
  }
});

test("what is on screen is fetched first, then what comes after it and before it", () => {
  const all = () => true;
  const range = { first: 450, end: 520 };
  assert.deepEqual(pagesToFetch(range, 1000, all), [4, 5, 6, 3]);
  assert.deepEqual(pagesToFetch(range, 520, all), [4, 5, 3]);
  assert.deepEqual(pagesToFetch({ first: 0, end: 20 }, 20, all), [0]);
  assert.deepEqual(pagesToFetch({ first: 0, end: 0 }, 0, all), []);
  assert.deepEqual(
    pagesToFetch(range, 1000, (page) => page !== 5),
    [4, 6, 3],
  );
});

test("pages far from the screen are dropped, and none that would be fetched again at once", () => {
  const range = { first: 2000, end: 2030 };
  const near = [20 - KEPT_PAGES, 19, 20, 21, 20 + KEPT_PAGES];
  assert.deepEqual(pagesToDrop([0, ...near, 21 + KEPT_PAGES, 400], range), [0, 21 + KEPT_PAGES, 400]);
  const dropped = pagesToDrop([...Array(1000).keys()], range);
  assert.equal(
    dropped.some((page) => pagesToFetch(range, 100_000, () => true).includes(page)),
    false,
  );
  assert.deepEqual(pagesToDrop([0, 1], { first: 0, end: 0 }), []);
});

test("a list is cut where no browser could scroll to its end", () => {
  assert.equal(rowsThatFit(100_000, 68), 100_000);
  assert.equal(rowsThatFit(1_000_000, 68), 250_000);
  assert.equal(rowsThatFit(0, 44), 0);
});

test("a dragged row lands in the nearest gap", () => {
  for (const [pointPx, expected] of [
    [-100, 0],
    [0, 0],
    [21, 0],
    [23, 1],
    [66, 2],
    [9999, 5],
  ]) {
    assert.equal(gapAt(pointPx, 44, 5), expected, `at ${pointPx}`);
  }
});

test("a drag scrolls only near the edges, and faster the nearer", () => {
  assert.equal(dragScroll(400, 0, 800), 0);
  assert.ok(dragScroll(20, 0, 800) < 0);
  assert.ok(dragScroll(790, 0, 800) > 0);
  assert.ok(dragScroll(5, 0, 800) < dragScroll(40, 0, 800));
  assert.equal(dragScroll(900, 0, 800), dragScroll(800, 0, 800));
});
