// The list of files that are sent: what each row may become, whose turn it is, how far all are. Pure.
//
// Promises: a row changes only by `change`; at most so many are sent at once as `toBegin` is told; what is remembered
// for the next visit holds no bytes and is read with distrust.
// Never in here: requests, files, clocks, storage.
//
// A row: {id, path, sizeBytes, modifiedMs, resolution, profile, priority, mark, url, state, sentBytes, attempt,
// reason, task}
// and its states:
//   waiting  for its turn
//   asks     for a decision: the service has a file of that name
//   sending
//   lost     the connection; it goes on by itself
//   paused   by a person
//   asleep   known from an earlier visit; its file has to be chosen again
//   placing  all bytes are there, the service gives the file its name
//   sent     it is a task now
//   failed   refused by the service, for `reason`

/** Rows that hold one of the few places for sending. */
const HOLDS_PLACE = new Set(["sending", "lost"]);
/** Rows that have bytes to send, now or later. */
const IS_UNFINISHED = new Set(["waiting", "asks", "sending", "lost", "paused", "asleep"]);

const RETRY_DELAYS_MS = [500, 1000, 2000, 4000, 8000, 15000, 30000];
/** Over so long the rate is told. */
const RATE_WINDOW_MS = 10_000;

/** How long to wait before the next try, after so many that failed in a row. It never gives up. */
export const retryDelayMs = (attempt) => RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)];

/**
 * What an answer that is no success means for an upload.
 * @param {number|null} status of HTTP; null when none came
 * @returns "again": go on later by itself; "login": who sends has to log in; "refused": only a person can help
 */
export function meaningOf(status) {
  if (status === null || status === 0) {
    return "again";
  }
  if (status === 401) {
    return "login";
  }
  const again = [408, 409, 423, 425, 429, 460].includes(status) || (status >= 500 && status !== 507);
  return again ? "again" : "refused";
}

/** A new row of a file: `wish` has resolution, profile and priority. */
export const newRow = (id, { path, sizeBytes, modifiedMs }, wish, mark) => ({
  id,
  path,
  sizeBytes,
  modifiedMs,
  resolution: wish.resolution,
  profile: wish.profile,
  priority: wish.priority,
  mark,
  url: null,
  state: "waiting",
  sentBytes: 0,
  attempt: 0,
  reason: null,
  task: null,
  /** Where the service has put it. */
  placedPath: null,
  /** It was begun in this visit or an earlier one, so that the service may know it by its mark. */
  begun: false,
  /** A person wants it sent although the service has a file of that name. */
  agreed: false,
  /** It was paused at the end of the earlier visit. */
  wasPaused: false,
});

/** What a row may be done with by a person. */
export function mayBe(row) {
  return {
    paused: ["waiting", "sending", "lost"].includes(row.state),
    resumed: row.state === "paused",
    retried: row.state === "failed",
    cancelled: IS_UNFINISHED.has(row.state) || row.state === "failed",
    dismissed: row.state === "sent",
  };
}

/** What happens to one row; an event that does not fit its state changes nothing. */
function step(row, event) {
  const to = (state, more) => ({ ...row, state, reason: null, ...more });
  const is = (...states) => states.includes(row.state);
  switch (event.type) {
    case "began":
      return is("waiting", "lost") ? to("sending", { begun: true }) : row;
    case "address":
      return { ...row, url: event.url };
    case "progress":
      // What has got through proves that the connection is good again.
      return is("sending", "lost")
        ? to("sending", { sentBytes: event.sentBytes, attempt: event.sentBytes > row.sentBytes ? 0 : row.attempt })
        : row;
    case "broke":
      return is("sending", "lost") ? to("lost", { attempt: row.attempt + 1, reason: event.reason ?? null }) : row;
    case "asks":
      return is("sending", "waiting") ? to("asks", { reason: event.reason }) : row;
    case "agreed":
      return is("asks") ? to("waiting", { agreed: true }) : row;
    case "refused":
      return is("sending", "lost", "placing") ? to("failed", { reason: event.reason }) : row;
    case "paused":
      return mayBe(row).paused ? to("paused") : row;
    case "resumed":
      return is("paused", "failed") ? to("waiting", { attempt: 0, wasPaused: false }) : row;
    case "chosen":
      return is("asleep") ? to("waiting") : row;
    case "woken":
      return is("asleep") ? to(row.wasPaused ? "paused" : "waiting") : row;
    case "whole":
      return is("sending", "lost") ? to("placing", { sentBytes: row.sizeBytes }) : row;
    case "placed":
      return is("placing") ? to("sent", { task: event.task, placedPath: event.path }) : row;
    default:
      return row;
  }
}

/** The rows after an event about those of `ids`. */
export function change(rows, ids, event) {
  const about = new Set(ids);
  if (event.type === "removed") {
    return rows.filter((row) => !about.has(row.id));
  }
  return rows.map((row) => (about.has(row.id) ? step(row, event) : row));
}

