// What kind of field a setting gets, how its value is typed, and what is sent for what was typed.
// Promises: pure; nothing typed is lost on the way there and back; what the service would refuse for its form alone is
// said here, in the same words ("allowed is …").
// Never in here: what a value means, elements of the page.

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"];

/** What follows a number, by how its key ends. */
const UNITS = [
  ["_seconds", "seconds"],
  ["_seconds_without_lease", "seconds"],
  ["_hours", "hours"],
  ["_days", "days"],
  ["_gb", "GB"],
  ["_pixels", "pixels"],
  ["_scans", "checks"],
  ["min_saving", "%"],
  ["quality_floor", "dB"],
];

const SECONDS_OF = { seconds: 1, hours: 3600, days: 86400 };

/**
 * @typedef {{type: "switch"} | {type: "secret"} | {type: "text", suggestions: string[]}
 *   | {type: "choice", options: string[]} | {type: "several", options: string[]} | {type: "list"} | {type: "size"}
 *   | {type: "number", min: number|null, max: number|null, unit: string, isWhole: boolean}} Kind
 */

/**
 * The kind of field for a row of GET /settings.
 * @param {{key: string, value: any, default: any, allowed: string, is_secret: boolean}} setting
 * @param {string[]} profiles names of profiles, for settings that name one
 * @returns {Kind}
 */
export function kindOf(setting, profiles = []) {
  const { allowed } = setting;
  const sample = setting.default ?? setting.value;
  if (setting.is_secret) return { type: "secret" };
  if (typeof sample === "boolean") return { type: "switch" };
  if (allowed.startsWith("the name of a profile")) return { type: "choice", options: profiles };
  const options = choices(allowed);
  if (options) return { type: "choice", options };
  if (Array.isArray(sample)) {
    const several = words(allowed.replace(/^a list of /, ""), ",");
    return several ? { type: "several", options: several } : { type: "list" };
  }
  if (allowed.startsWith("a number of bytes")) return { type: "size" };
  const range = /^(-?[\d.]+) to (-?[\d.]+)/.exec(allowed);
  if (range || typeof sample === "number") return number(setting.key, range);
  return { type: "text", suggestions: words(allowed.replace(/,? or (an?|the) .*$/, ""), ",") ?? [] };
}

/** `"auto", "note" or "skip"`, or the same without quotes; null where the words are something else. */
function choices(allowed) {
  const quoted = /^"[\w-]+"(, "[\w-]+")* or "[\w-]+"$/;
  if (quoted.test(allowed)) return allowed.match(/[\w-]+(?=")/g);
  const plain = /^[\w-]+(, [\w-]+)* or [\w-]+$/;
  return plain.test(allowed) ? allowed.split(/, | or /) : null;
}

/** At least two single words with `separator` between them, else null. */
function words(text, separator) {
  const parts = text.split(separator).map((part) => part.trim());
  return parts.length > 1 && parts.every((part) => /^[\w-]+$/.test(part)) ? parts : null;
}

/** What may have fractions; all else is counted. */
const MEASURED = ["seconds", "hours", "GB", "dB", "%"];

function number(key, range) {
  const unit = UNITS.find(([end]) => key.endsWith(end))?.[1] ?? "";
  const [min, max] = range ? [Number(range[1]), Number(range[2])] : [null, null];
  return { type: "number", min, max, unit, isWhole: !MEASURED.includes(unit) };
}

/**
 * What stands in the field for a value: a text; a boolean for a switch; an array of texts for "several" and "list";
 * amount and unit for a size.
 */
export function typedOf(kind, value) {
  switch (kind.type) {
    case "switch":
      return value === true;
    case "secret":
      return "";
    case "several":
    case "list":
      return Array.isArray(value) ? value.map(String) : [];
    case "size":
      return sizeParts(value);
    default:
      return value === null || value === undefined ? "" : String(value);
  }
}

function sizeParts(value) {
  const parts = /^\s*([\d.]*)\s*([a-z]*)\s*$/i.exec(String(value ?? ""));
  if (!parts) return { amount: String(value), unit: "B" };
  const unit = SIZE_UNITS.find((known) => known.toLowerCase() === parts[2].toLowerCase());
  // A 0 has no unit; a person who makes more of it hardly means bytes.
  return { amount: parts[1], unit: unit ?? (Number(parts[1]) === 0 ? "GiB" : "B") };
}

/** The units of a size, smallest first. */
export function sizeUnits() {
  return SIZE_UNITS;
}

/**
 * The value to send for what was typed.
 * @returns {{value: any} | {error: string}}
 */
export function valueOf(kind, typed, allowed) {
  const refused = { error: `Allowed is ${allowed}.` };
  switch (kind.type) {
    case "switch":
    case "several":
    case "choice":
      return { value: typed };
    case "list":
      return { value: typed.map((line) => line.trim()).filter((line) => line !== "") };
    case "size":
      return sizeValue(typed) ?? refused;
    case "number": {
      const value = Number(String(typed).trim().replace(",", "."));
      const fits =
        String(typed).trim() !== "" &&
        Number.isFinite(value) &&
        (kind.min === null || value >= kind.min) &&
        (kind.max === null || value <= kind.max) &&
        (!kind.isWhole || Number.isInteger(value));
      return fits ? { value } : refused;
    }
    default:
      return { value: typed };
  }
}

function sizeValue({ amount, unit }) {
  const text = amount.trim().replace(",", ".");
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  if (Number(text) === 0) return { value: 0 };
  return { value: unit === "B" ? Number(text) : `${text}${unit}` };
}

/** Whether two values of a setting say the same. */
export function isSameValue(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A value in words, for "default …" and "was …". Secrets never come here: the service sends `…`. */
export function shown(kind, value) {
  if (value === null || value === undefined) return "none";
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    const isAll = kind.type === "several" && kind.options.every((option) => value.includes(option));
    return isAll ? "all" : value.join(", ");
  }
  if (kind.type === "secret") return value === "" ? "not set" : "set";
  if (value === "") return "empty";
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, part]) => `${name} ${part}`)
      .join(", ");
  }
  if (kind.type === "size") {
    const { amount, unit } = sizeParts(value);
    return Number(amount) === 0 ? "0" : `${amount} ${unit}`;
  }
  if (kind.type === "number" && kind.unit !== "") return `${value} ${kind.unit}`;
  return String(value);
}

/** What is allowed, as far as the field does not show it itself; empty where it shows all. */
export function allowedInWords(kind, allowed) {
  if (["switch", "choice", "several"].includes(kind.type)) return "";
  return kind.type === "size" ? (/up to .*$/.exec(allowed)?.[0] ?? "") : allowed;
}

/** `= 7 days` beside a long span of time, as `7 days`; empty where the number says it well enough. */
export function spanInWords(kind, typed) {
  const seconds = Number(typed) * (SECONDS_OF[kind.unit] ?? NaN);
  if (!(seconds >= 60)) return "";
  const [size, name] = [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ].find(([unit]) => seconds >= unit);
  if (`${name}s` === kind.unit) return "";
  const count = Math.round((seconds / size) * 10) / 10;
  const about = count * size === seconds ? "" : "about ";
  return `${about}${count} ${name}${count === 1 ? "" : "s"}`;
}
