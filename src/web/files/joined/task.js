import { count, G, Icon, address as address$1, fe, Button, Menu, useAnswer, api, Dialog, Failure, Skeleton, confirm, toast, go, Select, UNKNOWN, duration, bytes, counted, Y, Q, J, K, Panel, IconButton, Notice, problemOf, Time, moment, useKeys, Link, shownPath, useStore, isStandingStill, live, Status, sentence, stage, percent, fps, speed, change as change$1, Heading, pathParts, Empty } from './app.js';
import { mayBe, isFailed } from './allowed.js';
import { around, keptNeighbours } from './neighbours.js';
import { Thumbnail, Film } from './film.js';

// What may be done with a task, and what a person should know of its state. Pure.
//
// Promises: an action is offered only where the service takes it, to those who may.
// Never in here: requests, elements.

const isWaiting = ({ status }) => status === "queued";
const isRunning = ({ status }) => status === "processing";

/** In the order in which they are shown. */
const ORDERS = ["freeze", "thaw", "retry", "retry_forced", "profile", "priority", "move", "cancel"];

/** A running encode takes another profile only by beginning again; its priority says nothing any more. */
const mayBeOrdered = (order, task) => {
  if (order === "profile") return isWaiting(task) || isRunning(task);
  if (order === "priority") return isWaiting(task);
  return mayBe(order, task);
};

/**
 * The names of the actions that are offered, the one that most people want first: `download`, then those of
 * `lib/allowed.js`, and `profile`.
 * @param {"viewer"|"operator"|"admin"} role
 */
const actionsFor = (task, role) => {
  const orders = role === "viewer" ? [] : ORDERS.filter((order) => mayBeOrdered(order, task));
  return task.output ? ["download", ...orders] : orders;
};

/** What a task waits for: `{text, wayOut, twin}`; `twin` is the id of the task whose content is the same. */
const waitOf = ({ waiting_for: waitingFor }) => {
  if (!waitingFor) return { text: "It waits for its turn.", wayOut: null, twin: null };
  const [, twin] = /^task (.+)$/.exec(waitingFor) ?? [];
  if (twin) {
    return {
      text: "Another file has the same content. This one takes over its result when that one is done.",
      wayOut: null,
      twin,
    };
  }
  const known = {
    space: {
      text: "It waits for room on the disk.",
      wayOut:
        "Make room where results go; it begins by itself then. " +
        "min_free_bytes in the settings says how much has to stay free.",
    },
    folder: {
      text: "It waits for its folder, which cannot be reached.",
      wayOut: "Mount the disk or share again; it begins by itself then.",
    },
    encoder: {
      text: "It waits for the encoder, which is missing or too old.",
      wayOut: "Install ffmpeg with x265, or set its path in the settings file; it begins by itself then.",
    },
  }[waitingFor];
  return { text: `It waits for: ${waitingFor}.`, wayOut: null, ...known, twin: null };
};

/**
 * The id of the task whose result stands for this one's, as the reason of a skipped one says; null where there is
 * none.
 */
const twinOf = ({ status, reason }) =>
  (status === "skipped" && /^duplicate: .*\(task ([^)\s]+)\)/s.exec(reason ?? "")?.[1]) || null;

