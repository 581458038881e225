// Profiles and the folders that use them, out of the rows of settings; and the changes that make, rename and delete
// them.
// Promises: pure; a profile that is made here says every key, so that a later change of the one it was copied from leaves
// it as it is.
// Never in here: ffmpeg's arguments (the service makes the preview), requests.

/** The keys of a profile in the order in which people decide on them. */
export const PROFILE_KEYS = ["preset", "crf", "target", "crf_min", "crf_max", "x265_params", "audio"];

/** x265's presets, fastest first. */
export const PRESETS = [
  "ultrafast",
  "superfast",
  "veryfast",
  "faster",
  "fast",
  "medium",
  "slow",
  "slower",
  "veryslow",
  "placebo",
];

/** What a search for quality aims at: the range that is allowed, and a value to begin with. */
export const METRICS = {
  ssim_db: { title: "SSIM", unit: "dB", min: 5, max: 50, usual: 17.5 },
  vmaf: { title: "VMAF", unit: "", min: 1, max: 100, usual: 95 },
  xpsnr: { title: "XPSNR", unit: "dB", min: 10, max: 80, usual: 40 },
};

/** Between these a search stays when nothing else is said; as in the service. */
const SEARCH = { crf_min: 12, crf_max: 40 };

const BUILT_IN = ["slow", "medium", "fast"];

/**
 * @typedef {{preset: string, crf: number, target: null|{metric: string, value: number}, crf_min: number,
 *   crf_max: number, x265_params: string, audio: "aac"|"copy"}} Keys
 * @typedef {{name: string, isBuiltIn: boolean, isChanged: boolean, keys: Keys, inFile: string[], usedBy: string[]}}
 *   Profile
 *   `inFile`: the keys that the settings file says; `usedBy`: in words, as "input/720" and "every other folder"
 */

/**
 * All profiles, built-in ones first in their order.
 * @param {object[]} rows of GET /settings
 * @returns {Profile[]}
 */
export function profilesOf(rows) {
  const profiles = new Map();
  for (const row of rows) {
    const [section, name, key] = row.key.split(".");
    if (section !== "profiles" || key === undefined) continue;
    if (!profiles.has(name)) {
      profiles.set(name, { name, isBuiltIn: BUILT_IN.includes(name), keys: { target: null, ...SEARCH }, inFile: [] });
    }
    const profile = profiles.get(name);
    profile.keys[key] = row.value;
    if (row.source !== "default") profile.inFile.push(key);
  }
  return [...profiles.values()]
    .map((profile) => ({
      ...profile,
      isChanged: profile.isBuiltIn && profile.inFile.length > 0,
      usedBy: usersOf(rows, profile.name),
    }))
    .sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
}

function rank(profile) {
  const place = BUILT_IN.indexOf(profile.name);
  return place < 0 ? BUILT_IN.length : place;
}

/**
 * The folders with the profile of each, smallest picture first.
 * @returns {{height: number, profile: string, isOwn: boolean, key: string}[]} `isOwn`: not merely the profile for all
 */
export function foldersOf(rows) {
  return rows
    .filter((row) => /^resolution\.\d+\.profile$/.test(row.key))
    .map((row) => ({
      height: Number(row.key.split(".")[1]),
      profile: row.value,
      isOwn: row.source !== "default",
      key: row.key,
    }))
    .sort((one, other) => one.height - other.height);
}

/** Why there cannot be a new folder with this name; null where there can. */
export function folderProblem(name, folders) {
  const height = Number(name);
  const isHeight = /^[1-9]\d*$/.test(name) && height >= 64 && height <= 8640 && height % 2 === 0;
  if (!isHeight) return "Allowed is an even height in pixels from 64 to 8640.";
  return folders.some((folder) => folder.height === height) ? `There is a folder input/${name} already.` : null;
}

function usersOf(rows, name) {
  const common = rows.find((row) => row.key === "profile")?.value === name ? ["every folder without its own"] : [];
  const folders = foldersOf(rows).filter((folder) => folder.isOwn && folder.profile === name);
  return [...folders.map((folder) => `input/${folder.height}`), ...common];
}

/** Why a new profile cannot have this name; null where it can. */
export function nameProblem(name, profiles, former = null) {
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(name)) return "Allowed are up to 32 letters, digits, - and _.";
  const isTaken = name !== former && profiles.some((profile) => profile.name === name);
  return isTaken ? `There is a profile ${name} already.` : null;
}

/** A name for a copy of `name` that is free. */
export function copyName(name, profiles) {
  const isFree = (candidate) => nameProblem(candidate, profiles) === null;
  const stem = name.slice(0, 24);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? `${stem}-copy` : `${stem}-copy-${number}`;
    if (isFree(candidate)) return candidate;
  }
}

/**
 * What is said of a profile in the settings: a fixed CRF, or a target with the bounds of its search.
 * @param {Keys} keys
 */
export function saidOf(keys) {
  const { preset, crf, target, crf_min, crf_max, x265_params, audio } = keys;
  const quality = target ? { target, crf_min, crf_max } : { crf };
  return { preset, ...quality, x265_params, audio };
}

