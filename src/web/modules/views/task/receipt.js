// A receipt as a person reads it: file and streams, source beside result, then what was changed, lost, checked and
// measured. Pure: a receipt (version 1, as GET /tasks/{id}/receipt gives it) in, texts in rows out.
//
// Promises: everything that the receipt says was lost is in a row; what neither side has is left out; a receipt of
// another version is not guessed at.
// Never in here: elements, requests.

import { bytes, count, counted, duration } from "../../lib/format.js";
import { exactTime } from "./moments.js";

export const VERSION = 1;

const CONTAINERS = [
  ["mp4", "MP4/QuickTime"],
  ["matroska", "Matroska"],
  ["mpegts", "MPEG transport stream"],
  ["mpeg", "MPEG program stream"],
  ["avi", "AVI"],
  ["asf", "ASF (WMV)"],
  ["flv", "Flash video"],
];
const CODECS = {
  hevc: "H.265 (HEVC)",
  h264: "H.264 (AVC)",
  av1: "AV1",
  vp8: "VP8",
  vp9: "VP9",
  mpeg2video: "MPEG-2",
  mpeg4: "MPEG-4 Part 2",
  aac: "AAC",
  ac3: "Dolby Digital (AC-3)",
  eac3: "Dolby Digital Plus (E-AC-3)",
  truehd: "Dolby TrueHD",
  dts: "DTS",
  flac: "FLAC",
  opus: "Opus",
  vorbis: "Vorbis",
  mp3: "MP3",
  mp2: "MP2",
  subrip: "SubRip (SRT)",
  ass: "ASS",
  mov_text: "MP4 text",
  webvtt: "WebVTT",
  hdmv_pgs_subtitle: "PGS pictures",
  dvd_subtitle: "DVD pictures",
};
const KINDS = {
  video: "Video",
  picture: "Cover picture",
  audio: "Audio",
  subtitle: "Subtitles",
  attachment: "Attachment",
  data: "Data",
  unknown: "Unknown stream",
};
const SHAPES = [
  [16, 9],
  [4, 3],
  [1, 1],
  [3, 2],
  [5, 4],
  [9, 16],
  [3, 4],
  [2, 3],
];
/** A side that was made even moves the shape by less. */
const SHAPE_TOLERANCE = 0.002;
const TRANSFERS = { smpte2084: "PQ", "arib-std-b67": "HLG" };
const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

const join = (parts, between = ", ") =>
  parts.filter((part) => part !== null && part !== undefined && part !== "").join(between);

/** `English`; the code itself where it is none that is known. */
export function language(code) {
  if (!code || code === "und") {
    return null;
  }
  try {
    return LANGUAGES.of(code) ?? code;
  } catch {
    return code;
  }
}

export const container = (formats) => CONTAINERS.find(([name]) => formats.split(",").includes(name))?.[1] ?? formats;

/** As `16:9`, else as `2.39:1`; null when it is not known. */
export function shape(aspect) {
  if (!(aspect > 0)) {
    return null;
  }
  const known = SHAPES.find(([width, height]) => Math.abs(aspect / (width / height) - 1) < SHAPE_TOLERANCE);
  return known ? known.join(":") : `${aspect.toFixed(2)}:1`;
}

/** Pictures a second of `24000/1001`; null when it is not known. */
export function framesPerSecond(text) {
  const [pictures, seconds = "1"] = (text ?? "").split("/");
  const rate = Number(pictures) / Number(seconds);
  return Number.isFinite(rate) && rate > 0 ? rate : null;
}

const bitRate = (bitsPerSecond) =>
  bitsPerSecond >= 10_000_000
    ? `${Math.round(bitsPerSecond / 1_000_000)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1000)} kbit/s`;

/** What kind of light the picture has: `SDR`, `HDR10`, `HLG`, `Dolby Vision 8.1`, several joined. */
export function light(stream) {
  const { colour = {}, hdr } = stream;
  const vision = hdr?.dolby_vision;
  const names = [
    vision && join(["Dolby Vision", join([vision.profile, vision.compatibility], ".")], " "),
    hdr?.hdr10_plus && "HDR10+",
    colour.transfer === "smpte2084" &&
      !hdr?.hdr10_plus &&
      (hdr?.mastering_display || hdr?.content_light ? "HDR10" : "HDR (PQ)"),
    colour.transfer === "arib-std-b67" && "HLG",
  ].filter(Boolean);
  return names.length > 0 ? names.join(", ") : "SDR";
}

