// Moments of a film: which one a key, a slider or an address means. Pure.
//
// Promises: a moment is the beginning of a picture, inside the film; forwards and back again is the same picture.
// Never in here: pictures, elements.

import { UNKNOWN } from "../../lib/format.js";

/** Where nothing is known of the film's pictures. */
const DEFAULT_RATE = 25;
/** Where one looks first: titles are over, and the film is not. */
const FIRST_LOOK = 0.3;
/** Pages of a scrubber, as of a range. */
const PAGE = 0.1;

/**
 * `{durationSeconds, framesPerSecond, frames}` of a film; null where its length is not known.
 * @param counted how many pictures it has, if that is known: it may be over before its sound is
 */
export const filmOf = (durationSeconds, framesPerSecond, counted = null) => {
  if (!(durationSeconds > 0)) return null;
  const rate = framesPerSecond > 0 ? framesPerSecond : DEFAULT_RATE;
  // The last picture of a file is often half a picture early.
  const frames = Math.min(Math.floor(durationSeconds * rate - 0.5), counted ?? Infinity);
  return { durationSeconds, framesPerSecond: rate, frames: Math.max(1, frames) };
};

/** The number of the picture that is shown at a time, counted from 0. */
export const frameAt = (film, seconds) =>
  Math.min(film.frames - 1, Math.max(0, Math.floor(seconds * film.framesPerSecond + 0.05)));

/** When a picture begins, in seconds. */
export const secondsOf = (film, frame) => Math.min(film.frames - 1, Math.max(0, frame)) / film.framesPerSecond;

export const firstLook = (film) => frameAt(film, film.durationSeconds * FIRST_LOOK);

/** Which picture a key leads to; null when the key means nothing. */
export const frameByKey = (film, frame, { key, shiftKey = false }) => {
  const second = Math.max(1, Math.round(film.framesPerSecond));
  const step = shiftKey ? second : 1;
  const page = Math.max(second, Math.round(film.frames * PAGE));
  const to = {
    ArrowLeft: frame - step,
    ArrowDown: frame - step,
    ArrowRight: frame + step,
    ArrowUp: frame + step,
    PageDown: frame - page,
    PageUp: frame + page,
    Home: 0,
    End: film.frames - 1,
  }[key];
  return to === undefined ? null : Math.min(film.frames - 1, Math.max(0, to));
};

/** A time in a film as `1:02:03.456`, to the millisecond. */
export const exactTime = (seconds) => {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const ms = Math.round(Math.max(0, seconds) * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const tail = `${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
};

const WIDTHS = [640, 1280, 1920, 2560, 3840];

/** The width of picture to ask for, in pixels: a few sizes, so that a window that grows does not ask anew each time. */
export const widthFor = (shownPixels) => WIDTHS.find((width) => width >= shownPixels) ?? WIDTHS.at(-1);

/**
 * Does `work(what, signal)` for the newest of what it is asked for, one at a time: what was asked for in between is
 * left out, and work under way is finished first, so that something is seen while a slider moves.
 */
export const newestFirst = (work) => {
  let next = null;
  let isWorking = false;
  const ended = new AbortController();
  const run = async () => {
    isWorking = true;
    while (next !== null && !ended.signal.aborted) {
      const { what } = next;
      next = null;
      await work(what, ended.signal);
    }
    isWorking = false;
  };
  return {
    ask: (what) => {
      next = { what };
      if (!isWorking) run();
    },
    end: () => ended.abort(),
  };
};