/**
 * The changes of settings that save `keys` as the profile `name`.
 * @param {Profile|null} former the profile as it is; null for a new one
 */
export function savingChanges(name, keys, former) {
  const changes = {};
  const said = saidOf(keys);
  // A built-in profile says in the file only what differs from what it is.
  const before = former ? saidOf(former.keys) : {};
  for (const [key, value] of Object.entries(said)) {
    if (JSON.stringify(before[key]) !== JSON.stringify(value)) changes[`profiles.${name}.${key}`] = value;
  }
  for (const key of former?.inFile ?? []) {
    if (!(key in said) && key !== "based_on") changes[`profiles.${name}.${key}`] = null;
  }
  return changes;
}

/** The changes that take a profile out of the file: an own one is gone then, a built-in one is as it was made. */
export function removingChanges(profile) {
  return { [`profiles.${profile.name}`]: null };
}

/** The changes that rename: the new profile, every folder that names the old one, and the old one gone. */
export function renamingChanges(name, keys, former, rows) {
  const users = rows.filter(
    (row) => (row.key === "profile" || row.key.startsWith("resolution.")) && row.value === former.name,
  );
  // A folder that only has the profile for all follows that.
  const named = users.filter((row) => row.source !== "default");
  return {
    ...savingChanges(name, keys, null),
    ...Object.fromEntries(named.map((row) => [row.key, name])),
    ...removingChanges(former),
  };
}

/** What stands in the fields of a profile: texts, and which way its quality is said. */
export function typedOfProfile(keys) {
  const { target, crf, crf_min, crf_max, ...rest } = keys;
  return {
    ...rest,
    way: target ? "target" : "crf",
    crf: String(crf),
    metric: target?.metric ?? "ssim_db",
    aim: String(target?.value ?? METRICS.ssim_db.usual),
    crf_min: String(crf_min),
    crf_max: String(crf_max),
  };
}

/**
 * The keys of what was typed, and what is wrong with it.
 * @returns {{keys: Keys, errors: Record<string, string>}} errors by field: "crf", "aim", "crf_min", "crf_max"
 */
export function keysOfTyped(typed) {
  const { way, metric, aim, preset, x265_params, audio } = typed;
  const errors = {};
  const number = (name, text, min, max) => {
    const value = Number(text.trim().replace(",", "."));
    if (text.trim() === "" || !(value >= min && value <= max)) errors[name] = `Allowed is ${min} to ${max}.`;
    return value;
  };
  const common = { preset, x265_params: x265_params.trim(), audio };
  if (way === "crf") {
    return { keys: { ...common, ...SEARCH, crf: number("crf", typed.crf, 0, 51), target: null }, errors };
  }
  const { min, max } = METRICS[metric];
  const keys = {
    ...common,
    crf: Number(typed.crf),
    target: { metric, value: number("aim", aim, min, max) },
    crf_min: number("crf_min", typed.crf_min, 0, 51),
    crf_max: number("crf_max", typed.crf_max, 0, 51),
  };
  if (keys.crf_min > keys.crf_max) errors.crf_max = "It is below the lowest CRF.";
  return { keys, errors };
}

/** The field of the editor that a key of a profile is typed into. */
const fieldOfKey = (key) => (key === "target" ? "aim" : key);

/** The errors of a refused change that are about the profile `name`, by field of the editor. */
export function errorsOfProfile(errors, name) {
  const prefix = `profiles.${name}.`;
  return Object.fromEntries(
    errors
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ key, detail }) => [fieldOfKey(key.slice(prefix.length)), detail]),
  );
}

/** The errors of a preview that are about keys of the profile, by field of the editor. */
export function errorsOfPreview(preview) {
  const errors = (preview?.errors ?? []).filter(({ key }) => PROFILE_KEYS.includes(key));
  return Object.fromEntries(errors.map(({ key, detail }) => [fieldOfKey(key), detail]));
}

/** A command with a line for each option that has values, as a shell takes it. */
export function commandLines(words) {
  const lines = [];
  for (const word of words) {
    const isOption = /^-[a-z]/i.test(word);
    const last = lines.at(-1);
    if (!isOption && last) last.push(word);
    else lines.push([word]);
  }
  const joined = [];
  for (const line of lines) {
    const isBare = line.length === 1;
    if (isBare && joined.at(-1)?.isBare) joined.at(-1).words.push(...line);
    else joined.push({ isBare, words: [...line] });
  }
  return joined.map((line) => line.words.join(" ")).join(" \\\n  ");
}

/** In one line: "CRF 26, preset medium, sound AAC". */
export function inWords({ preset, crf, target, audio }) {
  const { title, unit } = METRICS[target?.metric] ?? {};
  const quality = target ? [title, target.value, unit].filter(Boolean).join(" ") : `CRF ${crf}`;
  return `${quality}, preset ${preset}, sound ${audio === "copy" ? "as it is" : "AAC"}`;
}
