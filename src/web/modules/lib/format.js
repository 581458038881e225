// Numbers, times, names and states as people read them.
// Promises: the same value looks the same everywhere; what is not known is "–"; units stand after a space that does not
// break, so that columns align.
// Never in here: DOM, the clock (callers give the time).

export const UNKNOWN = "–";
const SPACE = "\u00a0";
const MINUS = "\u2212";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1_100_000_000 as "1.1 GB". Decimal, three digits at most. */
export const bytes = (count) => {
  if (!isNumber(count)) return UNKNOWN;
  const size = Math.abs(count);
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (unit < BYTE_UNITS.length - 1 && size / 1000 ** unit >= (unit === 0 ? 1000 : 999.5)) unit += 1;
  const value = size / 1000 ** unit;
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${count < 0 ? MINUS : ""}${value.toFixed(digits)}${SPACE}${BYTE_UNITS[unit]}`;
};

/** A number of bytes in a second. */
export const rate = (bytesPerSecond) => (isNumber(bytesPerSecond) ? `${bytes(bytesPerSecond)}/s` : UNKNOWN);

const padded = (number) => String(number).padStart(2, "0");

/** 2280 as "38 min", 9000 as "2 h 30 min". */
export const duration = (seconds) => {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}${SPACE}s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes}${SPACE}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${SPACE}h${SPACE}${padded(minutes % 60)}${SPACE}min`;
  const allHours = Math.round(minutes / 60);
  return `${Math.floor(allHours / 24)}${SPACE}d${SPACE}${allHours % 24}${SPACE}h`;
};

/** A place in a film: 3725 as "1:02:05". */
export const timecode = (seconds) => {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  const tail = `${padded(minutes % 60)}:${padded(whole % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
};

/** 62.4 as "62 %". */
export const percent = (value, digits = 0) =>
  isNumber(value) ? `${value.toFixed(digits).replace("-", MINUS)}${SPACE}%` : UNKNOWN;

/** What became of a size: 100 and 38 as "−62 %". */
export const change = (before, after) => {
  if (!isNumber(before) || !isNumber(after) || before <= 0) return UNKNOWN;
  const value = Math.round((after / before - 1) * 100);
  return `${value < 0 ? MINUS : value > 0 ? "+" : ""}${Math.abs(value)}${SPACE}%`;
};

export const fps = (value) => (isNumber(value) ? `${value.toFixed(value < 9.95 ? 1 : 0)}${SPACE}fps` : UNKNOWN);

/** Seconds of film in a second: 1.42 as "1.4×". */
export const speed = (value) =>
  isNumber(value) ? `${value.toFixed(value < 9.95 ? (value < 0.95 ? 2 : 1) : 0)}×` : UNKNOWN;

// Not by toLocaleString: the first one on a page takes 20 ms, a tenth of its first paint.
const BEFORE_THOUSANDS = /\B(?=(?:\d{3})+$)/g;

/** 12345 as "12,345"; whole numbers only. */
export const count = (value) => (isNumber(value) ? String(value).replace(BEFORE_THOUSANDS, ",") : UNKNOWN);

/** 1 "file", 2 "files". */
export const counted = (value, one, many = `${one}s`) => `${count(value)}${SPACE}${value === 1 ? one : many}`;

// Not by toLocaleString, which takes a quarter of a millisecond: a list draws forty rows of it in one frame.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const timeOfDay = (date) => `${padded(date.getHours())}:${padded(date.getMinutes())}`;
const dayOfYear = (date) => `${date.getDate()} ${MONTHS[date.getMonth()]}`;
const isValid = (date) => !Number.isNaN(date.getTime());

/** The time of day as "14:03"; with the day when that is not today's. `time` is RFC 3339, a Date or ms. */
export const clock = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  const text = timeOfDay(date);
  return date.toDateString() === new Date(now).toDateString() ? text : `${day(date, now)}, ${text}`;
};

/** "22 Nov"; with the year when that is not this one. */
export const day = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return isThisYear ? dayOfYear(date) : `${dayOfYear(date)} ${date.getFullYear()}`;
};

/** The whole of a moment, as "22 Nov 2026, 14:03:11". */
export const moment = (time) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  return `${dayOfYear(date)} ${date.getFullYear()}, ${timeOfDay(date)}:${padded(date.getSeconds())}`;
};

/** `{text, title}`: "5 min ago" and the moment. */
export const when = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return { text: UNKNOWN, title: "" };
  return { text: relative((now - date.getTime()) / 1000, date, now), title: moment(date) };
};

const relative = (seconds, date, now) => {
  const size = Math.abs(seconds);
  if (size < 45) return seconds < 0 ? "in a moment" : "just now";
  if (size >= 20 * 3600) return clock(date, now);
  const minutes = Math.round(size / 60);
  const text = minutes < 60 ? `${minutes}${SPACE}min` : `${Math.round(minutes / 60)}${SPACE}h`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
};

/** A task's path taken apart: "720/Show/1.mkv" as `{root: "720", folder: "Show", name: "1.mkv"}`. */
export const pathParts = (path) => {
  const parts = shownPath(path).split("/");
  const name = parts.at(-1);
  const root = parts.length > 1 ? parts[0] : "";
  return { root, folder: parts.slice(1, -1).join("/"), name };
};

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A name with what cannot be seen made visible, so that it cannot look like another or turn the line around. */
export const shownPath = (path) => String(path ?? "").replace(HIDDEN, "\ufffd");

const STATUSES = {
  queued: { text: "Waiting", tone: "quiet" },
  processing: { text: "Encoding", tone: "running" },
  processed: { text: "Done", tone: "done" },
  skipped: { text: "Left as it is", tone: "quiet" },
  cancelled: { text: "Cancelled", tone: "quiet" },
  failed: { text: "Failed", tone: "failed" },
  error_missing_input: { text: "File is gone", tone: "failed" },
  error_no_resolution: { text: "No resolution", tone: "failed" },
  error_exception: { text: "Failed", tone: "failed" },
};

const WAITS = {
  space: "Waits for room on the disk",
  folder: "Waits for its folder",
  encoder: "Waits for the encoder",
};

/** What a task's state is called, and its tone: "quiet", "running", "waiting", "done" or "failed". */
export const status = ({ status: name, frozen = false, waiting_for: waitingFor = null }) => {
  if (frozen) return { text: "Frozen", tone: "waiting" };
  if (name === "queued" && waitingFor) {
    return { text: WAITS[waitingFor] ?? "Waits for its twin", tone: "waiting" };
  }
  return STATUSES[name] ?? { text: String(name), tone: "quiet" };
};

export const STATUS_NAMES = Object.keys(STATUSES);

/** Words of the service as a sentence of their own: "too many attempts" as "Too many attempts." */
export const sentence = (text) => {
  const words = String(text ?? "").trim();
  // What begins with the name of a setting or a file is left as it is.
  const begun =
    /^[a-z]+[ ,;:]/.test(words) && !/^[a-z]+ =/.test(words) ? words[0].toUpperCase() + words.slice(1) : words;
  return begun === "" || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
};

/** "encoding" as "Encoding", "measuring the quality of" as "Measuring the quality". */
export const stage = (text) => {
  if (!text) return "Beginning";
  const words = String(text).replace(/ (of|for)$/, "");
  return words[0].toUpperCase() + words.slice(1);
};