/** Luminances are what a person can compare. */
function mastering(text) {
  const [, most, least] = /L\((\d+),(\d+)\)/.exec(text ?? "") ?? [];
  return most ? `mastered for ${Number(least) / 10_000} to ${Number(most) / 10_000} cd/m²` : null;
}

function hdrFigures({ hdr }) {
  return hdr
    ? join([mastering(hdr.mastering_display), hdr.content_light && `MaxCLL, MaxFALL ${hdr.content_light}`])
    : null;
}

function colours({ colour }) {
  if (!colour) {
    return null;
  }
  const tags = [...new Set([colour.primaries, colour.transfer, colour.matrix].filter(Boolean))];
  const ranges = { tv: "limited range", pc: "full range" };
  return join([tags.map((tag) => TRANSFERS[tag] ?? tag).join(" / "), ranges[colour.range] ?? colour.range]);
}

function turned({ rotation_degrees: degrees, mirrored }) {
  return join([mirrored && "mirrored", degrees && `${degrees}° clockwise by the player`].filter(Boolean)) || null;
}

function channels({ channels: number, layout }) {
  return layout ?? (number === undefined ? null : counted(number, "channel"));
}

const codec = (stream) => {
  const name = stream.codec ?? stream.codec_tag ?? "unknown";
  return join([CODECS[name] ?? name, stream.profile]);
};
const flags = ({ disposition }) => (disposition ?? []).filter((name) => name !== "attached_pic").join(", ");
const isFilm = ({ kind }) => kind === "video";
const hasPicture = ({ width }) => width !== undefined;
const hasSound = (stream) => stream.sample_rate_hz !== undefined;

/** What is said of a stream: a name, and its text or nothing. */
const STREAM_ROWS = [
  ["Codec", codec],
  [
    "Picture",
    (stream) => hasPicture(stream) && join([`${stream.width} × ${stream.height}`, shape(stream.display_aspect)]),
  ],
  [
    "Pixels",
    (stream) => hasPicture(stream) && stream.sample_aspect !== "1/1" && stream.sample_aspect.replace("/", ":"),
  ],
  [
    "Frame rate",
    (stream) =>
      isFilm(stream) &&
      framesPerSecond(stream.frame_rate) &&
      `${Number(framesPerSecond(stream.frame_rate).toFixed(3))} fps`,
  ],
  ["Lines", (stream) => isFilm(stream) && ["top_first", "bottom_first"].includes(stream.field_order) && "interlaced"],
  [
    "Depth",
    (stream) =>
      isFilm(stream) && join([stream.bit_depth > 0 && `${stream.bit_depth} bit`, stream.pixel_format].filter(Boolean)),
  ],
  ["Light", (stream) => isFilm(stream) && light(stream)],
  ["Colours", (stream) => isFilm(stream) && colours(stream)],
  ["HDR", (stream) => isFilm(stream) && hdrFigures(stream)],
  ["Turned", (stream) => isFilm(stream) && turned(stream)],
  ["Channels", (stream) => hasSound(stream) && channels(stream)],
  ["Sample rate", (stream) => hasSound(stream) && `${stream.sample_rate_hz / 1000} kHz`],
  ["Bit rate", (stream) => (isFilm(stream) || hasSound(stream)) && stream.bit_rate && bitRate(stream.bit_rate)],
  ["Language", (stream) => language(stream.language)],
  ["Title", (stream) => stream.title],
  ["Flags", flags],
];

function rowsOf(table, source, output) {
  return table
    .map(([name, text]) => {
      const of = (side) => (side && text(side)) || null;
      return { name, source: of(source), output: of(output) };
    })
    .filter((row) => row.source !== null || row.output !== null)
    .map((row) => ({ ...row, changed: output !== null && source !== null && row.source !== row.output }));
}

const FILE_ROWS = [
  ["File", ({ path }) => path],
  ["Container", ({ media }) => container(media.container)],
  ["Size", ({ media }) => bytes(media.size_bytes)],
  ["Length", ({ media }) => media.duration_seconds !== undefined && exactTime(media.duration_seconds)],
  ["Frames", ({ media }) => media.frames !== undefined && count(media.frames)],
  ["Chapters", ({ media }) => media.chapters.length > 0 && String(media.chapters.length)],
];

