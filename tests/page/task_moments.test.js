// Moments of a film, as scrubber and keys mean them.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  exactTime,
  filmOf,
  firstLook,
  frameAt,
  frameByKey,
  newestFirst,
  secondsOf,
  widthFor,
} from "../../src/web/modules/views/task/moments.js";

const FILM = filmOf(10, 24000 / 1001);

test("forwards and back again is the same picture, at every picture", () => {
  for (let frame = 0; frame < FILM.frames; frame += 1) {
    assert.equal(frameAt(FILM, secondsOf(FILM, frame)), frame);
    // As an address with milliseconds says it.
    assert.equal(frameAt(FILM, Number(secondsOf(FILM, frame).toFixed(3))), frame);
  }
});

test("every moment lies in the film", () => {
  for (const seconds of [-5, 0, 9.99, 10, 1e9]) {
    const at = secondsOf(FILM, frameAt(FILM, seconds));
    assert.ok(at >= 0 && at < 10, `${seconds}: ${at}`);
  }
  assert.equal(filmOf(0.01, 25).frames, 1, "a film has a picture");
  assert.equal(filmOf(10, 25, 240).frames, 240, "it is over before its sound is");
  assert.equal(filmOf(10, 25, 400).frames, 249, "of pictures at uneven times there may be more");
  for (const unknown of [null, undefined, 0, NaN]) assert.equal(filmOf(unknown, 25), null);
  assert.equal(filmOf(10, null).framesPerSecond, 25);
  assert.ok(firstLook(FILM) > 0 && firstLook(FILM) < FILM.frames);
});

test("keys go by a picture, a second, a tenth, or to the ends", () => {
  const film = filmOf(100, 25);
  for (const [key, shiftKey, expected] of [
    ["ArrowRight", false, 1001],
    ["ArrowUp", false, 1001],
    ["ArrowLeft", false, 999],
    ["ArrowDown", true, 975],
    ["ArrowRight", true, 1025],
    ["PageUp", false, 1250],
    ["PageDown", false, 750],
    ["Home", false, 0],
    ["End", false, 2498],
    ["a", false, null],
    ["Tab", true, null],
  ]) {
    assert.equal(frameByKey(film, 1000, { key, shiftKey }), expected, key);
  }
  assert.equal(frameByKey(film, 0, { key: "ArrowLeft" }), 0);
  assert.equal(frameByKey(film, 2498, { key: "PageUp" }), 2498);
});

test("times are told to the millisecond", () => {
  for (const [seconds, expected] of [
    [0, "0:00.000"],
    [61.5, "1:01.500"],
    [3723.0426, "1:02:03.043"],
    [59.9999, "1:00.000"],
    [NaN, "–"],
  ]) {
    assert.equal(exactTime(seconds), expected);
  }
});

test("pictures come in few widths, never too small and never enlarged beyond the most", () => {
  for (const [shown, expected] of [
    [1, 640],
    [640, 640],
    [641, 1280],
    [1800, 1920],
    [9000, 3840],
  ]) {
    assert.equal(widthFor(shown), expected);
  }
});

test("while a slider moves the picture under way is finished, then the newest one is made", async () => {
  const done = [];
  const gates = [];
  const work = (what) => new Promise((resolve) => gates.push(() => resolve(done.push(what))));
  const pictures = newestFirst(work);
  for (const what of [1, 2, 3, 4]) pictures.ask(what);
  assert.equal(gates.length, 1);
  gates[0]();
  await new Promise(setImmediate);
  assert.equal(gates.length, 2);
  gates[1]();
  await new Promise(setImmediate);
  assert.deepEqual(done, [1, 4]);
  pictures.ask(0);
  await new Promise(setImmediate);
  assert.equal(gates.length, 3, "0 is asked for like any other");
});

test("a view that is left asks for no more pictures", async () => {
  const asked = [];
  const pictures = newestFirst(async (what) => {
    asked.push(what);
    pictures.end();
  });
  pictures.ask(1);
  pictures.ask(2);
  await new Promise(setImmediate);
  pictures.ask(3);
  await new Promise(setImmediate);
  assert.deepEqual(asked, [1]);
});
