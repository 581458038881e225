// What the page says of a receipt. The receipt is the one whose form the service's own test freezes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  changes,
  comparisons,
  complaints,
  container,
  framesPerSecond,
  language,
  leftBecause,
  light,
  losses,
  making,
  outputTitle,
  quality,
  shape,
  table,
} from "../../src/web/modules/views/task/receipt.js";

const frozen = () => JSON.parse(readFileSync(new URL("../../src/receipt/frozen.json", import.meta.url), "utf8"));
const plain = (text) => text?.replaceAll("\u00a0", " ") ?? text;
const rows = (group) => group.rows.map((row) => [row.name, plain(row.source), plain(row.output), row.changed]);

test("source and result stand beside each other, file first, then stream by stream", () => {
  const [file, video, audio, subtitles] = table(frozen());
  assert.deepEqual(rows(file), [
    ["File", "input/720/Holiday.mov", "output/720/Holiday.mp4", true],
    ["Container", "MP4/QuickTime", "MP4/QuickTime", false],
    ["Size", "4.0 MB", "1.0 MB", true],
    ["Length", "0:10.000", "0:10.000", false],
    ["Frames", "250", "250", false],
    ["Chapters", "1", null, true],
  ]);
  assert.equal(video.title, "Video 0");
  assert.deepEqual([video.fate, video.fateText], ["encoded", "Encoded"]);
  assert.deepEqual(rows(video), [
    ["Codec", "H.265 (HEVC)", "H.265 (HEVC)", false],
    ["Picture", "3840 × 2160, 9:16", "720 × 1280, 9:16", true],
    ["Frame rate", "25 fps", "25 fps", false],
    ["Depth", "10 bit, yuv420p10le", "10 bit, yuv420p10le", false],
    ["Light", "HDR10", "HDR10", false],
    ["Colours", "bt2020 / PQ / bt2020nc, limited range", "bt2020 / PQ / bt2020nc, limited range", false],
    [
      "HDR",
      "mastered for 0.005 to 1000 cd/m², MaxCLL, MaxFALL 1000,200",
      "mastered for 0.005 to 1000 cd/m², MaxCLL, MaxFALL 1000,200",
      false,
    ],
    ["Turned", "90° clockwise by the player", null, true],
    ["Bit rate", "3000 kbit/s", "700 kbit/s", true],
    ["Flags", "default", null, true],
  ]);
  assert.equal(audio.title, "Audio 1 · English");
  assert.deepEqual(rows(audio)[1], ["Channels", "5.1(side)", "5.1", true]);
  assert.equal(subtitles.title, "Subtitles 2");
  assert.deepEqual([subtitles.fate, subtitles.fateText], ["lost", "Not in the result: an example"]);
});

test("every stream of both sides is shown once, whatever became of it", () => {
  const receipt = frozen();
  receipt.source.streams.push({ index: 3, kind: "data", codec_tag: "tmcd", disposition: [] });
  receipt.source.streams.push({ index: 4, kind: "data", codec: "klv", disposition: [] });
  receipt.output.streams[1].treatment = "copied";
  receipt.output.streams.push({ index: 2, kind: "data", codec_tag: "tmcd", disposition: [] });
  receipt.output.streams.push({ index: 3, kind: "subtitle", codec: "mov_text", disposition: [] });
  assert.deepEqual(
    table(receipt)
      .slice(1)
      .map(({ title, fate }) => [title, fate]),
    [
      ["Video 0", "encoded"],
      ["Audio 1 · English", "copied"],
      ["Subtitles 2", "lost"],
      ["Data 3", "anew"],
      ["Data 4", "none"],
      ["Subtitles", "added"],
    ],
  );
});

test("a file that was left as it is has one side, and says why", () => {
  const receipt = frozen();
  const why = {
    reason: "it would not be smaller",
    min_saving_percent: 5,
    projected_bytes: 3_900_000,
    encoded_percent: 12.4,
    result_bytes: null,
    output_holds: "copy",
  };
  Object.assign(receipt, { outcome: "not_smaller", output: null, lost: [], notes: [], not_smaller: why });
  assert.ok(
    table(receipt)
      .slice(1)
      .every(({ fate, rows: all }) => fate === "left" && all.every((row) => row.output === null && !row.changed)),
  );
  assert.equal(outputTitle(receipt), "Output: a copy of the source");
  assert.deepEqual(leftBecause(receipt).map(plain), [
    "it would not be smaller",
    "it would have come to 3.9 MB, known after 12 % of the encode, at least 5 % must be saved",
  ]);
  assert.deepEqual(comparisons(receipt), []);
  assert.equal(outputTitle(frozen()), "Result");
  assert.deepEqual(leftBecause(frozen()), []);
});

