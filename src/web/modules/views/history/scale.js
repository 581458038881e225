// The geometry of the history's charts: from numbers to places in a picture.
//
// Promises: pure; lengths are in the picture's own units; a chart of nothing, of one value and of zeros is well formed.
// Never in here: the DOM, colours, what the numbers are called.

/**
 * Round numbers from 0 to at least `highest`, in at most `most` steps of 1, 2 or 5 times a power of ten. At least one
 * step.
 */
export function ticks(highest, most) {
  if (!(highest > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(highest / most));
  const step = [1, 2, 5, 10, 20].map((times) => times * power).find((size) => Math.ceil(highest / size) <= most);
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, number) => number * step);
}

/** From values between 0 and `highest` to lengths between 0 and `length`. */
export const linear = (highest, length) => (value) => (highest > 0 ? (value / highest) * length : 0);

/**
 * What became of some bytes: `left` of those before, `saved`, and `grown` beyond what they were. One of the last two is
 * 0.
 */
export function parts({ before_bytes: before, after_bytes: after }) {
  return { left: Math.min(before, after), saved: Math.max(0, before - after), grown: Math.max(0, after - before) };
}

/**
 * Standing bars over a width, one for each sum: `{x, width, left, saved, grown}`, of which the last three are
 * `{y, height}` in a picture that is `height` high with 0 at its foot.
 */
export function standingBars(sums, { width, height, highest }) {
  const place = width / Math.max(1, sums.length);
  const barWidth = Math.max(1, Math.min(place - Math.min(6, place * 0.3), 40));
  const toLength = linear(highest, height);
  return sums.map((sum, number) => {
    const { left, saved, grown } = parts(sum);
    const leftHeight = toLength(left);
    const above = (bytes) => ({ y: height - leftHeight - toLength(bytes), height: toLength(bytes) });
    return {
      x: number * place + (place - barWidth) / 2,
      width: barWidth,
      place: { x: number * place, width: place },
      left: { y: height - leftHeight, height: leftHeight },
      saved: above(saved),
      grown: above(grown),
    };
  });
}

/** Which of `count` bars have a label below, so that labels of `labelWidth` do not touch: the last one always has. */
export function labelled(count, width, labelWidth) {
  const every = Math.max(1, Math.ceil((labelWidth * count) / Math.max(1, width)));
  return Array.from({ length: count }, (_, number) => number).filter((number) => (count - 1 - number) % every === 0);
}