/** The ids of those whose turn it is, in the order of the list. */
export function toBegin(rows, atOnce) {
  const free = atOnce - rows.filter((row) => HOLDS_PLACE.has(row.state)).length;
  return rows
    .filter((row) => row.state === "waiting")
    .slice(0, Math.max(free, 0))
    .map((row) => row.id);
}

/** `{files, doneFiles, sentBytes, totalBytes, state}` of all rows; what failed counts no more. */
export function totals(rows) {
  const counted = rows.filter((row) => row.state !== "failed");
  const sum = (of) => counted.reduce((total, row) => total + of(row), 0);
  const some = (...states) => counted.some((row) => states.includes(row.state));
  let state = "idle";
  if (some("sending", "placing")) {
    state = "sending";
  } else if (some("lost")) {
    state = "lost";
  } else if (some("waiting")) {
    state = "sending";
  } else if (some("paused")) {
    state = "paused";
  } else if (some("asks")) {
    state = "asks";
  } else if (some("asleep")) {
    state = "unfinished";
  }
  return {
    files: counted.length,
    doneFiles: counted.filter((row) => row.state === "sent" || row.state === "placing").length,
    sentBytes: sum((row) => Math.min(row.sentBytes, row.sizeBytes)),
    totalBytes: sum((row) => row.sizeBytes),
    state,
  };
}

/** Of each kind as many rows are drawn; nobody reads more. */
const DRAWN = 100;
const KINDS = {
  waiting: "waiting",
  asleep: "waiting",
  paused: "waiting",
  sent: "sent",
  placing: "sent",
  failed: "failed",
  asks: "asks",
};

/**
 * Which rows are drawn, in the order of the list: `{rows, hidden: {waiting, sent, failed, asks}}`. Of those that are
 * sent the last ones, of all others the first ones.
 */
export function drawn(rows, most = DRAWN) {
  const kinds = { waiting: [], sent: [], failed: [], asks: [] };
  for (const row of rows) {
    kinds[KINDS[row.state]]?.push(row);
  }
  const beyond = (kind) =>
    kind === "sent" ? kinds.sent.slice(0, Math.max(0, kinds.sent.length - most)) : kinds[kind].slice(most);
  const hidden = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, beyond(kind)]));
  const all = new Set(Object.values(hidden).flat());
  return {
    rows: rows.filter((row) => !all.has(row)),
    hidden: Object.fromEntries(Object.entries(hidden).map(([kind, of]) => [kind, of.length])),
  };
}

/** Samples `{atMs, sentBytes}` of the last moments, with one more. */
export function withSample(samples, sample) {
  const last = samples.at(-1);
  // A row that was taken away, or an upload that began anew: what was counted before says nothing.
  const kept = last && sample.sentBytes < last.sentBytes ? [] : samples;
  return [...kept.filter(({ atMs }) => sample.atMs - atMs <= RATE_WINDOW_MS), sample];
}

/** `{bytesPerSecond, secondsLeft}`, null while that cannot be told. */
export function rateOf(samples, totalBytes) {
  const [first, last] = [samples[0], samples.at(-1)];
  const ms = first ? last.atMs - first.atMs : 0;
  if (ms < 1000) {
    return { bytesPerSecond: null, secondsLeft: null };
  }
  const bytesPerSecond = ((last.sentBytes - first.sentBytes) / ms) * 1000;
  const secondsLeft = bytesPerSecond > 0 ? (totalBytes - last.sentBytes) / bytesPerSecond : null;
  return { bytesPerSecond, secondsLeft };
}

const KEPT = ["id", "path", "sizeBytes", "modifiedMs", "resolution", "profile", "priority", "mark", "url", "sentBytes"];

/** What to remember of a row for the next visit, as text; null when there is nothing left to send of it. */
export const remembered = (row) =>
  IS_UNFINISHED.has(row.state)
    ? JSON.stringify({
        ...Object.fromEntries(KEPT.map((key) => [key, row[key]])),
        wasPaused: row.state === "paused" || row.wasPaused,
      })
    : null;

const isRow = (row) =>
  row !== null &&
  typeof row === "object" &&
  [row.id, row.path, row.mark].every((text) => typeof text === "string" && text !== "") &&
  [row.sizeBytes, row.modifiedMs, row.resolution, row.priority, row.sentBytes].every(Number.isFinite) &&
  (row.profile === null || typeof row.profile === "string") &&
  // Bytes go to this service alone, whatever was put into the storage.
  (row.url === null || (typeof row.url === "string" && /^\/api\/v1\/uploads\/[^/?#]+$/.test(row.url)));

/** A row of an earlier visit, asleep; null when the text is damaged. */
export const recalled = (text) => {
  let row;
  try {
    row = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRow(row)) return null;
  const { url, sentBytes } = row;
  return {
    ...newRow(row.id, row, row, row.mark),
    url,
    sentBytes,
    state: "asleep",
    begun: true,
    wasPaused: row.wasPaused === true,
  };
};
