// Days and weeks of the history's charts, without gaps, and sums of many rows.
//
// Promises: pure; days are as `2026-11-22`, weeks as `2026-W47` (ISO 8601: from Monday, the first with 4 days in the
// year); a day without anything is a sum of zeros, so that a chart's time runs evenly.
// Never in here: the DOM, requests, the clock.

const DAY_MS = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const SUMS = [
  "files",
  "before_bytes",
  "after_bytes",
  "saved_bytes",
  "encode_seconds",
  "skipped",
  "failed",
  "cancelled",
];

// Days are counted as those of UTC, which has no hour that is missing or there twice.
const dateOf = (day) => new Date(`${day}T00:00:00Z`);
const dayOf = (date) => date.toISOString().slice(0, 10);

/** The day of a moment in a time zone; in that of this browser when the zone is null or unknown to it. */
export function dayIn(moment, timeZone) {
  const parts = { calendar: "iso8601", numberingSystem: "latn", year: "numeric", month: "2-digit", day: "2-digit" };
  const formatOf = (zone) => new Intl.DateTimeFormat("en", { ...parts, timeZone: zone });
  let format = formatOf(undefined);
  try {
    if (timeZone) format = formatOf(timeZone);
  } catch {
    // A zone that this browser does not know.
  }
  // In which order a language writes them changes with the browser's version.
  const found = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  return `${found.year}-${found.month}-${found.day}`;
}

/** The week of a day. */
export function weekOf(day) {
  const thursday = new Date(dateOf(day).getTime() + (3 - ((dateOf(day).getUTCDay() + 6) % 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const number = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(number).padStart(2, "0")}`;
}

/** The Monday of a week. */
export function mondayOf(week) {
  const [year, number] = week.split("-W").map(Number);
  const fourth = new Date(Date.UTC(year, 0, 4));
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY_MS + (number - 1) * 7 * DAY_MS;
  return dayOf(new Date(monday));
}

/** `count` days, the last of which is `last`. */
export const daysUntil = (last, count) =>
  Array.from({ length: count }, (_, number) => dayOf(new Date(dateOf(last).getTime() - (count - 1 - number) * DAY_MS)));

/** `count` weeks, the last of which has the day `last`. */
export const weeksUntil = (last, count) =>
  Array.from({ length: count }, (_, number) =>
    weekOf(dayOf(new Date(dateOf(last).getTime() - (count - 1 - number) * 7 * DAY_MS))),
  );

/** Sums of many rows together. */
export const sumOf = (rows) =>
  Object.fromEntries(SUMS.map((name) => [name, rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)]));

/** One row for each of `keys`, in their order; `name` is the field that has the key, as `day`. */
export function filled(rows, keys, name) {
  const byKey = new Map(rows.map((row) => [row[name], row]));
  return keys.map((key) => byKey.get(key) ?? { [name]: key, ...sumOf([]) });
}

/** Without what came before the first file, but at least the last `least` rows. */
export function fromFirst(rows, least) {
  const first = rows.findIndex(({ files }) => files > 0);
  return rows.slice(Math.max(0, Math.min(first < 0 ? rows.length : first, rows.length - least)));
}

/** The `count` folders that saved most, and the others in one row (`folder`: null) if there are more. */
export function largestFolders(rows, count) {
  const sorted = [...rows].sort((one, other) => other.saved_bytes - one.saved_bytes);
  if (sorted.length <= count) return sorted;
  return [...sorted.slice(0, count), { folder: null, ...sumOf(sorted.slice(count)) }];
}

/** As `22 Nov`. */
export function shortDay(day) {
  const date = dateOf(day);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** As `Sun 22 Nov 2026`. */
export const longDay = (day) => `${WEEKDAYS[dateOf(day).getUTCDay()]} ${shortDay(day)} ${day.slice(0, 4)}`;

/** As `Week 47 of 2026, from 16 Nov`. */
export function longWeek(week) {
  const [year, number] = week.split("-W");
  return `Week ${Number(number)} of ${year}, from ${shortDay(mondayOf(week))}`;
}
