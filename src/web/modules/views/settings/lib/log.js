// The log as the page keeps it: newest first, put together from pages that overlap.
// Promises: pure; an entry that is there twice in the log is shown twice, one that two pages both have is shown once.
// Never in here: requests, timers.

/** @typedef {{time: string, level: string, message: string}} Entry */

/** The levels by weight, lightest first, with what a person calls "this and above". */
export const LEVELS = [
  { level: "error", title: "Errors only" },
  { level: "warn", title: "Warnings and errors" },
  { level: "info", title: "Info and above" },
  { level: "debug", title: "Debug and above" },
  { level: "trace", title: "Everything" },
];

/**
 * The entries after the newest page was read again.
 * @param {Entry[]} shown
 * @param {Entry[]} newest
 * @returns {{entries: Entry[], isWhole: boolean}} `isWhole` false: more was logged than one page holds, so that what
 *   was shown does not follow on it and was let go
 */
export function withNewest(shown, newest) {
  if (shown.length === 0) return { entries: newest, isWhole: true };
  for (let count = 0; count < newest.length; count += 1) {
    if (followsOn(newest, count, shown)) return { entries: [...newest.slice(0, count), ...shown], isWhole: true };
  }
  return newest.length === 0 ? { entries: shown, isWhole: true } : { entries: newest, isWhole: false };
}

/** Whether `newest` from `count` on is how `shown` begins. */
function followsOn(newest, count, shown) {
  const common = Math.min(newest.length - count, shown.length);
  for (let index = 0; index < common; index += 1) {
    if (!isSame(newest[count + index], shown[index])) return false;
  }
  return true;
}

function isSame(one, other) {
  return one.time === other.time && one.level === other.level && one.message === other.message;
}

/** The query of a page; what is not asked for is left out. */
export function logQuery({ level, text }, before = null) {
  const query = { lines: 200, level };
  if (text.trim() !== "") query.q = text.trim();
  if (before !== null) query.before = before;
  return query;
}

/** The entries as text for another place, oldest first, as in the file. */
export function asText(entries) {
  return entries
    .map(({ time, level, message }) => `${time} ${level.toUpperCase().padStart(5)} ${message}`)
    .reverse()
    .join("\n");
}