test("what may be compared by numbers is, and a difference is told", () => {
  const receipt = frozen();
  const told = () => comparisons(receipt).map(({ name, text, same }) => [name, text, same]);
  assert.deepEqual(told(), [
    ["Length", "the same, 0:10.000", true],
    ["Frames", "all 250", true],
    ["Streams", "2 of 3 in the result", false],
    ["Chapters", "0 of 1", false],
    ["Source", "decoded without complaint", true],
  ]);
  receipt.output.duration_seconds = 9.5;
  receipt.output.frames = 249;
  receipt.decoder_complaints = "x";
  assert.deepEqual(
    told().filter(([, , same]) => same),
    [],
  );
  receipt.output.duration_seconds = 9.96;
  assert.deepEqual(told()[0], ["Length", "0.04 s apart", true]);
  delete receipt.output.frames;
  assert.equal(told().length, 4);
});

test("a complaint that comes again and again is told once", () => {
  assert.deepEqual(complaints({ decoder_complaints: "a\nb\na\n\na\n" }), ["a (3 times)", "b"]);
  assert.deepEqual(complaints({ decoder_complaints: null }), []);
});

test("what is lost is told by its weight, and not once more among the changes", () => {
  const receipt = frozen();
  receipt.lost.unshift({ what: "the title", reason: "no room for it", weight: "detail" });
  receipt.notes.push("subtitles 2 (subrip) is not carried: an example");
  assert.deepEqual(
    losses(receipt).map(({ what, weight }) => [what, weight]),
    [
      ["subtitles 2 (subrip)", "noticed"],
      ["the title", "detail"],
    ],
  );
  assert.deepEqual(changes(receipt), ["video 0 (hevc): turned upright, so no player has to", "the name was taken"]);
});

test("quality is told with what it was measured on, or why it was not", () => {
  const of = (measured) => quality({ quality: measured });
  const { figures, on } = of(frozen().quality);
  assert.deepEqual(
    figures.map(({ name, value }) => [name, value]),
    [["SSIM", "17.9 dB"]],
  );
  assert.equal(on, "measured on 8 samples of 2 s");
  assert.equal(of({ measured_on: "nothing: it is too short", ssim_db: null }).on, "not measured: it is too short");
  assert.equal(of(null).on, "not measured");
  const search = {
    metric: "vmaf",
    target: 94,
    crf: 24,
    probes: [
      { crf: 20, value: 96.123 },
      { crf: 24, value: 94.1, chunks: 8 },
    ],
    tried_on: "24 samples",
    reached_on_trial: 94.1,
    reached: null,
    note: "crf_max = 40 was the bound",
    seconds: 80,
  };
  assert.deepEqual(of({ ...frozen().quality, search }).search.map(plain), [
    "Target vmaf 94: CRF 24 gave 94.10 on trial, the result was not measured",
    "Tried on 24 samples, in 1 min: CRF 20 gave 96.12, 24 gave 94.10 by chunks",
    "crf_max = 40 was the bound",
  ]);
});

test("how it was made is told as far as it is known", () => {
  assert.deepEqual(
    making(frozen()).map(({ name, value }) => [name, plain(value)]),
    [
      ["Encode", "5 s"],
      ["With checks", "6 s"],
      ["Speed", "2.00× realtime, 50.0 fps"],
      ["Profile", "medium, preset medium, CRF 26"],
      ["x265 parameters", "ref=4"],
      ["Programs", "ffmpeg 5.1.9, x265 3.5+1"],
    ],
  );
  const nothing = {
    encoder: null,
    time: { encode_seconds: null, total_seconds: null },
    speed: { realtime: null, frames_per_second: null },
  };
  assert.deepEqual(making(nothing), []);
});

test("shapes, rates, languages, light and containers are in the usual words", () => {
  for (const [aspect, expected] of [
    [1.7778, "16:9"],
    [1.779, "16:9"],
    [2.3888, "2.39:1"],
    [0.5625, "9:16"],
    [0, null],
  ]) {
    assert.equal(shape(aspect), expected);
  }
  for (const [text, expected] of [
    ["25/1", 25],
    ["24000/1001", 24000 / 1001],
    ["30/0", null],
    ["x", null],
    [undefined, null],
    ["50", 50],
  ]) {
    assert.equal(framesPerSecond(text), expected);
  }
  for (const [code, expected] of [
    ["eng", "English"],
    ["ger", "German"],
    ["und", null],
    [undefined, null],
    ["qaa", "qaa"],
    ["not a code", "not a code"],
  ]) {
    assert.equal(language(code), expected);
  }
  for (const [stream, expected] of [
    [{}, "SDR"],
    [{ colour: { transfer: "bt709" } }, "SDR"],
    [{ colour: { transfer: "arib-std-b67" } }, "HLG"],
    [{ colour: { transfer: "smpte2084" } }, "HDR (PQ)"],
    [{ colour: { transfer: "smpte2084" }, hdr: { hdr10_plus: true } }, "HDR10+"],
    [
      {
        colour: { transfer: "smpte2084" },
        hdr: { content_light: "1,1", dolby_vision: { profile: 8, compatibility: 1 } },
      },
      "Dolby Vision 8.1, HDR10",
    ],
    [{ colour: {}, hdr: { dolby_vision: { profile: null } } }, "Dolby Vision"],
  ]) {
    assert.equal(light(stream), expected);
  }
  assert.equal(container("matroska,webm"), "Matroska");
  assert.equal(container("rm"), "rm");
});