/** Each stream of the source with what became of it, then streams that only the output has. */
function pairs({ source, output, lost }) {
  const added = (output?.streams ?? []).filter((stream) => stream.source_index === undefined);
  const paired = source.streams.map((stream) => {
    const gone = lost.find((one) => one.stream === stream.index && one.weight !== "detail");
    let made = output?.streams.find((other) => other.source_index === stream.index);
    if (!made && !gone) {
      // The container writes a timecode anew by itself.
      const place = added.findIndex((other) => other.kind === stream.kind && other.codec_tag === stream.codec_tag);
      made = place >= 0 ? added.splice(place, 1)[0] : undefined;
    }
    return { source: stream, output: made ?? null, gone: gone ?? null };
  });
  return [...paired, ...added.map((stream) => ({ source: null, output: stream, gone: null }))];
}

function fateOf({ source, output, gone }, hasOutput) {
  if (gone) {
    return { fate: "lost", fateText: `Not in the result: ${gone.reason}` };
  }
  if (!source) {
    return { fate: "added", fateText: "Added" };
  }
  if (!hasOutput) {
    return { fate: "left", fateText: "Left as it is" };
  }
  if (!output) {
    return { fate: "none", fateText: "Not in the result" };
  }
  const fates = {
    copied: { fate: "copied", fateText: "Copied, bit for bit" },
    encoded: { fate: "encoded", fateText: "Encoded" },
  };
  return fates[output.treatment] ?? { fate: "anew", fateText: "Written anew by the container" };
}

/**
 * File and streams: `[{title, fate, fateText, rows: [{name, source, output, changed}]}]`; texts, null where a side
 * says nothing. `fate`: of a stream `encoded`, `copied`, `anew`, `lost`, `added`, `left` or `none`; of the file null.
 */
export function table(receipt) {
  const { source, output, task } = receipt;
  const side = (media, folder, path) => media && { media, path: path ? `${folder}/${path}` : null };
  const file = {
    title: "File",
    fate: null,
    fateText: null,
    rows: rowsOf(FILE_ROWS, side(source, "input", task.path), side(output, "output", task.output)),
  };
  const streams = pairs(receipt).map((pair) => {
    const stream = pair.source ?? pair.output;
    const kind = KINDS[stream.kind] ?? stream.kind;
    return {
      title: join([pair.source ? `${kind} ${stream.index}` : kind, language(stream.language)], " · "),
      ...fateOf(pair, output !== null),
      rows: rowsOf(STREAM_ROWS, pair.source, pair.output),
    };
  });
  return [file, ...streams];
}

/** What the side of the result is called. */
export function outputTitle({ output, not_smaller: notSmaller }) {
  const holds = { copy: "Output: a copy of the source", link: "Output: a link to the source", nothing: "No output" };
  return !output && notSmaller ? holds[notSmaller.output_holds] : "Result";
}

/** What may be set beside each other of source and result without looking at the pictures: `[{name, text, same}]`. */
export function comparisons(receipt) {
  const { source, output } = receipt;
  if (!output) {
    return [];
  }
  const streams = pairs(receipt).filter((pair) => pair.source);
  const carried = streams.filter((pair) => pair.output).length;
  const rows = [];
  if (source.duration_seconds !== undefined && output.duration_seconds !== undefined) {
    const apart = Math.abs(source.duration_seconds - output.duration_seconds);
    // Containers round differently; less than a tenth nobody sees or hears.
    const same = apart < 0.1;
    const text = apart < 0.005 ? `the same, ${exactTime(output.duration_seconds)}` : `${apart.toFixed(2)} s apart`;
    rows.push({ name: "Length", text, same });
  }
  if (source.frames !== undefined && output.frames !== undefined) {
    const same = source.frames === output.frames;
    const text = same ? `all ${count(output.frames)}` : `${count(output.frames)} of ${count(source.frames)}`;
    rows.push({ name: "Frames", text, same });
  }
  rows.push({
    name: "Streams",
    text: `${carried} of ${streams.length} in the result`,
    same: carried === streams.length,
  });
  if (source.chapters.length > 0) {
    const text = `${output.chapters.length} of ${source.chapters.length}`;
    rows.push({ name: "Chapters", text, same: output.chapters.length === source.chapters.length });
  }
  const isClean = complaints(receipt).length === 0;
  rows.push({
    name: "Source",
    text: isClean ? "decoded without complaint" : "its decoder complained, see below",
    same: isClean,
  });
  return rows;
}

const WEIGHTS = {
  noticed: "A stream that people see or hear",
  unnoticed: "A stream that only programs read",
  detail: "A detail",
};

/** What is not in the output: `[{what, reason, weight, weightText}]`, what people notice first. */
export function losses({ lost }) {
  const order = Object.keys(WEIGHTS);
  return [...lost]
    .sort((one, other) => order.indexOf(one.weight) - order.indexOf(other.weight))
    .map(({ what, reason, weight }) => ({ what, reason, weight, weightText: WEIGHTS[weight] ?? weight }));
}