/** A task's summary without the sizes at its beginning, which stand beside it: `720p, SSIM 21.9 dB, 1 audio, 19 s`. */
const beyondSizes = (summary) => (summary ?? "").replace(/^[^,(]+ → [^,(]+ \([^)]*\)(, |$)/, "");

/** "It is next." or "3 are before it."; null when that is not known. */
const placeInWords = (before) => {
  if (before === null) return null;
  if (before === 0) return "It is next.";
  return before === 1 ? "One is before it." : `${count(before)} are before it.`;
};

const PRIORITIES = [
  [10, "High"],
  [0, "Normal"],
  [-10, "Low"],
];

/** Choices for a priority, with the one that it has: `[{value, text}]`. */
const priorities = (current) => {
  const known = PRIORITIES.some(([value]) => value === current) ? [] : [[current, `${current}`]];
  return [...PRIORITIES, ...known]
    .sort(([one], [other]) => other - one)
    .map(([value, text]) => ({ value: String(value), text }));
};

// What may be done with a task: buttons, a menu, and the dialogs that ask for more.
//
// Never in here: which of them are offered (`actions`).


const order = (task, what, query) => api.post(`/tasks/${encodeURIComponent(task.id)}/${what}`, {}, { query });

/** What each action is called, and does: `run(task, onChange)`, or `dialog`. */
const ACTIONS = {
  freeze: { text: "Freeze", icon: "freeze", run: async (task, onChange) => onChange(await order(task, "freeze")) },
  thaw: { text: "Go on", icon: "play", run: async (task, onChange) => onChange(await order(task, "thaw")) },
  retry: { text: "Encode again", icon: "retry", run: (task, onChange) => again(task, onChange, {}) },
  retry_forced: {
    text: "Take the result anyway",
    icon: "retry",
    run: (task, onChange) => again(task, onChange, { force: true }),
  },
  profile: { text: "Change the profile", icon: "settings", dialog: "profile" },
  priority: { text: "Change the priority", icon: "sort", dialog: "priority" },
  move: { text: "Move to another resolution", icon: "folder", dialog: "move" },
  cancel: { text: "Cancel", icon: "cancel", tone: "danger", run: (task, onChange) => cancel(task, onChange) },
};

/** Those that are buttons; the others are in the menu. */
const BUTTONS = ["freeze", "thaw", "retry", "retry_forced", "cancel"];

const again = async (task, onChange, query) => {
  const queued = await order(task, "retry", query);
  toast(queued.id === task.id ? "It is in the queue again" : "A new task does it again");
  if (queued.id === task.id) onChange(queued);
  else go(`/tasks/${encodeURIComponent(queued.id)}`);
};

const cancel = async (task, onChange) => {
  const text = isRunning(task)
    ? "What is encoded of it so far is thrown away. The source stays."
    : "It is not encoded. The source stays.";
  if (await confirm({ title: "Cancel this file", text, action: "Cancel it" })) onChange(await order(task, "cancel"));
};

const Actions = ({ task, me, onChange }) => {
  const [dialog, setDialog] = G(null);
  const offered = actionsFor(task, me.role);
  const orders = offered.filter((name) => name !== "download");
  const buttons = orders.filter((name) => BUTTONS.includes(name));
  const items = orders
    .filter((name) => !BUTTONS.includes(name))
    .map((name) => ({
      text: ACTIONS[name].text,
      icon: ACTIONS[name].icon,
      onSelect: () => setDialog(ACTIONS[name].dialog),
    }));
  const close = () => setDialog(null);
  const wanted = isFailed(task) ? "retry" : null;
  if (offered.length === 0) return null;
  return fe`
    <div class="task-actions">
      ${
        offered.includes("download") &&
        fe`
        <a class="button primary" href=${address$1(`/tasks/${encodeURIComponent(task.id)}/output`)} download>
          <${Icon} name="download" /><span>Download</span>
        </a>
      `
      }
      ${buttons.map(
        (name) => fe`
        <${Button} key=${name} icon=${ACTIONS[name].icon}
          tone=${name === wanted ? "primary" : (ACTIONS[name].tone ?? "plain")}
          onClick=${() => ACTIONS[name].run(task, onChange)}>${ACTIONS[name].text}<//>
      `,
      )}
      ${items.length > 0 && fe`<${Menu} icon="more" items=${items}>More<//>`}
    </div>
    ${dialog && fe`<${Asking} kind=${dialog} task=${task} onClose=${close} onChange=${onChange} />`}
  `;
};

const TITLES = {
  profile: "Profile of this file",
  priority: "Priority of this file",
  move: "Move to another resolution",
};

const Asking = ({ kind, task, onClose, onChange }) => {
  const { data: choices, problem, reload } = useAnswer((signal) => api.get("/choices", { signal }), []);
  const Form = { profile: ProfileForm, priority: PriorityForm, move: MoveForm }[kind];
  if (choices) return fe`<${Form} task=${task} choices=${choices} onClose=${onClose} onChange=${onChange} />`;
  return fe`
    <${Dialog} open title=${TITLES[kind]} onClose=${onClose}>
      ${problem ? fe`<${Failure} problem=${problem} onRetry=${reload} />` : fe`<${Skeleton} lines=${2} />`}
    <//>
  `;
};

/** A dialog with one choice. `action`: the text of its button; `save(value)` may fail. */
const Choice = ({ kind, label, options, first, action, hint, save, onClose }) => {
  const [value, setValue] = G(first);
  const done = async () => {
    await save(value);
    onClose();
  };
  const actions = fe`
    <${Button} onClick=${onClose}>Keep as it is<//>
    <${Button} tone="primary" onClick=${done}>${action}<//>
  `;
  return fe`
    <${Dialog} open title=${TITLES[kind]} onClose=${onClose} actions=${actions}>
      <${Select} label=${label} options=${options} value=${value} onChange=${setValue} hint=${hint?.(value)} />
    <//>
  `;
};

const change = (task, body) => api.patch(`/tasks/${encodeURIComponent(task.id)}`, body);

const ProfileForm = ({ task, choices, onClose, onChange }) => {
  const folder =
    choices.resolutions.find(({ height }) => height === task.resolution)?.profile ?? choices.default_profile;
  const options = [
    { value: "", text: `${folder}, that of its folder` },
    ...choices.profiles.map(({ name }) => ({ value: name, text: name })),
  ];
  const hint = (value) => {
    const summary = choices.profiles.find(({ name }) => name === (value || folder))?.summary ?? "";
    return isRunning(task) ? `${summary}. The encode begins again; what is done of it is thrown away.` : summary;
  };
  const save = async (value) => onChange(await change(task, { profile: value || null, restart: isRunning(task) }));
  return fe`<${Choice} kind="profile" label="Profile" options=${options} first=${task.profile ?? ""}
    hint=${hint} save=${save}
    action=${isRunning(task) ? "Begin again with it" : "Change"} onClose=${onClose} />`;
};

const PriorityForm = ({ task, onClose, onChange }) => {
  const save = async (value) => onChange(await change(task, { priority: Number(value) }));
  const hint = () => "Higher ones are begun first; of the same priority those that came first.";
  return fe`<${Choice} kind="priority" label="Priority" options=${priorities(task.priority)}
    first=${String(task.priority)} hint=${hint} save=${save} action="Change" onClose=${onClose} />`;
};

const MoveForm = ({ task, choices, onClose }) => {
  const others = choices.resolutions.filter(({ height }) => height !== task.resolution);
  const options = others.map(({ height, profile }) => ({
    value: String(height),
    text: `${height}p, profile ${profile}`,
  }));
  const save = async (value) => {
    // On another disk it takes as long as a copy.
    await api.post(`/tasks/${encodeURIComponent(task.id)}/move`, { resolution: Number(value) }, { timeoutMs: 0 });
    toast(`Moved to input/${value}, where it is a new task`);
  };
  const hint = (value) =>
    `The source, and files of its name beside it, go to input/${value}. A result that is there already stays.`;
  return fe`<${Choice} kind="move" label="Resolution" options=${options} first=${options[0]?.value ?? ""} save=${save}
    hint=${hint}
    action="Move" onClose=${onClose} />`;
};

// Moments of a film: which one a key, a slider or an address means. Pure.
//
// Promises: a moment is the beginning of a picture, inside the film; forwards and back again is the same picture.
// Never in here: pictures, elements.


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
const filmOf = (durationSeconds, framesPerSecond, counted = null) => {
  if (!(durationSeconds > 0)) return null;
  const rate = framesPerSecond > 0 ? framesPerSecond : DEFAULT_RATE;
  // The last picture of a file is often half a picture early.
  const frames = Math.min(Math.floor(durationSeconds * rate - 0.5), counted ?? Infinity);
  return { durationSeconds, framesPerSecond: rate, frames: Math.max(1, frames) };
};

/** The number of the picture that is shown at a time, counted from 0. */
const frameAt = (film, seconds) =>
  Math.min(film.frames - 1, Math.max(0, Math.floor(seconds * film.framesPerSecond + 0.05)));

/** When a picture begins, in seconds. */
const secondsOf = (film, frame) => Math.min(film.frames - 1, Math.max(0, frame)) / film.framesPerSecond;

const firstLook = (film) => frameAt(film, film.durationSeconds * FIRST_LOOK);

/** Which picture a key leads to; null when the key means nothing. */
const frameByKey = (film, frame, { key, shiftKey = false }) => {
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
const exactTime = (seconds) => {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const ms = Math.round(Math.max(0, seconds) * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const tail = `${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
};

const WIDTHS = [640, 1280, 1920, 2560, 3840];

/** The width of picture to ask for, in pixels: a few sizes, so that a window that grows does not ask anew each time. */
const widthFor = (shownPixels) => WIDTHS.find((width) => width >= shownPixels) ?? WIDTHS.at(-1);

/**
 * Does `work(what, signal)` for the newest of what it is asked for, one at a time: what was asked for in between is
 * left out, and work under way is finished first, so that something is seen while a slider moves.
 */
const newestFirst = (work) => {
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

// A receipt as a person reads it: file and streams, source beside result, then what was changed, lost, checked and
// measured. Pure: a receipt (version 1, as GET /tasks/{id}/receipt gives it) in, texts in rows out.
//
// Promises: everything that the receipt says was lost is in a row; what neither side has is left out; a receipt of
// another version is not guessed at.
// Never in here: elements, requests.


const VERSION = 1;

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
function language(code) {
  if (!code || code === "und") {
    return null;
  }
  try {
    return LANGUAGES.of(code) ?? code;
  } catch {
    return code;
  }
}

const container = (formats) => CONTAINERS.find(([name]) => formats.split(",").includes(name))?.[1] ?? formats;

/** As `16:9`, else as `2.39:1`; null when it is not known. */
function shape(aspect) {
  if (!(aspect > 0)) {
    return null;
  }
  const known = SHAPES.find(([width, height]) => Math.abs(aspect / (width / height) - 1) < SHAPE_TOLERANCE);
  return known ? known.join(":") : `${aspect.toFixed(2)}:1`;
}

/** Pictures a second of `24000/1001`; null when it is not known. */
function framesPerSecond(text) {
  const [pictures, seconds = "1"] = (text ?? "").split("/");
  const rate = Number(pictures) / Number(seconds);
  return Number.isFinite(rate) && rate > 0 ? rate : null;
}

const bitRate = (bitsPerSecond) =>
  bitsPerSecond >= 10_000_000
    ? `${Math.round(bitsPerSecond / 1_000_000)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1000)} kbit/s`;

/** What kind of light the picture has: `SDR`, `HDR10`, `HLG`, `Dolby Vision 8.1`, several joined. */
function light(stream) {
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
function table(receipt) {
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
function outputTitle({ output, not_smaller: notSmaller }) {
  const holds = { copy: "Output: a copy of the source", link: "Output: a link to the source", nothing: "No output" };
  return !output && notSmaller ? holds[notSmaller.output_holds] : "Result";
}

/** What may be set beside each other of source and result without looking at the pictures: `[{name, text, same}]`. */
function comparisons(receipt) {
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
function losses({ lost }) {
  const order = Object.keys(WEIGHTS);
  return [...lost]
    .sort((one, other) => order.indexOf(one.weight) - order.indexOf(other.weight))
    .map(({ what, reason, weight }) => ({ what, reason, weight, weightText: WEIGHTS[weight] ?? weight }));
}

/** What was changed and why, one sentence each, without what `losses` says already. */
function changes({ notes, lost, name_note: nameNote }) {
  const isLoss = (note) => lost.some(({ what }) => note.startsWith(`${what} is not`));
  return [...notes.filter((note) => !isLoss(note)), nameNote].filter(Boolean);
}

/** What the source's decoder said, each line once: `x (6 times)`. */
function complaints({ decoder_complaints: text }) {
  const lines = (text ?? "").split("\n").filter(Boolean);
  return [...new Set(lines)].map((line) => {
    const times = lines.filter((other) => other === line).length;
    return times > 1 ? `${line} (${times} times)` : line;
  });
}

/** Why a file was left as it is, one sentence each. */
function leftBecause({ not_smaller: why }) {
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
function quality({ quality: measured }) {
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
function making({ encoder, time, speed }) {
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

// Source and result at the same moment, one over the other, with a line to draw across.
//
// Promises: both pictures change in the same instant, after both are decoded; the newest moment asked for is the one
// shown in the end; mouse, touch and keys can do all of it.
// Never in here: which moment is meant (`moments`).


/** A server that makes other pictures is asked again. */
const TRIES = 5;
const LONGEST_WAIT_SECONDS = 5;
const NO_PICTURE = "The film is over by then, or the file is not in its place any more.";
/** A side that is narrower says nothing of what it is. */
const LABEL_PERCENT = 15;

const pause = (seconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** One picture, decoded; throws a Problem. */
const pictureOf = async (id, query, signal, tries = TRIES) => {
  const asked = { ...query, missing: "empty" };
  const response = await fetch(address$1(`/tasks/${encodeURIComponent(id)}/frames`, asked), { signal });
  if (response.status === 204) throw problemOf(404, null, { detail: NO_PICTURE });
  if (response.ok) return createImageBitmap(await response.blob());
  const problem = problemOf(
    response.status,
    response.headers.get("Retry-After"),
    await response.json().catch(() => null),
  );
  if (problem.status !== 503 || tries <= 1) throw problem;
  await pause(Math.min(problem.retryAfterSeconds ?? 1, LONGEST_WAIT_SECONDS), signal);
  return pictureOf(id, query, signal, tries - 1);
};

/** Of a side whose film is gone. */
const isGone = (side, other) => side.problem?.status === 404 && other.picture !== null;

/** `{picture, problem}` of each side; a source that was gone is not asked for again. */
const sidesOf = async (id, query, signal, before) => {
  const side = (name) =>
    pictureOf(id, { ...query, side: name }, signal).then(
      (picture) => ({ picture, problem: null }),
      (problem) => ({ picture: null, problem }),
    );
  const isSourceGone = before !== null && isGone(before.source, before.output);
  const [source, output] = await Promise.all([isSourceGone ? before.source : side("source"), side("output")]);
  return { source, output };
};

const mainVideo = ({ streams }) => streams.find(({ kind }) => kind === "video");

const Compare = ({ task, receipt }) => {
  const video = mainVideo(receipt.source);
  const film = Y(
    () =>
      filmOf(
        video?.duration_seconds ?? receipt.source.duration_seconds,
        framesPerSecond(video?.frame_rate),
        receipt.source.frames,
      ),
    [receipt],
  );
  if (!film) return null;
  return fe`<${Pictures} key=${`${task.id} ${task.ended}`} id=${task.id} film=${film} receipt=${receipt} />`;
};

const draw = (canvas, picture) => {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
};

const Pictures = ({ id, film, receipt }) => {
  const [frame, setFrame] = G(() => firstLook(film));
  const [sides, setSides] = G(null);
  const [split, setSplit] = G(50);
  const [isLarge, setIsLarge] = G(false);
  const figure = Q(null);
  const canvases = { source: Q(null), output: Q(null) };
  const work = Q(null);

  J(() => {
    let before = null;
    const show = async ({ seconds, width }, signal) => {
      try {
        before = { ...(await sidesOf(id, { at_seconds: seconds.toFixed(3), width }, signal, before)), seconds };
        setSides(before);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    };
    work.current = newestFirst(show);
    return () => work.current.end();
  }, [id]);
  J(() => {
    const width = widthFor((figure.current?.clientWidth ?? 640) * window.devicePixelRatio);
    work.current.ask({ seconds: secondsOf(film, frame), width });
  }, [film, frame, isLarge]);
  K(() => {
    if (!sides) return;
    for (const name of ["source", "output"]) {
      const { picture } = sides[name];
      if (picture) draw(canvases[name].current, picture);
    }
  }, [sides]);
  J(() => {
    const changed = () => setIsLarge(document.fullscreenElement === figure.current);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);

  const turnLarge = () => (document.fullscreenElement ? document.exitFullscreen() : figure.current.requestFullscreen());
  const one = sides?.source.picture ?? sides?.output.picture;
  const ratio = one ? one.width / one.height : 16 / 9;
  const problem = sides?.source.problem ?? sides?.output.problem;
  const shown = exactTime(sides?.seconds ?? secondsOf(film, frame));
  const canCompare = Boolean(sides?.source.picture && sides?.output.picture);
  /** Of the picture, how much is the source. */
  const seenPercent = canCompare ? split : sides?.source.picture ? 100 : 0;
  const style = { "--split": `${seenPercent}%`, "--ratio": String(ratio) };
  return fe`
    <${Panel} title="Before and after" class="compare">
      <figure ref=${figure} class="compare-figure ${sides ? "" : "loading"}" style=${style}>
        <div class="compare-stage">
          <canvas ref=${canvases.output} class="compare-output" role="img" aria-label="The result at ${shown}"
            hidden=${!sides?.output.picture}></canvas>
          <canvas ref=${canvases.source} class="compare-source" role="img" aria-label="The source at ${shown}"
            hidden=${!sides?.source.picture}></canvas>
          ${seenPercent >= LABEL_PERCENT && fe`
            <span class="compare-label source">Source, ${bytes(receipt.source.size_bytes)}</span>
          `}
          ${sides && seenPercent <= 100 - LABEL_PERCENT && fe`
            <span class="compare-label output">Result, ${bytes(receipt.output.size_bytes)}</span>
          `}
          ${
            canCompare &&
            fe`
            <span class="compare-line" aria-hidden="true"></span>
            <input type="range" class="compare-slider" min="0" max="100" step="0.5" value=${split}
              aria-label="How much of the source is shown"
              aria-valuetext="${Math.round(split)} % source at the left"
              onInput=${(event) => setSplit(Number(event.currentTarget.value))} />
          `
          }
        </div>
        <${Scrubber} film=${film} frame=${frame} onChange=${setFrame} isLarge=${isLarge} onLarge=${turnLarge} />
      </figure>
      ${problem && fe`<${Missing} sides=${sides} onRetry=${() => setFrame((at) => (at > 0 ? at - 1 : at + 1))} />`}
    <//>
  `;
};

const Missing = ({ sides, onRetry }) => {
  const { source, output } = sides;
  if (isGone(source, output)) {
    return fe`
      <${Notice} tone="info" title="The source is not in its place any more">
        <p>It was moved, deleted or replaced since it was compressed. So there is nothing to compare with, and here is
          the result alone.</p>
      <//>
    `;
  }
  const problem = source.problem ?? output.problem;
  const again = fe`<${Button} icon="retry" onClick=${onRetry}>Try beside it<//>`;
  return fe`<${Notice} tone="waiting" title="There is no picture to compare here" actions=${again}>
    <p>${problem.detail ?? problem.message}</p>
  <//>`;
};

/** The choice of the moment. */
const Scrubber = ({ film, frame, onChange, isLarge, onLarge }) => {
  const second = Math.max(1, Math.round(film.framesPerSecond));
  const last = film.frames - 1;
  const step = (by) => onChange(Math.min(last, Math.max(0, frame + by)));
  const press = (event) => {
    const to = event.ctrlKey || event.metaKey || event.altKey ? null : frameByKey(film, frame, event);
    if (to === null) return;
    event.preventDefault();
    onChange(to);
  };
  const time = exactTime(secondsOf(film, frame));
  return fe`
    <figcaption class="scrubber">
      <input type="range" class="scrubber-range" min="0" max=${last} step="1" value=${frame}
        aria-label="Moment of the film" aria-valuetext="${time}, frame ${frame}"
        onInput=${(event) => onChange(Number(event.currentTarget.value))} onKeyDown=${press} />
      <span class="scrubber-time number">
        ${time} <span class="quiet-text">of ${exactTime(film.durationSeconds)}, frame ${count(frame)}</span>
      </span>
      <span class="scrubber-buttons">
        <${Button} tone="quiet" aria-label="−1 s, back" onClick=${() => step(-second)}>−1 s<//>
        <${IconButton} icon="left" label="A frame back" onClick=${() => step(-1)} />
        <${IconButton} icon="right" label="A frame on" onClick=${() => step(1)} />
        <${Button} tone="quiet" aria-label="+1 s, on" onClick=${() => step(second)}>+1 s<//>
        ${document.fullscreenEnabled && fe`
          <${Button} tone="quiet" icon=${isLarge ? "cancel" : "external"} onClick=${onLarge}>
            ${isLarge ? "Close" : "Full screen"}
          <//>
        `}
      </span>
    </figcaption>
  `;
};

// The few facts of a task that are there without a receipt: times, sizes, wishes.


const secondsBetween = (from, to) => (from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null);

const Facts = ({ task }) => {
  const took = task.started && task.ended ? secondsBetween(task.started, task.ended) : null;
  const facts = [
    ["Source", fe`<span class="number">${bytes(task.size_before_bytes)}</span>`],
    ["Resolution", task.resolution === null ? "none" : `${task.resolution}p`],
    ["Profile", task.profile ?? "that of its folder"],
    ["Priority", task.priority === 0 ? "normal" : String(task.priority)],
    ["Added", fe`<${Time} at=${task.added} />`],
    ["Begun", fe`<${Time} at=${task.started} />`],
    ["Ended", fe`<${Time} at=${task.ended} />`],
    ["Took", fe`<span class="number">${duration(took)}</span>`],
    ["Encodes begun", fe`<span class="number">${task.attempts}</span>`],
  ];
  return fe`
    <${Panel} title="Facts" class="facts">
      <dl class="fact-list">
        ${facts.map(([name, value]) => fe`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
    <//>
  `;
};

// What the service's log says of a task, in the order in which it happened.


const LINES = 500;
/** While it is encoded. */
const LOOK_EVERY_MS = 5000;

const TONES = { ERROR: "failed", WARN: "waiting" };

const Log = ({ task }) => {
  const load = (signal) => api.get(`/tasks/${encodeURIComponent(task.id)}/log`, { query: { lines: LINES }, signal });
  const { data, problem, reload } = useAnswer(load, [task.id, task.status, task.attempts]);
  const grows = isRunning(task);
  J(() => {
    if (!grows) return undefined;
    const timer = setInterval(reload, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [grows]);
  return fe`
    <${Panel} title="Log" class="task-log">
      ${problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && fe`<${Skeleton} lines=${3} />`}
      ${
        data &&
        (data.entries.length > 0
          ? fe`<${Entries} entries=${data.entries} path=${task.path} />`
          : fe`
        <p class="quiet-text">The log has nothing about this file. Older entries are removed when the log is long.</p>
      `)
      }
    <//>
  `;
};

/** What an entry says of this file: its path is known here. */
const short = (message, path) => (message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);

const Entries = ({ entries, path }) => {
  const list = Q(null);
  // How it ended, or where it is, comes last.
  K(() => {
    list.current.scrollTop = list.current.scrollHeight;
  }, [entries.length]);
  return fe`
    <ol ref=${list} class="log-entries" tabindex="0" aria-label="Entries of the log">
      ${[...entries].reverse().map(
        (entry, index) => fe`
        <li key=${index} class=${TONES[entry.level?.toUpperCase()] ?? ""}>
          <time datetime=${entry.time}>${moment(entry.time)}</time>
          <span class="log-level">${entry.level}</span>
          <span class="log-message">${short(entry.message, path)}</span>
        </li>
      `,
      )}
    </ol>
  `;
};

// Which files stand before and after this one in the list it was opened from; else in the newest ones.
//
// Never in here: lists themselves.


const NEWEST = 500;

const load = async (id, signal) => {
  const kept = around(keptNeighbours() ?? [], id);
  if (kept) return kept;
  const { tasks } = await api.get("/tasks", { query: { sort: "-added", limit: NEWEST }, signal });
  return around(
    tasks.map((task) => task.id),
    id,
  );
};

const address = (id) => `/tasks/${encodeURIComponent(id)}`;

const Step = ({ id, icon, label, hint }) =>
  id
    ? fe`<${Link} class="icon-button quiet" href=${address(id)} aria-label=${label} title="${label} (${hint})">
        <${Icon} name=${icon} />
      <//>`
    : fe`<span class="icon-button quiet nowhere" aria-hidden="true"><${Icon} name=${icon} /></span>`;

const Neighbours = ({ id }) => {
  const { data } = useAnswer((signal) => load(id, signal), [id]);
  const leadTo = (other) => (other ? go(address(other)) : false);
  useKeys({ j: () => leadTo(data?.next), k: () => leadTo(data?.previous) });
  if (!data || data.of < 2) return null;
  return fe`
    <nav class="neighbours" aria-label="Files beside this one">
      <${Step} id=${data.previous} icon="left" label="Previous file" hint="k" />
      <span class="number small quiet-text">${data.place} of ${data.of}</span>
      <${Step} id=${data.next} icon="right" label="Next file" hint="j" />
    </nav>
  `;
};

// What a receipt says in short: what was checked, changed and lost, how near the result is, how it was made.
//
// Never in here: what a receipt means (`receipt`).


const Findings = ({ receipt }) =>
  receipt.version === VERSION &&
  fe`
    <${Checked} receipt=${receipt} />
    <${Quality} receipt=${receipt} />
    <${Making} receipt=${receipt} />
  `;

const List = ({ title, texts }) =>
  texts.length > 0 &&
  fe`
    <h3>${title}</h3>
    <ul class="receipt-list">${texts.map((text, index) => fe`<li key=${index}>${text}</li>`)}</ul>
  `;

/** What was checked, changed and lost. */
const Checked = ({ receipt }) => {
  const compared = comparisons(receipt);
  const lost = losses(receipt);
  if (!receipt.output) return null;
  return fe`
    <${Panel} title="Checked">
      <p class="quiet-text small">The result got its name only after the service had checked it against its source.</p>
      <dl class="checks">${compared.map(
        ({ name, text, same }) => fe`
        <div key=${name} class=${same ? "same" : "differs"}><dt>${name}</dt><dd>${text}</dd></div>
      `,
      )}</dl>
      ${
        lost.length > 0 &&
        fe`
        <h3>Not in the result</h3>
        <ul class="receipt-list">${lost.map(
          (one, index) => fe`
          <li key=${index} class=${one.weight}>
            ${one.what}: ${one.reason} <span class="quiet-text">(${one.weightText.toLowerCase()})</span>
          </li>
        `,
        )}</ul>
      `
      }
      <${List} title="Changed, and why" texts=${changes(receipt)} />
      <${List} title="Remarks of the check" texts=${receipt.remarks} />
      <${List} title="The source's decoder said" texts=${complaints(receipt)} />
    <//>
  `;
};

const Quality = ({ receipt }) => {
  const { figures, on, search } = quality(receipt);
  const samples = receipt.quality?.samples ?? [];
  if (!receipt.quality && !receipt.output) return null;
  return fe`
    <${Panel} title="How near it is">
      <dl class="quality">${figures.map(
        ({ name, value, meaning }) => fe`
        <div key=${name}>
          <dt>${name}</dt><dd class="number">${value}</dd><dd class="quality-meaning">${meaning}</dd>
        </div>
      `,
      )}</dl>
      <p class="quiet-text small">${on[0].toUpperCase() + on.slice(1)}.</p>
      <${Samples} samples=${samples} />
      <${List} title="The search for it" texts=${search} />
    <//>
  `;
};

const SSIM_FLOOR_DB = 5;
const SSIM_CEILING_DB = 25;

/** Where in the film it is how near. */
const Samples = ({ samples }) => {
  if (samples.length < 2) return null;
  const worst = samples.reduce((least, one) => (one.ssim_db < least.ssim_db ? one : least));
  const height = ({ ssim_db: db }) =>
    `${Math.min(100, Math.max(4, ((db - SSIM_FLOOR_DB) / (SSIM_CEILING_DB - SSIM_FLOOR_DB)) * 100))}%`;
  return fe`
    <div class="samples" role="img"
      aria-label="SSIM of ${samples.length} samples through the film; least ${worst.ssim_db.toFixed(1)} dB">
      ${samples.map(
        (one, index) => fe`
        <span key=${index} class=${one === worst ? "worst" : ""} style=${{ height: height(one) }}
          title="${one.ssim_db.toFixed(1)} dB from second ${Math.round(one.start_seconds)}"></span>
      `,
      )}
    </div>
  `;
};

const copy = async (text) => {
  await navigator.clipboard.writeText(text);
  toast("Copied");
};

const Making = ({ receipt }) => {
  const command = receipt.encoder?.command;
  return fe`
    <${Panel} title="How it was made">
      <dl class="making">
        ${making(receipt).map(({ name, value }) => fe`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
      ${
        command &&
        fe`
        <details class="receipt-more">
          <summary>The command</summary>
          <pre tabindex="0">${shownPath(command)}</pre>
          ${navigator.clipboard && fe`<${Button} icon="copy" onClick=${() => copy(command)}>Copy the command<//>`}
        </details>
      `
      }
    <//>
  `;
};

// The receipt on the page, stream by stream, and all of it raw.
//
// Never in here: what a receipt means (`receipt`).


const Receipt = ({ receipt }) => fe`
  <${Panel} title="Receipt, stream by stream" class="receipt">
    ${
      receipt.version === VERSION
        ? fe`<${Table} receipt=${receipt} />`
        : fe`<${Notice} tone="waiting" title="This receipt is of another version">
          <p>The page knows version ${VERSION}, and it is of ${receipt.version}. Here it is as it stands.</p>
        <//>`
    }
    <${Raw} receipt=${receipt} />
  <//>
`;

const Table = ({ receipt }) => {
  const hasOutput = receipt.output !== null;
  return fe`
    <div class="receipt-scroll">
      <table class="receipt-table">
        <thead>
          <tr>
            <th scope="col"><span class="visually-hidden">What</span></th>
            <th scope="col">Source</th>
            <th scope="col">${outputTitle(receipt)}</th>
          </tr>
        </thead>
        ${table(receipt).map(
          (group, index) => fe`
          <tbody key=${index} class=${group.fate ?? "file"}>
            <tr class="receipt-group">
              <th colspan=${hasOutput ? 2 : 3} scope="rowgroup">${group.title}</th>
              ${hasOutput && fe`<td class="receipt-fate">${group.fateText}</td>`}
            </tr>
            ${group.rows.map(
              (row) => fe`
              <tr key=${row.name} class=${row.changed ? "changed" : ""}>
                <th scope="row">${row.name}</th>
                <td><bdi>${shownPath(row.source ?? "–")}</bdi></td>
                <td>
                  <bdi>${shownPath(row.output ?? "–")}</bdi>
                  ${row.changed && fe`<span class="visually-hidden"> (changed)</span>`}
                </td>
              </tr>
            `,
            )}
          </tbody>
        `,
        )}
      </table>
    </div>
  `;
};

/** As it stands, but for what cannot be seen. */
const asText = (receipt) => JSON.stringify(receipt, null, 2).split("\n").map(shownPath).join("\n");

const Raw = ({ receipt }) => fe`
  <details class="receipt-more">
    <summary>The receipt as JSON</summary>
    <pre tabindex="0">${asText(receipt)}</pre>
  </details>
`;

// What is going on with a task, in words, and the way out where something is wrong.
//
// Never in here: what may be ordered (`buttons`).


const State = ({ task: own, receipt }) => {
  const isQueueFrozen = useStore(live, ({ queue }) => isStandingStill(queue));
  const task = { ...own, frozen: isRunning(own) && (own.frozen || isQueueFrozen) };
  return fe`<${Shown} task=${task} receipt=${receipt} isQueueFrozen=${isQueueFrozen} />`;
};

const Shown = ({ task, receipt, isQueueFrozen }) => fe`
  <section class="task-state" aria-label="State">
    ${!task.output && !isFailed(task) && fe`<${Thumbnail} id=${task.id} resolution=${task.resolution} />`}
    <div class="task-words">
      <p class="task-status">
        <${Status} task=${task} />
        ${task.archived && fe`<span class="quiet-text small">In the archive</span>`}
      </p>
      <${Words} task=${task} receipt=${receipt} isQueueFrozen=${isQueueFrozen} />
    </div>
  </section>
`;

const Words = ({ task, receipt, isQueueFrozen }) => {
  if (isRunning(task)) return fe`<${Running} task=${task} isQueueFrozen=${isQueueFrozen} />`;
  if (isWaiting(task)) return fe`<${Waiting} task=${task} />`;
  if (isFailed(task)) {
    return fe`
      <${Notice} tone="failed" title="It was not compressed">
        <p class="task-reason">${sentence(task.error ?? task.reason)}</p>
        <p>The source is as it was.</p>
      <//>
    `;
  }
  if (task.status === "processed") return fe`<${Saved} task=${task} />`;
  const reasons = receipt ? leftBecause(receipt) : [];
  const twin = twinOf(task);
  const [reason, ...more] = reasons.length > 0 ? reasons : [task.reason];
  return fe`
    <p class="task-reason">${sentence(reason)}</p>
    ${more.map((text) => fe`<p key=${text} class="quiet-text small">${sentence(text)}</p>`)}
    ${twin && fe`<p><${Link} href="/tasks/${encodeURIComponent(twin)}">The file with the same content<//></p>`}
    ${task.status === "skipped" && fe`<p class="quiet-text small">The source is as it was.</p>`}
  `;
};

const Saved = ({ task }) => fe`
  <p class="task-saving">
    <span class="number">${bytes(task.size_before_bytes)}</span>
    <span aria-label="became">→</span>
    <span class="number">${bytes(task.size_after_bytes)}</span>
    <strong class="task-saved number">${change$1(task.size_before_bytes, task.size_after_bytes)}</strong>
  </p>
  <p class="quiet-text small">${beyondSizes(task.summary)}</p>
`;

const Running = ({ task, isQueueFrozen }) => {
  const progress = task.progress ?? {};
  const tone = task.frozen ? "waiting" : "running";
  const before = task.size_before_bytes;
  const projected = progress.projected_bytes;
  const between =
    progress.low_bytes && progress.high_bytes ? ` (${bytes(progress.low_bytes)} to ${bytes(progress.high_bytes)})` : "";
  return fe`
    <${Film} pieces=${progress.pieces ?? null} percent=${progress.percent ?? null} label="Encoded" tone=${tone} />
    <dl class="task-numbers">
      <div><dt>${stage(progress.stage)}</dt><dd class="number">${percent(progress.percent, 1)}</dd></div>
      <div><dt>Frames</dt><dd class="number">${fps(progress.fps)}</dd></div>
      <div><dt>Speed</dt><dd class="number">${speed(progress.speed)}</dd></div>
      <div><dt>Left</dt><dd class="number">${task.frozen ? "stands still" : duration(progress.seconds_left)}</dd></div>
      <div><dt>Written</dt><dd class="number">${bytes(progress.written_bytes)}</dd></div>
      <div class="wide"><dt>Will be${between}</dt><dd class="number">
        ${
          projected
            ? fe`${bytes(before)} → ${bytes(projected)} <span class="task-saved">${change$1(before, projected)}</span>`
            : "not known yet"
        }
      </dd></div>
    </dl>
    ${
      task.frozen &&
      fe`<p class="quiet-text small">
      It stands still with all that it has, until somebody lets ${isQueueFrozen ? "the queue" : "it"} go on.
    </p>`
    }
  `;
};

/** More before it are not counted. */
const COUNTED = 500;

/** How many are begun before this one; null: more than are counted. */
const placeOf = async (id, signal) => {
  const { tasks } = await api.get("/tasks", { query: { status: "queued", sort: "turn", limit: COUNTED }, signal });
  const at = tasks.findIndex((task) => task.id === id);
  return at < 0 ? null : at;
};

const Waiting = ({ task }) => {
  const { text, wayOut, twin } = waitOf(task);
  const queue = useStore(live, (known) => known.queue);
  const queued = queue?.counts?.queued ?? 0;
  const { data: before } = useAnswer((signal) => placeOf(task.id, signal), [task.id, task.priority, queued]);
  const isFarBack = before === null && queued > COUNTED;
  const place = task.waiting_for ? null : placeInWords(before ?? null);
  return fe`
    <p class="task-reason">${text} ${place ?? (isFarBack ? `More than ${COUNTED} are before it.` : "")}</p>
    ${wayOut && fe`<p>${wayOut}</p>`}
    ${twin && fe`<p><${Link} href="/tasks/${encodeURIComponent(twin)}">The file with the same content<//></p>`}
    ${queue?.paused_since && fe`
      <p>The queue is paused: nothing is begun. <${Link} href="/queue">To the queue<//></p>
    `}
    ${queue?.hours_begin && fe`<p>It is outside the hours of the schedule.</p>`}
  `;
};

// The view One file: what a task is, what became of it, and what may be done with it.
//
// Never in here: how a receipt is read (`receipt`), what is allowed (`actions`).


function Task({ route, me }) {
  const { id } = route.params;
  return fe`<${Loading} key=${id} id=${id} me=${me} />`;
}

/** The task as it is now: what was read, changed by what the stream tells since. */
const useTask = (id) => {
  const load = async (signal) => {
    await live.opened();
    return api.get(`/tasks/${encodeURIComponent(id)}`, { signal });
  };
  const { data, problem, reload } = useAnswer(load, [id]);
  // What is told while an answer is on its way is newer than the answer.
  const [told, setTold] = G(null);
  const [isArchived, setIsArchived] = G(false);
  J(() => {
    const readAnew = () => {
      setTold(null);
      reload();
    };
    const ends = [
      live.onTask((task) => task.id === id && setTold(task)),
      live.onRemoved((removed) => removed === id && setIsArchived(true)),
      live.onReset(readAnew),
    ];
    return () => ends.forEach((end) => end());
  }, [id]);
  const encode = useStore(live, ({ encodes }) => encodes.find((one) => one.id === id));
  const task = told ?? data;
  const running = task && isRunning(task) && encode ? { frozen: encode.frozen, progress: encode.progress } : {};
  const archived = task && (task.archived || isArchived);
  return { task: task && { ...task, ...running, archived }, problem, reload, setTask: setTold };
};

const Loading = ({ id, me }) => {
  const { task, problem, reload, setTask } = useTask(id);
  if (task) return fe`<${One} task=${task} me=${me} onChange=${setTask} />`;
  if (problem?.status === 404) return fe`<${Gone} />`;
  if (problem) return fe`<${Heading} title="One file" /><${Failure} problem=${problem} onRetry=${reload} />`;
  return fe`<${Heading} title="One file" /><${Skeleton} lines=${4} height=${48} />`;
};

const Gone = () => fe`
  <${Heading} title="There is no such file" />
  <${Empty} icon="file" title="The queue and the archives have no task of this address"
    actions=${fe`
      <${Button} href="/history" icon="history">Look in History<//>
      <${Button} href="/queue" icon="queue">To the queue<//>
    `}>
    <p>It was deleted from the archives, or the address is incomplete. A file that was just added is here after a few
      seconds.</p>
  <//>
`;

/** Whether there is a receipt; of a file whose twin was encoded, and which was never begun itself, there is none. */
const hasReceipt = ({ status, attempts }) => status === "processed" || (status === "skipped" && attempts > 0);

/** The receipt, or null; read anew after each encode. */
const useReceipt = (task) => {
  const load = (signal) => {
    if (!hasReceipt(task)) return Promise.resolve(null);
    return api.get(`/tasks/${encodeURIComponent(task.id)}/receipt`, { signal }).catch((problem) => {
      // It was deleted by hand.
      if (problem.status === 404) return null;
      throw problem;
    });
  };
  return useAnswer(load, [task.id, task.status, task.ended]);
};

const One = ({ task, me, onChange }) => {
  const { data: receipt, problem, reload } = useReceipt(task);
  const { folder, root, name } = pathParts(task.path);
  return fe`
    <${Neighbours} id=${task.id} />
    <${Heading} title=${name} detail=${[root, folder].filter(Boolean).join(" / ")} />
    <div class="task-top">
      <${State} task=${task} receipt=${receipt} />
      <${Actions} task=${task} me=${me} onChange=${onChange} />
    </div>
    <div class="task-columns">
      ${task.output && receipt?.output && fe`<${Compare} task=${task} receipt=${receipt} />`}
      <div class="task-side">
        <${Facts} task=${task} />
        ${receipt && fe`<${Findings} receipt=${receipt} />`}
      </div>
      <div class="task-rest">
        ${problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
        ${receipt && fe`<${Receipt} receipt=${receipt} />`}
        <${Log} task=${task} />
      </div>
    </div>
  `;
};

export { Task as default };