/** What was changed and why, one sentence each, without what `losses` says already. */
export function changes({ notes, lost, name_note: nameNote }) {
  const isLoss = (note) => lost.some(({ what }) => note.startsWith(`${what} is not`));
  return [...notes.filter((note) => !isLoss(note)), nameNote].filter(Boolean);
}

/** What the source's decoder said, each line once: `x (6 times)`. */
export function complaints({ decoder_complaints: text }) {
  const lines = (text ?? "").split("\n").filter(Boolean);
  return [...new Set(lines)].map((line) => {
    const times = lines.filter((other) => other === line).length;
    return times > 1 ? `${line} (${times} times)` : line;
  });
}

/** Why a file was left as it is, one sentence each. */
export function leftBecause({ not_smaller: why }) {
  if (!why) {
    return [];
  }
  const figures = join(
    [
      why.result_bytes !== null && `the result had ${bytes(why.result_bytes)}`,
      why.projected_bytes !== null && `it would have come to ${bytes(why.projected_bytes)}`,
      why.encoded_percent !== null && `known after ${Math.round(why.encoded_percent)} % of the encode`,
      `at least ${why.min_saving_percent} % must be saved`,
    ].filter(Boolean),
  );
  return [why.reason, figures];
}

/**
 * `{figures: [{name, value, meaning}], on, search: [text]}`; `figures` is empty when nothing was measured, and `on`
 * says why.
 */
export function quality({ quality: measured }) {
  if (!measured) {
    return { figures: [], on: "not measured", search: [] };
  }
  const figure = (name, value, meaning) => (value === null || value === undefined ? null : { name, value, meaning });
  const fixed = (number, digits) => (number === null || number === undefined ? null : number.toFixed(digits));
  const db = (number) => (number === null || number === undefined ? null : `${number.toFixed(1)} dB`);
  const figures = [
    figure("SSIM", db(measured.ssim_db), "likeness of structures, mean over the frames; more is nearer"),
    figure("Worst frame", db(measured.worst_frame_ssim_db), "SSIM of the frame that came out worst"),
    figure("VMAF", fixed(measured.vmaf, 1), "of 100, as viewers would judge"),
    figure("XPSNR", db(measured.xpsnr_db), "noise, weighted by what the eye sees"),
  ].filter(Boolean);
  const [, nothing] = /^nothing: (.*)$/s.exec(measured.measured_on) ?? [];
  const on =
    figures.length > 0 ? `measured on ${measured.measured_on}` : `not measured${nothing ? `: ${nothing}` : ""}`;
  return { figures, on, search: target(measured.search) };
}

function target(search) {
  if (!search) {
    return [];
  }
  const reached =
    search.reached === null ? "the result was not measured" : `${search.reached.toFixed(2)} in the result`;
  const onTrial = search.reached_on_trial.toFixed(2);
  const probes = search.probes.map(
    ({ crf, value, chunks }) => `${crf} gave ${value.toFixed(2)}${chunks ? " by chunks" : ""}`,
  );
  return [
    `Target ${search.metric} ${search.target}: CRF ${search.crf} gave ${onTrial} on trial, ${reached}`,
    `Tried on ${search.tried_on}, in ${duration(search.seconds)}: CRF ${probes.join(", ")}`,
    search.note,
  ].filter(Boolean);
}

/** How it was made: `[{name, value}]`. */
export function making({ encoder, time, speed }) {
  const rows = [
    ["Encode", time.encode_seconds !== null && duration(time.encode_seconds)],
    ["With checks", time.total_seconds !== null && duration(time.total_seconds)],
    [
      "Speed",
      join(
        [
          speed.realtime !== null && `${speed.realtime.toFixed(2)}× realtime`,
          speed.frames_per_second !== null && `${speed.frames_per_second.toFixed(1)} fps`,
        ].filter(Boolean),
      ),
    ],
    [
      "Profile",
      encoder &&
        join(
          [
            encoder.profile,
            encoder.preset && `preset ${encoder.preset}`,
            encoder.crf !== null && `CRF ${encoder.crf}`,
          ].filter(Boolean),
        ),
    ],
    ["x265 parameters", encoder?.x265_params?.replaceAll(":", " : ")],
    [
      "Programs",
      encoder &&
        join([encoder.ffmpeg && `ffmpeg ${encoder.ffmpeg}`, encoder.x265 && `x265 ${encoder.x265}`].filter(Boolean)),
    ],
  ];
  return rows.filter(([, value]) => value).map(([name, value]) => ({ name, value }));
}
