import { G, J, Button, fe, toast, Failure, api, Notice, useAnswer, Link, Skeleton, FILES, createStore, Check, Q, K, useStore, Time, Field, goWith, Empty, go, Z, Select, Switch, moment, shownPath, Dialog, confirm, IconButton, Menu, counted, live, Heading, Tabs, loadStyle } from './app.js';

// A button that copies a text.
// Promises: it works without TLS as well, where browsers keep the clipboard from pages; it says that it has copied.
// Never in here: what is copied.


const SHOWN_MS = 2000;

const copyText = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "copied";
  // Beside a dialog that is open, nothing can be selected but in it.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("The browser does not let this page copy. Select the text and copy it by hand.");
  return undefined;
};

/** `text` or what answers with it; `children` is the button's text. */
const CopyButton = ({ text, children = "Copy", ...rest }) => {
  const [isCopied, setIsCopied] = G(false);
  J(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setIsCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      await copyText(typeof text === "function" ? text() : text);
      setIsCopied(true);
    } catch (error) {
      toast(error.message, { tone: "failed" });
    }
  };
  return fe`
    <${Button} icon=${isCopied ? "check" : "copy"} onClick=${copy} ...${rest}>${children}<//>
    <span class="visually-hidden" role="status">${isCopied ? "Copied" : ""}</span>
  `;
};

// A part of a section: a heading with what it is about, and what can be done with all of it.
// Never in here: what stands below it.


/** `lead`: what it is about; `actions`: buttons, and what they bring. */
const Group = ({ id, title, lead, actions, children }) => fe`
  <section class="settings-group" id=${id} aria-labelledby="${id}-title">
    <header class="settings-group-head">
      <div>
        <h2 id="${id}-title" tabIndex="-1">${title}</h2>
        ${lead && fe`<p>${lead}</p>`}
      </div>
      ${actions}
    </header>
    ${children}
  </section>
`;

// Settings in groups, their names for people, and the search among them.
// Promises: pure; the order is the service's; the search finds a setting by any words of its name, doc, value or heading.
// Never in here: fields, changes.

/** Words of keys that are not written as they stand there. */
const SPELLINGS = {
  crf: "CRF",
  gb: "GB",
  hdr: "HDR",
  id: "ID",
  oidc: "OIDC",
  tls: "TLS",
  url: "URL",
  urls: "URLs",
};

/** Names of programs keep their small letters. */
const PROGRAMS = ["ffmpeg", "ffprobe", "ionice", "ntfy", "x265"];

/** Ends of keys that the field says as its unit. */
const UNIT_ENDS = /_(seconds|hours|days|gb)$/;

/**
 * A setting's name for people: `http.session_hours` is "Session", `ntfy_base_url` is "ntfy base URL".
 * @param {string} key
 */
function nameOf(key) {
  const last = key.slice(key.lastIndexOf(".") + 1).replace(UNIT_ENDS, "").replace("_seconds_", "_");
  const words = last.split("_").map((word) => SPELLINGS[word] ?? word);
  const text = words.join(" ");
  return PROGRAMS.includes(words[0]) ? text : text[0].toUpperCase() + text.slice(1);
}

/** A heading of the settings file as title and what follows it: "Watch: which files …" has both. */
function headingParts(heading) {
  const plain = heading.replace(/ \((a section|sections)[^)]*\)$/, "");
  const colon = plain.indexOf(": ");
  if (colon < 0) return { title: plain, lead: "" };
  const lead = plain.slice(colon + 2);
  return { title: plain.slice(0, colon), lead: lead[0].toUpperCase() + lead.slice(1) + "." };
}

/** Whether a row is a part of a profile, or of a folder's: those have a page of their own. */
function isOfProfiles(key) {
  return key.startsWith("profiles.") || key.startsWith("resolution.");
}

/**
 * The rows that a search leaves, in groups by heading.
 * @returns {{heading: string, title: string, lead: string, rows: object[]}[]}
 */
function grouped(rows, query = "") {
  const groups = new Map();
  for (const row of rows.filter((row) => !isOfProfiles(row.key) && isFound(row, query))) {
    const { heading } = row;
    if (!groups.has(heading)) groups.set(heading, { heading, ...headingParts(heading), rows: [] });
    groups.get(heading).rows.push(row);
  }
  return [...groups.values()];
}

/** Whether each word of `query` stands somewhere in the row. */
function isFound(row, query) {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const value = row.is_secret ? "" : JSON.stringify(row.value);
  const text = [row.key, row.key.replaceAll("_", " "), nameOf(row.key), row.doc, row.allowed, row.heading, value]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Whether the value does not come from the default. */
function isChanged(row) {
  return row.source !== "default";
}

/** An id for the elements of a setting; keys have nothing but letters, digits, dots, - and _. */
function idOf(key) {
  return `setting-${key.replaceAll(".", "-")}`;
}

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
function kindOf(setting, profiles = []) {
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
function typedOf(kind, value) {
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
function sizeUnits() {
  return SIZE_UNITS;
}

/**
 * The value to send for what was typed.
 * @returns {{value: any} | {error: string}}
 */
function valueOf(kind, typed, allowed) {
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
function isSameValue(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A value in words, for "default …" and "was …". Secrets never come here: the service sends `…`. */
function shown(kind, value) {
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
function allowedInWords(kind, allowed) {
  if (["switch", "choice", "several"].includes(kind.type)) return "";
  return kind.type === "size" ? (/up to .*$/.exec(allowed)?.[0] ?? "") : allowed;
}

/** `= 7 days` beside a long span of time, as `7 days`; empty where the number says it well enough. */
function spanInWords(kind, typed) {
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

// Changes of settings that are typed and not saved yet.
// Promises: pure; what others save meanwhile never overwrites what is typed, and is told; a value that is what it was is
// no change; an error of the service goes to its field, and every other one is kept for the top.
// Never in here: requests, elements of the page.


/** Typed in the place of a value: the default again. */
const DEFAULT = Object.freeze({ isDefault: true });

/**
 * @typedef {{typed: any, base: any}} Typed `base` is the value that it was typed over.
 * @typedef {Record<string, Typed>} Draft by key
 */

/** The draft after something was typed for `row`. */
function type(draft, row, typed) {
  return { ...draft, [row.key]: { typed, base: draft[row.key] ? draft[row.key].base : row.value } };
}

/** The draft without `keys`. */
function forget(draft, keys) {
  return Object.fromEntries(Object.entries(draft).filter(([key]) => !keys.includes(key)));
}

/**
 * What is to be sent, and what cannot be.
 * @param {object[]} rows of GET /settings
 * @param {Draft} draft
 * @param {(row: object) => import("./kind.js").Kind} kindOfRow
 * @returns {{body: Record<string, any>, errors: Record<string, string>, keys: string[]}} `keys`: all that would change
 */
function gather(rows, draft, kindOfRow) {
  const gathered = { body: {}, errors: {}, keys: [] };
  for (const row of rows) {
    if (!(row.key in draft)) continue;
    const { typed } = draft[row.key];
    const outcome = typed === DEFAULT ? { value: null } : valueOf(kindOfRow(row), typed, row.allowed);
    if ("error" in outcome) {
      gathered.errors[row.key] = outcome.error;
      gathered.keys.push(row.key);
    } else if (isChange(row, typed, outcome.value)) {
      gathered.body[row.key] = outcome.value;
      gathered.keys.push(row.key);
    }
  }
  return gathered;
}

function isChange(row, typed, value) {
  if (typed === DEFAULT) return row.source !== "default";
  // Nothing typed into a secret leaves it as it is; emptying it is its default.
  if (row.is_secret) return value !== "";
  return !isSameValue(value, row.value);
}

/** Keys that somebody else changed since they were typed over. */
function overtaken(rows, draft) {
  return rows
    .filter((row) => row.key in draft && !isSameValue(draft[row.key].base, row.value))
    .map((row) => row.key);
}

/**
 * The errors of a refused change: by key where a field shows it, and the rest as sentences.
 * @param {{detail?: string, title?: string, errors?: {key: string, detail: string}[]}} problem
 * @param {string[]} keys that have a field
 */
function errorsOf(problem, keys) {
  const byKey = {};
  const others = [];
  for (const { key, detail } of problem.errors ?? []) {
    if (keys.includes(key)) byKey[key] = byKey[key] ? `${byKey[key]} ${sentence(detail)}` : sentence(detail);
    else others.push(sentence(detail));
  }
  if (Object.keys(byKey).length === 0 && others.length === 0) {
    others.push(sentence(problem.detail || problem.title || "The service refused the change"));
  }
  return { byKey, others };
}

/** Ends with a full stop, and begins with a capital but for keys of settings and names of programs. */
function sentence(text) {
  const trimmed = text.trim();
  const word = /^[a-z]+(?= )(?! =)/.exec(trimmed)?.[0];
  const isPlain = word !== undefined && !PROGRAMS.includes(word);
  const begun = isPlain ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.…]$/.test(begun) ? begun : `${begun}.`;
}

/** What a saved change came to, in one sentence for everybody who hears it. */
function outcomeInWords({ settings, needs_restart, overridden, in_force }) {
  const count = settings.length;
  const saved = `${count} ${count === 1 ? "setting" : "settings"} saved`;
  const remarks = [];
  if (needs_restart.length > 0) remarks.push(`${listed(needs_restart)} takes effect after a restart`);
  if (overridden.length > 0) remarks.push(`${listed(overridden)} is overridden by a variable or a flag for now`);
  if (!in_force) remarks.push("the service takes them over in a moment");
  return remarks.length === 0 ? `${saved}.` : `${saved}; ${remarks.join("; ")}.`;
}

function listed(keys) {
  return keys.length <= 3 ? keys.join(", ") : `${keys.slice(0, 2).join(", ")} and ${keys.length - 2} more`;
}

// The settings of alerts by the way that they take.
// Never in here: fields, requests.

const GENERAL = ["ntfy_events", "include_names", "ntfy_gather_seconds", "ntfy_progress_seconds", "silence_hours"];

const CHANNELS = [
  {
    what: "ntfy",
    title: "ntfy",
    lead: "On a phone, by the app of ntfy. The topic is both address and password.",
    has: (key) => key.startsWith("ntfy_"),
    needs: "ntfy_topic",
  },
  {
    what: "email",
    title: "E-mail",
    lead: "By a mail server of yours.",
    has: (key) => key.startsWith("email_"),
    needs: "email_server",
  },
  {
    what: "webhook",
    title: "Webhooks",
    lead: "As JSON to other programs.",
    has: (key) => key.startsWith("webhook_"),
    needs: "webhook_urls",
  },
];

/**
 * The rows of alerts: what is told, and then by channel.
 * @typedef {{what: string, title: string, lead: string, isOn: boolean, rows: object[]}} Channel
 * @returns {{general: object[], channels: Channel[]}}
 */
function alertParts(rows) {
  const alerts = rows.filter((row) => row.heading.startsWith("Alerts"));
  const channels = CHANNELS.map(({ has, needs, ...channel }) => {
    const own = alerts.filter((row) => has(row.key) && !GENERAL.includes(row.key));
    return { ...channel, isOn: own.some((row) => row.key === needs && row.value.length > 0), rows: own };
  });
  const ofChannels = channels.flatMap((channel) => channel.rows);
  return { general: alerts.filter((row) => !ofChannels.includes(row)), channels };
}

/** 230 as "230 ms", 5200 as "5.2 s". */
function tookInWords(tookMs) {
  return tookMs < 1000 ? `${Math.round(tookMs)}\u00a0ms` : `${(tookMs / 1000).toFixed(1)}\u00a0s`;
}

// Tries something out for real, with the settings in force, and says in words how it went.
// Never in here: what is tried (the service).


const PATIENCE_MS = 90_000;

/** `what` as the API names it; `text` of the button; `hint`: why it would not try what is typed. */
const Test = ({ what, text, hint = null, icon = "play" }) => {
  const [state, setState] = G({ results: null, problem: null });
  const run = async () => {
    setState({ results: null, problem: null });
    try {
      setState({ results: await api.post("/settings/test", { what }, { timeoutMs: PATIENCE_MS }), problem: null });
    } catch (problem) {
      setState({ results: null, problem });
    }
  };
  return fe`
    <div class="test">
      <${Button} icon=${icon} onClick=${run}>${text}<//>
      ${hint && fe`<p class="field-hint">${hint}</p>`}
      <div class="test-results" role="status">
        ${state.problem && fe`<${Failure} problem=${state.problem} />`}
        ${state.results?.map((result) => fe`<${Result} key=${result.target} result=${result} />`)}
      </div>
    </div>
  `;
};

const Result = ({ result }) => {
  const title = `${result.target}: ${result.ok ? "works" : "does not work"}, ${tookInWords(result.took_ms)}`;
  return fe`
    <${Notice} tone=${result.ok ? "done" : "failed"} title=${title}>
      ${result.detail && fe`<p>${sentence(result.detail)}</p>`}
      ${result.way_out && fe`<p>${sentence(result.way_out)}</p>`}
    <//>
  `;
};

// What runs here, and where to read on.
// Never in here: keyboard shortcuts themselves (views/help.js lists them).


const About = ({ me }) => {
  const { data, problem, reload } = useAnswer((signal) => api.get("/version", { signal }), []);
  return fe`
    <${Group} id="about" title="video-compressor" lead="Drop a video into a folder, get it back smaller and whole."
      actions=${data && fe`<div><${CopyButton} text=${asText$1(facts(data))}>Copy for a report<//></div>`}>
      ${problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && fe`<${Skeleton} lines=${5} height=${24} />`}
      ${data && fe`
        <dl class="facts">
          ${facts(data).map(([name, value]) => fe`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}
        </dl>
      `}
    <//>
    ${me.role === "admin" && fe`
      <${Group} id="ffmpeg" title="ffmpeg" lead="A test encodes a made-up picture with the settings in force."
        actions=${fe`<${Test} what="ffmpeg" text="Test ffmpeg" />`} />
    `}
    <${Group} id="read-on" title="Read on">
      <ul class="links">
        <li><${Link} href="/help">Help and keyboard shortcuts<//></li>
        <li><a href=${data?.documentation ?? "/api/docs"}>The API of this server, call by call</a></li>
        <li>On a terminal: <code>video-compressor help</code>, <code>man video-compressor</code>, and${" "}
          <code>video-compressor doctor</code> when something does not work</li>
      </ul>
    <//>
    <${Group} id="licences" title="Licences">
      <p>video-compressor is under the ${data?.license ?? "MIT"} licence. ffmpeg and x265 are programs of their own,
        under theirs. The page is made with work of others: <a href=${licenses}>their licences</a>.</p>
    <//>
  `;
};

const licenses = new URL("LICENSES.txt", FILES).pathname;

const facts = (data) => [
  ["Version", data.build === "release" ? data.version : `${data.version} (${data.build} build)`],
  ["ffmpeg", data.ffmpeg ?? "not found"],
  ["x265", data.x265 ?? "this ffmpeg has none, so it cannot encode H.265"],
  ["System", `${data.os}, ${data.arch}`],
];

const asText$1 = (rows) => rows.map(([name, value]) => `${name}: ${value}`).join("\n");

// Profiles and the folders that use them, out of the rows of settings; and the changes that make, rename and delete
// them.
// Promises: pure; a profile that is made here says every key, so that a later change of the one it was copied from leaves
// it as it is.
// Never in here: ffmpeg's arguments (the service makes the preview), requests.

/** The keys of a profile in the order in which people decide on them. */
const PROFILE_KEYS = ["preset", "crf", "target", "crf_min", "crf_max", "x265_params", "audio"];

/** x265's presets, fastest first. */
const PRESETS = [
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
const METRICS = {
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
function profilesOf(rows) {
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
function foldersOf(rows) {
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
function folderProblem(name, folders) {
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
function nameProblem(name, profiles, former = null) {
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(name)) return "Allowed are up to 32 letters, digits, - and _.";
  const isTaken = name !== former && profiles.some((profile) => profile.name === name);
  return isTaken ? `There is a profile ${name} already.` : null;
}

/** A name for a copy of `name` that is free. */
function copyName(name, profiles) {
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
function saidOf(keys) {
  const { preset, crf, target, crf_min, crf_max, x265_params, audio } = keys;
  const quality = target ? { target, crf_min, crf_max } : { crf };
  return { preset, ...quality, x265_params, audio };
}

/**
 * The changes of settings that save `keys` as the profile `name`.
 * @param {Profile|null} former the profile as it is; null for a new one
 */
function savingChanges(name, keys, former) {
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
function removingChanges(profile) {
  return { [`profiles.${profile.name}`]: null };
}

/** The changes that rename: the new profile, every folder that names the old one, and the old one gone. */
function renamingChanges(name, keys, former, rows) {
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
function typedOfProfile(keys) {
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
function keysOfTyped(typed) {
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
function errorsOfProfile(errors, name) {
  const prefix = `profiles.${name}.`;
  return Object.fromEntries(
    errors
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ key, detail }) => [fieldOfKey(key.slice(prefix.length)), detail]),
  );
}

/** The errors of a preview that are about keys of the profile, by field of the editor. */
function errorsOfPreview(preview) {
  const errors = (preview?.errors ?? []).filter(({ key }) => PROFILE_KEYS.includes(key));
  return Object.fromEntries(errors.map(({ key, detail }) => [fieldOfKey(key), detail]));
}

/** A command with a line for each option that has values, as a shell takes it. */
function commandLines(words) {
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
function inWords({ preset, crf, target, audio }) {
  const { title, unit } = METRICS[target?.metric] ?? {};
  const quality = target ? [title, target.value, unit].filter(Boolean).join(" ") : `CRF ${crf}`;
  return `${quality}, preset ${preset}, sound ${audio === "copy" ? "as it is" : "AAC"}`;
}

// The settings as the service has them, and what is typed over them in this tab.
// Promises: what is typed stays while one looks at other sections or others change settings; a change that was refused
// stays typed, with its errors at the fields; who logs in after somebody else finds nothing of theirs.
// Never in here: elements of the page.


const nothing = {
  /** Whose it is. */
  owner: null,
  /** As of GET /settings; null until it is there. */
  answer: null,
  /** Why it could not be read. */
  problem: null,
  draft: {},
  /** Keys whose fields were left: what is wrong with them is shown. */
  left: [],
  /** What the service said of single keys, until they are typed over. */
  refused: {},
  /** What it said of none of them. */
  others: [],
};

/** The store; see `nothing`. */
const state = createStore(nothing);

/** What the store holds belongs to `name` from here on. */
const begin = (name) => {
  if (state.get().owner !== name) state.set({ ...nothing, owner: name });
};

/** Reads the settings anew. */
const load = async (signal) => {
  try {
    const answer = await api.get("/settings", { signal });
    state.update((before) => ({ ...before, answer, problem: null }));
  } catch (problem) {
    if (!signal?.aborted) state.update((before) => ({ ...before, problem }));
  }
};

/** What answers with the kind of field of each row. */
const kindsOf = (rows) => {
  const profiles = profilesOf(rows).map((profile) => profile.name);
  return (row) => kindOf(row, profiles);
};

const NO_CHANGES = { body: {}, errors: {}, keys: [] };
/** Every row asks, for one state. */
const known = new WeakMap();

/** What would be sent of a value of the store, as of `gather`. */
const gathered = (value) => {
  const { answer, draft } = value;
  if (!answer) return NO_CHANGES;
  if (!known.has(value)) known.set(value, gather(answer.settings, draft, kindsOf(answer.settings)));
  return known.get(value);
};

/** Something was typed for `row`. */
const typed = (row, value) =>
  state.update((before) => ({
    ...before,
    refused: forget(before.refused, [row.key]),
    draft: type(before.draft, row, value),
  }));

/** The field of `key` was left. */
const leave = (key) =>
  state.update((before) => (before.left.includes(key) ? before : { ...before, left: [...before.left, key] }));

/** What is typed for `keys` is let go; without keys, everything. */
const discard = (keys = Object.keys(state.get().draft)) =>
  state.update((before) => ({
    ...before,
    draft: forget(before.draft, keys),
    left: before.left.filter((key) => !keys.includes(key)),
    refused: forget(before.refused, keys),
    others: [],
  }));

/**
 * Sends changes of settings and takes over what the service answers.
 * @param {Record<string, any>} body
 * @returns {Promise<{text: string, undo: null|(() => Promise<void>)}>} a sentence about it, and what takes it back,
 *   where that can be
 */
const send = async (body) => {
  const before = state.get().answer.settings.filter((row) => row.key in body);
  const changed = await api.patch("/settings", body);
  await load();
  const known = before.length === Object.keys(body).length && before.every((row) => !row.is_secret);
  const former = Object.fromEntries(before.map((row) => [row.key, row.source === "default" ? null : row.value]));
  const undo = async () => {
    await api.patch("/settings", former);
    await load();
  };
  return { text: outcomeInWords(changed), undo: known ? undo : null };
};

/**
 * Sends what is typed.
 * @returns {Promise<{saved: {text: string, undo: any}|null, wrong: string|null}>} `wrong`: the first key with an error
 */
const save = async () => {
  const { draft, answer } = state.get();
  const { body, errors, keys } = gathered(state.get());
  const [wrong] = Object.keys(errors);
  if (wrong) {
    state.update((before) => ({ ...before, left: [...new Set([...before.left, ...keys])] }));
    return { saved: null, wrong };
  }
  try {
    const saved = await send(body);
    // What was typed since is another change.
    const done = Object.keys(draft).filter((key) => state.get().draft[key] === draft[key]);
    discard(done);
    return { saved, wrong: null };
  } catch (problem) {
    const { byKey, others } = errorsOf(problem, answer.settings.map((row) => row.key));
    state.update((before) => ({ ...before, refused: byKey, others }));
    return { saved: null, wrong: Object.keys(byKey)[0] ?? null };
  }
};

// The ways back from a setting's value.
// Never in here: buttons, requests.


/**
 * Which ways there are: "undo" to what is saved, "former" to what it was before the last change, "default"; "secret" is
 * none, but says that it was changed.
 * @param {object} row of GET /settings
 * @param {boolean} isUnsaved
 * @returns {("undo"|"former"|"default"|"secret")[]}
 */
function waysBack(row, isUnsaved) {
  if (isUnsaved) return ["undo"];
  if (row.changed === "in_file_only") return [];
  if (row.is_secret) return row.before ? ["secret"] : [];
  const hasFormer = Boolean(row.before) && !isSameValue(row.before.value, row.value);
  const hasDefault = isChanged(row) && !row.overridden_by && !(hasFormer && wasDefault(row));
  return [hasFormer && "former", hasDefault && "default"].filter(Boolean);
}

/** What is to be typed for the former value: the default is said by saying nothing. */
function formerTyped(row, kind) {
  return wasDefault(row) ? DEFAULT : typedOf(kind, row.before.value);
}

const wasDefault = (row) => isSameValue(row.before.value, row.default);

// The field of a setting, by its kind.
// Promises: a field shows what is typed and tells what is typed, nothing else; each has the setting's name for screen
// readers; a secret that is set is never shown, only replaced.
// Never in here: what is allowed, saving.


/**
 * `kind` as of `kindOf`; `typed` what stands in it; `onTyped(typed)`; `name` for screen readers; `isSet`, `isTyped`,
 * `isRemoved`, `onRemove`, `onKeep`: of a secret. All else is handed to the control.
 */
const SettingField = ({ kind, ...rest }) => {
  const Control = CONTROLS[kind.type];
  return fe`<${Control} kind=${kind} ...${rest} />`;
};

const OnOff = ({ typed, onTyped, name, ...rest }) => fe`
  <label class="check switch">
    <input type="checkbox" role="switch" aria-label=${name} checked=${typed}
      onChange=${(event) => onTyped(event.currentTarget.checked)} ...${rest} />
    <span aria-hidden="true">${typed ? "On" : "Off"}</span>
  </label>
`;

const Choice = ({ kind, typed, onTyped, name, ...rest }) => {
  // A value of the file that is no choice any more (a profile that is gone) is still shown.
  const options = kind.options.includes(typed) ? kind.options : [typed, ...kind.options];
  return fe`
    <select class="input" aria-label=${name} value=${typed}
      onChange=${(event) => onTyped(event.currentTarget.value)} ...${rest}>
      ${options.map((option) => fe`<option key=${option} value=${option}>${option}</option>`)}
    </select>
  `;
};

const Several = ({ kind, typed, onTyped, name, ...rest }) => {
  const { id, onBlur, ...described } = rest;
  const isAll = kind.options.every((option) => typed.includes(option));
  const change = (option, isOn) =>
    onTyped(kind.options.filter((other) => (other === option ? isOn : typed.includes(other))));
  return fe`
    <div class="setting-several" role="group" id=${id} tabIndex="-1" aria-label=${name} ...${described}>
      <${Check} label="All" checked=${isAll} mixed=${!isAll && typed.length > 0}
        onChange=${(isOn) => onTyped(isOn ? kind.options : [])} onBlur=${onBlur} />
      ${kind.options.map((option) => fe`
        <${Check} key=${option} label=${option.replaceAll("_", " ")} checked=${typed.includes(option)}
          onChange=${(isOn) => change(option, isOn)} onBlur=${onBlur} />
      `)}
    </div>
  `;
};

const MOST_LINES = 6;

const List = ({ kind: _, typed, onTyped, name, ...rest }) => fe`
  <textarea class="input" aria-label="${name}, one on each line" placeholder="One on each line"
    spellcheck="false" autocapitalize="off" value=${typed.join("\n")}
    rows=${Math.min(MOST_LINES, Math.max(2, typed.length + 1))}
    onInput=${(event) => onTyped(event.currentTarget.value.split("\n"))} ...${rest}></textarea>
`;

const Size = ({ kind: _, typed, onTyped, name, ...rest }) => fe`
  <span class="setting-size">
    <input class="input number" type="text" inputmode="decimal" autocomplete="off" aria-label=${name}
      value=${typed.amount} onInput=${(event) => onTyped({ ...typed, amount: event.currentTarget.value })} ...${rest} />
    <select class="input" aria-label="Unit of ${name}" value=${typed.unit}
      onChange=${(event) => onTyped({ ...typed, unit: event.currentTarget.value })}>
      ${sizeUnits().map((unit) => fe`<option key=${unit} value=${unit}>${unit}</option>`)}
    </select>
  </span>
`;

const Amount = ({ kind, typed, onTyped, name, ...rest }) => {
  const words = spanInWords(kind, typed);
  return fe`
    <span class="setting-amount">
      <input class="input number" type="text" inputmode=${kind.isWhole ? "numeric" : "decimal"} autocomplete="off"
        aria-label=${kind.unit ? `${name} in ${kind.unit}` : name} value=${typed}
        onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
      <span class="setting-unit" aria-hidden="true">${kind.unit}${words && ` = ${words}`}</span>
    </span>
  `;
};

const Text = ({ kind, typed, onTyped, name, id, ...rest }) => fe`
  <input class="input" type="text" id=${id} aria-label=${name} value=${typed}
    spellcheck="false" autocapitalize="off" autocomplete="off"
    list=${kind.suggestions.length > 0 ? `${id}-choices` : undefined}
    onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
  ${kind.suggestions.length > 0 && fe`
    <datalist id="${id}-choices">
      ${kind.suggestions.map((word) => fe`<option key=${word} value=${word}></option>`)}
    </datalist>
  `}
`;

const SecretText = ({ kind: _, typed, onTyped, name, id, isSet, isTyped, isRemoved, onRemove, onKeep, ...rest }) => {
  if (isRemoved) {
    return fe`
      <span class="setting-secret">Will be removed <${Button} tone="quiet" onClick=${onKeep}>Keep it<//></span>
    `;
  }
  if (isSet && !isTyped) {
    return fe`
      <span class="setting-secret" id=${id} tabIndex="-1">
        <span>Set</span>
        <${Button} tone="quiet" aria-label="Replace ${name}" onClick=${() => onTyped("")}>Replace<//>
        <${Button} tone="quiet" aria-label="Remove ${name}" onClick=${onRemove}>Remove<//>
      </span>
    `;
  }
  const input = { ...rest, type: "password", id, autocomplete: "new-password", value: typed };
  return fe`
    <span class="setting-secret">
      <${SecretInput} ...${input} isNew=${isSet} name=${name} onTyped=${onTyped} />
      ${isSet && fe`<${Button} tone="quiet" onClick=${onKeep}>Keep the old one<//>`}
    </span>
  `;
};

/** `isNew`: it has come in the place of a button, and goes on with its focus. */
const SecretInput = ({ isNew, name, onTyped, ...rest }) => {
  const input = Q(null);
  K(() => {
    if (isNew) input.current.focus();
  }, []);
  return fe`
    <input class="input" ref=${input} aria-label=${isNew ? `${name}, the new one` : name}
      placeholder=${isNew ? "The new one" : "Not set"}
      onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
  `;
};

const CONTROLS = {
  switch: OnOff,
  choice: Choice,
  several: Several,
  list: List,
  size: Size,
  number: Amount,
  text: Text,
  secret: SecretText,
};

// Where a setting's value comes from, and why it may be changed nowhere else, in words.
// Never in here: settings.

/** `conf/video-compressor.toml:12`, `$VIDEO_COMPRESSOR_NICE` or `--set nice`, to stand after "set in". */
function sourceInWords(source) {
  const line = /^(.*):(\d+)$/.exec(source);
  if (line) return `${line[1]}, line ${line[2]}`;
  if (source.startsWith("$")) return `the variable ${source.slice(1)}`;
  if (source.startsWith("--")) return `the flag ${source}`;
  return source;
}

/** Why a setting can be changed in the settings file alone. */
function fixedReason({ allowed }) {
  const namesFiles = /^(a folder|a file|a name looked up in PATH)/.test(allowed);
  return `Only in the settings file: it ${namesFiles ? "names files of" : "protects"} the machine`;
}

// One setting: its name and doc, its field, and where its value comes from.
// Promises: only what differs from its default, or is not saved, is marked; an error stands at its field, and is read
// out with it.
// Never in here: requests.


/** `row` of GET /settings, `kind` of its field. */
const Setting = ({ row, kind }) => {
  const { draft, refused, left } = useStore(state);
  const changes = gathered(state.get());
  const id = idOf(row.key);
  const isUnsaved = changes.keys.includes(row.key);
  const error = refused[row.key] ?? (left.includes(row.key) ? changes.errors[row.key] : undefined);
  const name = nameOf(row.key);
  return fe`
    <div class="setting ${isUnsaved ? "unsaved" : ""} ${isChanged(row) ? "changed" : ""}" data-key=${row.key}>
      <div class="setting-about">
        <h3><label for=${id}>${name}</label> <code>${row.key}</code></h3>
        ${row.doc && fe`<p class="setting-doc" id="${id}-doc">${row.doc.replaceAll("\n", " ")}</p>`}
      </div>
      <div class="setting-value">
        ${row.changed === "in_file_only"
          ? fe`<${FileOnly} row=${row} kind=${kind} id=${id} />`
          : fe`<${Editable} row=${row} kind=${kind} id=${id} name=${name} entry=${draft[row.key]} error=${error} />`}
        ${error && fe`<p class="field-error" id="${id}-error">${error}</p>`}
        <${Notes} row=${row} kind=${kind} id=${id} isAllowedSaid=${Boolean(error)} />
        <${WaysBack} row=${row} kind=${kind} isUnsaved=${isUnsaved} />
        ${overtaken([row], draft).length > 0 && isUnsaved && fe`
          <p class="setting-overtaken">
            Somebody changed it to ${shown(kind, row.value)} meanwhile. Saving replaces that.
          </p>
        `}
      </div>
    </div>
  `;
};

const FileOnly = ({ row, kind, id }) => {
  const value = row.is_secret ? "Set" : shown(kind, row.value);
  return fe`<p class="setting-fixed" id=${id}>${isEmpty(row.value) ? "Not set" : value}</p>`;
};

const isEmpty = (value) => value === "" || (Array.isArray(value) && value.length === 0);

const Editable = ({ row, kind, id, name, entry, error }) => {
  const described = [row.doc && `${id}-doc`, error && `${id}-error`, `${id}-notes`].filter(Boolean).join(" ");
  const isDefault = entry?.typed === DEFAULT;
  const saved = typedOf(kind, isDefault ? row.default : row.value);
  const now = entry && !isDefault ? entry.typed : saved;
  return fe`
    <${SettingField} kind=${kind} typed=${now} onTyped=${(value) => typed(row, value)} name=${name} id=${id}
      isSet=${row.is_secret && !isEmpty(row.value)} isTyped=${Boolean(entry)} isRemoved=${isDefault}
      onRemove=${() => typed(row, DEFAULT)} onKeep=${() => discard([row.key])} onBlur=${() => leave(row.key)}
      aria-describedby=${described} aria-invalid=${Boolean(error)} />
  `;
};

const Notes = ({ row, kind, id, isAllowedSaid }) => {
  const notes = [];
  const isInFileOnly = row.changed === "in_file_only";
  const allowed = allowedInWords(kind, row.allowed);
  if (isInFileOnly) notes.push(fixedReason(row));
  else if (allowed !== "" && !isAllowedSaid) notes.push(`Allowed: ${allowed}`);
  const hasDefault = row.default !== null && !row.is_secret && !isEmpty(row.default);
  if (hasDefault) notes.push(`Default: ${shown(kind, row.default)}`);
  const source = sourceInWords(row.source);
  if (row.overridden_by) notes.push(`From ${source}, which wins over the file: a change waits until that is gone`);
  else if (isChanged(row)) notes.push(`Set in ${source}`);
  if (row.needs_restart) notes.push("Takes effect after a restart");
  return fe`
    <ul class="setting-notes" id="${id}-notes">${notes.map((note) => fe`<li key=${note}>${note}</li>`)}</ul>
  `;
};

/** To what is saved, to what it was before, and to the default. */
const WaysBack = ({ row, kind, isUnsaved }) => {
  const ways = waysBack(row, isUnsaved);
  if (ways.length === 0) return null;
  return fe`
    <div class="setting-back">${ways.map((way) => fe`<${WAYS[way]} key=${way} row=${row} kind=${kind} />`)}</div>
  `;
};

const Undo = ({ row, kind }) => fe`
  <span class="setting-unsaved">Not saved${row.is_secret ? "" : `; was ${shown(kind, row.value)}`}</span>
  <${Button} tone="quiet" aria-label="Undo the change of ${nameOf(row.key)}" onClick=${() => discard([row.key])}>
    Undo
  <//>
`;

const Former = ({ row, kind }) => fe`
  <span>Was ${shown(kind, row.before.value)} until <${Time} at=${row.before.changed} /> (${row.before.by})</span>
  <${Button} tone="quiet" aria-label="Back to that: what ${nameOf(row.key)} was"
    onClick=${() => typed(row, formerTyped(row, kind))}>
    Back to that
  <//>
`;

const ToDefault = ({ row }) => fe`
  <${Button} tone="quiet" aria-label="Back to the default of ${nameOf(row.key)}" onClick=${() => typed(row, DEFAULT)}>
    Back to the default
  <//>
`;

const ChangedSecret = ({ row }) => fe`<span>Changed <${Time} at=${row.before.changed} /> (${row.before.by})</span>`;

const WAYS = { undo: Undo, former: Former, default: ToDefault, secret: ChangedSecret };

// Alerts: by which ways they go, what is told, and a test of each way.
// Never in here: single fields, what a test does.


const TEXTS = { ntfy: "Send a test", email: "Send a test mail", webhook: "Post a test" };

const Alerts = () => {
  const { answer } = useStore(state);
  const kind = kindsOf(answer.settings);
  const { general, channels } = alertParts(answer.settings);
  const { keys } = gathered(state.get());
  const hint = (rows) =>
    rows.some((row) => keys.includes(row.key)) ? "It tries what is saved, not what is typed." : null;
  const fields = (rows) => rows.map((row) => fe`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`);
  const test = ({ what, rows }) =>
    fe`<${Test} what=${what} text=${TEXTS[what]} icon="bell" hint=${hint(rows)} />`;
  return fe`
    <div class="settings-groups">
      ${channels.map((channel) => fe`
        <${Group} key=${channel.what} id="alerts-${channel.what}" title=${channel.title}
          lead=${`${channel.isOn ? "On" : "Off"}. ${channel.lead}`} actions=${channel.isOn && test(channel)}>
          ${fields(channel.rows)}
        <//>
      `)}
      <${Group} id="alerts-general" title="What is told" lead="By all ways alike.">${fields(general)}<//>
    </div>
  `;
};

// Every setting but profiles, in groups, with a search.
// Never in here: single fields.


/** Groups whose work can be tried out. */
const TESTS = { Encode: { what: "ffmpeg", text: "Test ffmpeg" } };

const AllSettings = ({ route }) => {
  const { answer } = useStore(state);
  const { q = "", only = "" } = route.query;
  const kind = kindsOf(answer.settings);
  const wanted = only === "changed" ? answer.settings.filter(isChanged) : answer.settings;
  const groups = grouped(wanted, q);
  return fe`
    <div class="settings-search" role="search">
      <${Field} label="Search the settings" type="search" value=${q} placeholder="Name, words, value"
        onInput=${(event) => goWith({ q: event.currentTarget.value || null })} />
      <${Check} label="Only what differs from its default" checked=${only === "changed"}
        onChange=${(isOn) => goWith({ only: isOn ? "changed" : null })} />
    </div>
    <div class="settings-columns">
      <nav class="settings-index" aria-label="Groups of settings">
        ${groups.map((group) => fe`<${IndexEntry} key=${group.heading} group=${group} />`)}
      </nav>
      <div class="settings-groups">
        ${groups.length === 0 && fe`
          <${Empty} icon="search" title="No setting is like that"
            actions=${fe`<${Button} onClick=${() => go("/settings")}>Show all settings<//>`}>
            Profiles and folders are in <${Link} href="/settings/profiles">Profiles<//>.
          <//>
        `}
        ${groups.map((group) => fe`
          <${Group} key=${group.heading} id=${groupId(group)} title=${group.title} lead=${group.lead}
            actions=${TESTS[group.title] && fe`<${Test} ...${TESTS[group.title]} />`}>
            ${group.rows.map((row) => fe`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`)}
          <//>
        `)}
        ${groups.length > 0 && fe`
          <p class="settings-file">
            These settings stand in <code>${answer.file}</code>, with comments that stay. Profiles and folders have
            ${" "}<${Link} href="/settings/profiles">a page of their own<//>.
          </p>
        `}
      </div>
    </div>
  `;
};

const groupId = (group) => idOf(`group.${group.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`);

const IndexEntry = ({ group }) => {
  const jump = (event) => {
    event.preventDefault();
    const title = document.getElementById(`${groupId(group)}-title`);
    title.scrollIntoView({ block: "start" });
    title.focus({ preventScroll: true });
  };
  return fe`
    <a href="#${groupId(group)}" onClick=${jump}>${group.title} <span class="number">${group.rows.length}</span></a>
  `;
};

// The log as the page keeps it: newest first, put together from pages that overlap.
// Promises: pure; an entry that is there twice in the log is shown twice, one that two pages both have is shown once.
// Never in here: requests, timers.

/** @typedef {{time: string, level: string, message: string}} Entry */

/** The levels by weight, lightest first, with what a person calls "this and above". */
const LEVELS = [
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
function withNewest(shown, newest) {
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
function logQuery({ level, text }, before = null) {
  const query = { lines: 200, level };
  if (text.trim() !== "") query.q = text.trim();
  if (before !== null) query.before = before;
  return query;
}

/** The entries as text for another place, oldest first, as in the file. */
function asText(entries) {
  return entries
    .map(({ time, level, message }) => `${time} ${level.toUpperCase().padStart(5)} ${message}`)
    .reverse()
    .join("\n");
}

// The service's log: newest first, filtered, followed while somebody looks.
// Promises: it asks for nothing while the tab is hidden; what is shown does not move under somebody who reads further
// down.
// Never in here: what is logged, secrets (the service blots them out).


const POLL_MS = 2000;
const TYPING_MS$1 = 250;
/** Of more than these, a follower is given the newest page alone. */
const MOST_ENTRIES = 3000;
const NOTHING = { entries: null, next: null, problem: null };

const Log = ({ route }) => {
  const { level = "info", text = "" } = route.query;
  const [state, setState] = G(NOTHING);
  const [isFollowed, setIsFollowed] = G(true);
  const wanted = Q(null);
  const read = Z(
    async (signal) => {
      try {
        const page = await api.get("/logs", { query: logQuery({ level, text }), signal });
        setState((before) => joined(before, page));
      } catch (problem) {
        if (!signal.aborted) setState((before) => ({ ...before, problem }));
      }
    },
    [level, text],
  );
  J(() => {
    const ended = new AbortController();
    wanted.current = ended.signal;
    setState(NOTHING);
    const timer = setTimeout(() => read(ended.signal), text === "" ? 0 : TYPING_MS$1);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [read]);
  J(() => {
    if (!isFollowed) return undefined;
    const ended = new AbortController();
    let timer = null;
    const poll = async () => {
      clearTimeout(timer);
      if (document.visibilityState !== "visible") return;
      await read(ended.signal);
      if (!ended.signal.aborted) timer = setTimeout(poll, POLL_MS);
    };
    timer = setTimeout(poll, POLL_MS);
    document.addEventListener("visibilitychange", poll);
    return () => {
      clearTimeout(timer);
      ended.abort();
      document.removeEventListener("visibilitychange", poll);
    };
  }, [isFollowed, read]);
  const readOlder = async () => {
    const signal = wanted.current;
    const page = await api.get("/logs", { query: logQuery({ level, text }, state.next), signal });
    if (signal.aborted) return;
    setState((before) => ({ ...before, entries: [...before.entries, ...page.entries], next: page.next ?? null }));
  };
  const { entries, next, problem } = state;
  return fe`
    <div class="log-tools" role="search">
      <${Field} label="Search the log" type="search" value=${text} maxlength="200"
        placeholder="A word, a path, a task's id"
        onInput=${(event) => goWith({ text: event.currentTarget.value || null })} />
      <${Select} label="Level" value=${level}
        options=${LEVELS.map((known) => ({ value: known.level, text: known.title }))}
        onChange=${(chosen) => goWith({ level: chosen === "info" ? null : chosen })} />
      <${Switch} label="Follow" checked=${isFollowed} onChange=${setIsFollowed} />
      <${CopyButton} text=${() => asText(entries ?? [])}>Copy what is shown<//>
    </div>
    ${problem && fe`<${Failure} problem=${problem} onRetry=${() => read(wanted.current)} />`}
    ${!entries && !problem && fe`<${Skeleton} lines=${12} height=${24} />`}
    ${entries?.length === 0 && !next && fe`
      <${Empty} icon="search" title="Nothing in the log is like that"
        actions=${fe`<${Button} onClick=${() => goWith({ text: null, level: null })}>Show the whole log<//>`} />
    `}
    ${entries && fe`
      <ol class="log" aria-label="Entries of the log, newest first">
        ${entries.map((entry, index) => fe`<${Entry} key=${entries.length - index} entry=${entry} />`)}
      </ol>
      ${next && fe`<div class="log-older"><${Button} onClick=${readOlder}>Older entries<//></div>`}
    `}
  `;
};

const joined = (before, page) => {
  const fresh = { entries: page.entries, next: page.next ?? null, problem: null };
  if (!before.entries) return fresh;
  const { entries, isWhole } = withNewest(before.entries, page.entries);
  const isTooLong = entries.length > MOST_ENTRIES && window.scrollY === 0;
  return isWhole && !isTooLong ? { ...before, entries, problem: null } : fresh;
};

const shownLines = (message) => message.split("\n").map(shownPath).join("\n");

const Entry = ({ entry }) => fe`
  <li class="log-entry ${entry.level}">
    <time class="number" datetime=${entry.time}>${moment(entry.time)}</time>
    <span class="log-level">${entry.level}</span>
    <span class="log-message">${shownLines(entry.message)}</span>
  </li>
`;

// What the page says of users, keys and sessions.
// Promises: pure. Never in here: who may what (the API decides), requests.

/** The roles, least first, and what each may. */
const ROLES = [
  { role: "viewer", title: "Viewer", may: "Looks at everything but settings, log and users." },
  { role: "operator", title: "Operator", may: "Also changes tasks and the queue, and adds files." },
  { role: "admin", title: "Administrator", may: "Also changes settings, users, keys and sessions of others." },
];

/** The sections of the settings, in their order. */
const SECTIONS = [
  { path: "/settings", title: "All settings", isForAdmin: true },
  { path: "/settings/profiles", title: "Profiles", isForAdmin: true },
  { path: "/settings/alerts", title: "Alerts", isForAdmin: true },
  { path: "/settings/people", title: "Users and keys", titleForOthers: "Account and keys" },
  { path: "/settings/sessions", title: "Sessions" },
  { path: "/settings/log", title: "Log", isForAdmin: true },
  { path: "/settings/about", title: "About" },
];

/** The sections that somebody may see, with their titles. */
function sectionsFor(role) {
  const isAdmin = role === "admin";
  const own = SECTIONS.filter((section) => isAdmin || !section.isForAdmin);
  return own.map(({ path, title, titleForOthers }) => ({ path, title: isAdmin ? title : (titleForOthers ?? title) }));
}

/** Where else a section is looked for. */
const OTHER_PATHS = { "/settings/account": "/settings/people" };

/** The section of an address: its own, or the first that the caller may see. */
function sectionAt(path, role) {
  const sections = sectionsFor(role);
  const plain = path.replace(/\/+$/, "");
  return sections.find((section) => section.path === (OTHER_PATHS[plain] ?? plain)) ?? sections[0];
}

/** The roles up to `role`: nobody makes a key that may more than they may. */
function rolesUpTo(role) {
  const last = ROLES.findIndex((known) => known.role === role);
  return ROLES.slice(0, last + 1);
}

const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chromium/", "Chromium"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
  ["curl/", "curl"],
  ["video-compressor", "video-compressor"],
];

const SYSTEMS = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "Mac"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
];

/** "Firefox on Linux" for what a browser calls itself; its own words where they say nothing known. */
function deviceOf(agent) {
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (agent.trim() === "" ? "Unknown device" : agent);
}

/** One's own session first, then by last use. */
function sessionsInOrder(sessions) {
  return [...sessions].sort(
    (one, other) => Number(other.current) - Number(one.current) || other.last_used.localeCompare(one.last_used),
  );
}

/** How long a new key may last, in days; null: until it is revoked. */
const LIFETIMES = [
  { days: 30, title: "30 days" },
  { days: 90, title: "90 days" },
  { days: 365, title: "1 year" },
  { days: null, title: "Until it is revoked" },
];

/** The moment in `days` from `now`, as the API takes it; null for none. */
function expiryAfter(days, now) {
  return days === null ? null : new Date(now.getTime() + days * 86_400_000).toISOString();
}

/** Where a key is in its life. */
function keyState(key, now) {
  if (key.expires === null || key.expires === undefined) return "lasting";
  return new Date(key.expires) <= now ? "expired" : "expiring";
}

/** Why a new password cannot be, before it is sent; null where it can. */
function passwordProblem(password, repeated) {
  const length = [...password].length;
  if (length < 10) return "A password has at least 10 characters.";
  if (length > 1024) return "A password has at most 1024 characters.";
  return password === repeated ? null : "The two are not the same.";
}

// Keys for programs: made, shown once, revoked.
// Promises: a key's text is nowhere but in the dialog that follows its making.
// Never in here: what a key opens.


const titleOf = (role) => ROLES.find((known) => known.role === role)?.title ?? role;

/** `users`: those an administrator may make keys for. */
const Keys = ({ me, users }) => {
  const [isNew, setIsNew] = G(false);
  const { data, problem, reload } = useAnswer((signal) => api.get("/keys", { signal }), []);
  const isAdmin = me.role === "admin";
  // Keys belong to accounts, and not everybody who may log in has one.
  const owners = isAdmin ? users.map(({ name }) => name) : me.has_account ? [me.name] : [];
  const close = () => {
    setIsNew(false);
    reload();
  };
  return fe`
    <${Group} id="keys" title="Keys"
      lead="For programs that use the API. Each has a role of its own, and can be revoked by itself."
      actions=${owners.length > 0 && fe`<${Button} icon="plus" onClick=${() => setIsNew(true)}>Make a key<//>`}>
      ${problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && fe`<${Skeleton} lines=${2} height=${44} />`}
      ${data?.keys.length === 0 && fe`
        <${Empty} icon="key" title="There are no keys">A program needs one to use the API.<//>
      `}
      ${data?.keys.length > 0 && fe`
        <table class="people">
          <thead><tr>
            <th scope="col">For</th>${isAdmin && fe`<th scope="col">Of</th>`}<th scope="col">Role</th>
            <th scope="col">Last used</th><th scope="col">Expires</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr></thead>
          <tbody>
            ${data.keys.map((key) => fe`<${Key} key=${key.id} entry=${key} isAdmin=${isAdmin} reload=${reload} />`)}
          </tbody>
        </table>
      `}
      ${isNew && fe`<${NewKey} me=${me} owners=${owners} onClose=${close} />`}
    <//>
  `;
};

const Expiry = ({ entry }) => {
  const state = keyState(entry, new Date());
  if (state === "lasting") return "Never";
  return fe`${state === "expired" && fe`<strong class="expired">Expired</strong> `}<${Time} at=${entry.expires} />`;
};

const Key = ({ entry, isAdmin, reload }) => {
  const label = shownPath(entry.label);
  const revoke = async () => {
    const isSure = await confirm({
      title: `Revoke the key “${label}”?`,
      text: "The program that has it is refused from then on. That cannot be undone; a new key can be made.",
      action: "Revoke the key",
    });
    if (!isSure) return;
    await api.delete(`/keys/${encodeURIComponent(entry.id)}`);
    toast(`The key “${label}” is revoked.`);
    reload();
  };
  return fe`
    <tr>
      <th scope="row">${label} <span class="mark"><code>${entry.id}</code></span></th>
      ${isAdmin && fe`<td data-label="Of">${entry.user}</td>`}
      <td data-label="Role">${titleOf(entry.role)}</td>
      <td data-label="Last used">${entry.last_used ? fe`<${Time} at=${entry.last_used} />` : "Never"}</td>
      <td data-label="Expires"><span><${Expiry} entry=${entry} /></span></td>
      <td class="row-actions">
        <${Button} tone="quiet" icon="trash" aria-label="Revoke the key ${label}" onClick=${revoke}>Revoke<//>
      </td>
    </tr>
  `;
};

const NewKey = ({ me, owners, onClose }) => {
  const [typed, setTyped] = G({
    label: "",
    user: me.has_account ? me.name : owners[0],
    role: me.role === "viewer" ? "viewer" : "operator",
    days: "90",
  });
  const [problem, setProblem] = G(null);
  const [made, setMade] = G(null);
  if (made) return fe`<${MadeKey} made=${made} onClose=${onClose} />`;
  const change = (part) => {
    setTyped({ ...typed, ...part });
    setProblem(null);
  };
  const lifetime = LIFETIMES.find(({ days }) => String(days) === typed.days);
  const make = async (event) => {
    event.preventDefault();
    const { label, user, role } = typed;
    const body = { label, role, expires: expiryAfter(lifetime.days, new Date()) };
    if (user !== me.name) body.user = user;
    try {
      setMade(await api.post("/keys", body));
    } catch (refusal) {
      setProblem(refusal);
    }
  };
  return fe`
    <${Dialog} open title="Make a key" onClose=${onClose} actions=${fe`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-key"><span>Make the key</span></button>
    `}>
      <form id="new-key" onSubmit=${make}>
        <${Field} label="What it is for" value=${typed.label} required maxlength="100" autocomplete="off"
          placeholder="Backup script" onInput=${(event) => change({ label: event.currentTarget.value })} />
        ${owners.length > 1 && fe`
          <${Select} label="Whose it is" value=${typed.user}
            options=${owners.map((name) => ({ value: name, text: name }))} onChange=${(user) => change({ user })} />
        `}
        <${Select} label="Role" value=${typed.role} hint=${ROLES.find(({ role }) => role === typed.role).may}
          options=${rolesUpTo(me.role).map(({ role, title }) => ({ value: role, text: title }))}
          onChange=${(role) => change({ role })} />
        <${Select} label="Works for" value=${typed.days}
          options=${LIFETIMES.map(({ days, title }) => ({ value: String(days), text: title }))}
          onChange=${(days) => change({ days })} />
        ${problem && fe`<${Failure} problem=${problem} />`}
      </form>
    <//>
  `;
};

const MadeKey = ({ made, onClose }) => fe`
  <${Dialog} open title="The key “${shownPath(made.label)}”" onClose=${onClose} actions=${fe`
    <${CopyButton} text=${made.secret} class="primary">Copy the key<//>
    <${Button} onClick=${onClose}>I have it<//>
  `}>
    <${Notice} tone="waiting" title="It is shown this once">
      Copy it to where it is needed. If it is lost, make another one.
    <//>
    <input class="input secret" readonly aria-label="The key" value=${made.secret}
      onFocus=${(event) => event.currentTarget.select()} />
    <p>${titleOf(made.role)} of ${made.user}; works until ${made.expires ? moment(made.expires) : "it is revoked"}.</p>
  <//>
`;

// A new password, typed twice; one's own with the one that it replaces.
// Promises: what was typed is forgotten when it was taken. Never in here: to whom it is given.


const EMPTY = { current: "", next: "", repeated: "", wrongCurrent: null, wrong: null, problem: null };

/**
 * The state of the fields, and `send(request)`: calls `request(body)` when they are right, and answers whether that was
 * done.
 */
const usePassword = ({ isOwn }) => {
  const [typed, setTyped] = G(EMPTY);
  const send = async (request) => {
    const wrong = passwordProblem(typed.next, typed.repeated);
    if (wrong) {
      setTyped((before) => ({ ...before, wrong }));
      return false;
    }
    const body = { password: typed.next };
    if (isOwn) body.current_password = typed.current;
    try {
      await request(body);
      setTyped(EMPTY);
      return true;
    } catch (problem) {
      const isOfCurrent = isOwn && problem.detail?.includes("current_password");
      setTyped((before) => ({
        ...before,
        wrongCurrent: isOfCurrent ? "That is not your password." : null,
        problem: isOfCurrent ? null : problem,
      }));
      return false;
    }
  };
  return { isOwn, typed, setTyped, send };
};

const PasswordFields = ({ password }) => {
  const { isOwn, typed, setTyped } = password;
  const text = (field, autocomplete) => ({
    type: "password",
    autocomplete,
    value: typed[field],
    required: true,
    onInput: (event) =>
      setTyped({ ...typed, [field]: event.currentTarget.value, wrongCurrent: null, wrong: null, problem: null }),
  });
  return fe`
    ${isOwn && fe`
      <${Field} label="The password until now" error=${typed.wrongCurrent} ...${text("current", "current-password")} />
    `}
    <${Field} label="New password" hint="At least 10 characters" error=${typed.wrong}
      ...${text("next", "new-password")} />
    <${Field} label="New password once more" ...${text("repeated", "new-password")} />
    ${typed.problem && fe`<${Failure} problem=${typed.problem} />`}
  `;
};

// The accounts of this server, for administrators.
// Never in here: whether an account may go (the API keeps the last administrator).


const roleOptions = ROLES.map(({ role, title }) => ({ value: role, text: title }));
const path = (name) => `/users/${encodeURIComponent(name)}`;

/** `answer` as of `useAnswer` of GET /users. */
const Users = ({ me, answer }) => {
  const [opened, setOpened] = G(null);
  const { data, problem, reload } = answer;
  // Somebody of a login server may have the name of an account here.
  const isOwn = (user) => me.has_account && user.name === me.name;
  const close = () => setOpened(null);
  const done = () => {
    close();
    reload();
  };
  return fe`
    <${Group} id="users" title="Users" lead="Who may log in here with a password."
      actions=${fe`<${Button} icon="plus" onClick=${() => setOpened({ what: "new" })}>Add a user<//>`}>
      ${problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && fe`<${Skeleton} lines=${3} height=${44} />`}
      ${data && fe`
        <table class="people">
          <thead><tr>
            <th scope="col">Name</th><th scope="col">Role</th><th scope="col">Made</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr></thead>
          <tbody>${data.users.map((user) => fe`
            <${User} key=${user.name} user=${user} isOwn=${isOwn(user)} reload=${reload}
              onPassword=${() => setOpened({ what: "password", user })} />
          `)}</tbody>
        </table>
      `}
      ${opened?.what === "new" && fe`<${NewUser} onClose=${close} onDone=${done} />`}
      ${opened?.what === "password" && fe`
        <${NewPassword} user=${opened.user} isOwn=${isOwn(opened.user)} onClose=${close} onDone=${done} />
      `}
    <//>
  `;
};

const User = ({ user, isOwn, reload, onPassword }) => {
  const changeRole = async (role) => {
    const isSure = !isOwn || await confirm({
      title: "Give up being an administrator?",
      text: "Settings, log and users are closed to you then, until another administrator gives the role back.",
      action: "Give it up",
    });
    try {
      if (isSure) await api.patch(path(user.name), { role });
      // Who one is, is known to the whole page.
      if (isSure && isOwn) return location.reload();
    } catch (problem) {
      toast(problem.message, { tone: "failed" });
    }
    return reload();
  };
  const remove = async () => {
    const isSure = await confirm({
      title: `Remove ${user.name}?`,
      text: "Keys and sessions of this user end at once. What they added to the queue stays.",
      action: `Remove ${user.name}`,
    });
    if (!isSure) return;
    await api.delete(path(user.name));
    toast(`${user.name} is removed.`);
    reload();
  };
  return fe`
    <tr>
      <th scope="row">${user.name}${isOwn && fe` <span class="mark">you</span>`}</th>
      <td data-label="Role">
        <${Select} bare label="Role of ${user.name}" options=${roleOptions} value=${user.role} onChange=${changeRole} />
      </td>
      <td data-label="Made"><${Time} at=${user.created} /></td>
      <td class="row-actions">
        <${Button} tone="quiet" icon="key" aria-label="New password for ${user.name}" onClick=${onPassword}>Password<//>
        <${IconButton} icon="trash" tone="danger" label="Remove ${user.name}" onClick=${remove} />
      </td>
    </tr>
  `;
};

const NewUser = ({ onClose, onDone }) => {
  const [typed, setTyped] = G({ name: "", role: "viewer", password: "", wrong: null, problem: null });
  const change = (part) => setTyped({ ...typed, wrong: null, problem: null, ...part });
  const add = async (event) => {
    event.preventDefault();
    const { name, role, password } = typed;
    const wrong = passwordProblem(password, password);
    if (wrong) return change({ wrong });
    try {
      await api.post("/users", { name: name.trim(), role, password });
      toast(`${name.trim()} may log in now.`);
      return onDone();
    } catch (problem) {
      return change({ problem });
    }
  };
  return fe`
    <${Dialog} open title="Add a user" onClose=${onClose} actions=${fe`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-user"><span>Add the user</span></button>
    `}>
      <form id="new-user" onSubmit=${add}>
        <${Field} label="Name" value=${typed.name} required autocomplete="off" autocapitalize="off" spellcheck="false"
          onInput=${(event) => change({ name: event.currentTarget.value })} />
        <${Select} label="Role" options=${roleOptions} value=${typed.role}
          hint=${ROLES.find(({ role }) => role === typed.role).may} onChange=${(role) => change({ role })} />
        <${Field} label="Password" type="password" value=${typed.password} required autocomplete="new-password"
          error=${typed.wrong} hint="At least 10 characters. They can change it."
          onInput=${(event) => change({ password: event.currentTarget.value })} />
        ${typed.problem && fe`<${Failure} problem=${typed.problem} />`}
      </form>
    <//>
  `;
};

const NewPassword = ({ user, isOwn, onClose, onDone }) => {
  const password = usePassword({ isOwn });
  const change = async (event) => {
    event.preventDefault();
    const isDone = await password.send((body) => api.patch(path(user.name), body));
    if (!isDone) return;
    toast(`${user.name} has a new password, and is logged out elsewhere.`);
    onDone();
  };
  return fe`
    <${Dialog} open title="New password for ${user.name}" onClose=${onClose} actions=${fe`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-password"><span>Set the password</span></button>
    `}>
      <form id="new-password" onSubmit=${change}>
        <input type="text" name="username" autocomplete="username" value=${user.name} hidden readonly />
        <${PasswordFields} password=${password} />
      </form>
    <//>
  `;
};

// One's own account, the accounts of others, and keys for programs.
// Promises: a key's text is shown once and kept nowhere. Never in here: who may what (the API says so).


const People = ({ me }) => {
  const isAdmin = me.role === "admin";
  const users = useAnswer((signal) => (isAdmin ? api.get("/users", { signal }) : Promise.resolve(null)), [isAdmin]);
  return fe`
    <${OwnAccount} me=${me} />
    ${isAdmin && fe`<${Users} me=${me} answer=${users} />`}
    <${Keys} me=${me} users=${users.data?.users ?? []} />
  `;
};

const OwnAccount = ({ me }) => {
  const { title, may } = ROLES.find(({ role }) => role === me.role);
  return fe`
    <${Group} id="you" title="You" lead=${fe`<strong>${me.name}</strong>, ${title.toLowerCase()}. ${may}`}>
      ${me.has_account
        ? fe`<${OwnPassword} me=${me} />`
        : fe`<p>Your login server has your password. Keys are for accounts of this server.</p>`}
    <//>
  `;
};

const OwnPassword = ({ me }) => {
  const password = usePassword({ isOwn: true });
  const change = async (event) => {
    event.preventDefault();
    const isDone = await password.send((body) => api.patch(`/users/${encodeURIComponent(me.name)}`, body));
    if (isDone) toast("The password is changed. All your other sessions have ended.");
  };
  return fe`
    <details class="own-password">
      <summary>Change the password</summary>
      <form onSubmit=${change}>
        <input type="text" name="username" autocomplete="username" value=${me.name} hidden readonly />
        <${PasswordFields} password=${password} />
        <div class="form-actions">
          <button class="button plain" type="submit"><span>Change the password</span></button>
        </div>
      </form>
    </details>
  `;
};

// One profile: its fields, and beside them what the service would run with them.
// Promises: the preview is of what is typed, a moment after it was typed, and an older answer never replaces a newer
// one.
// Never in here: how arguments are made (the service).


const SOUNDS = [
  { value: "aac", text: "AAC, 64 kbit/s a channel" },
  { value: "copy", text: "As it is" },
];

const LIST = "/settings/profiles";

/** `way`: "edit" or "copy" of `former`. */
const ProfileEditor = ({ way, former, profiles, rows }) => {
  const [name, setName] = G(() => (way === "edit" ? former.name : copyName(former.name, profiles)));
  const [typed, setTyped] = G(() => typedOfProfile(former.keys));
  const [refused, setRefused] = G({ byField: {}, others: [] });
  const judged = keysOfTyped(typed);
  const wrongName = nameProblem(name, profiles, way === "edit" ? former.name : null);
  const users = way === "edit" ? former.usedBy.join(", ") : "";
  const isWhole = Object.keys(judged.errors).length === 0;
  const [task, setTask] = G(MADE_UP);
  const previewed = usePreview(way === "edit" ? former.name : null, judged.keys, isWhole, task);
  const errors = { ...(isWhole ? errorsOfPreview(previewed.preview) : {}), ...refused.byField, ...judged.errors };
  const change = (field, value) => {
    setTyped((before) => ({ ...before, [field]: value }));
    setRefused({ byField: {}, others: [] });
  };
  const text = (field) => ({
    value: typed[field],
    error: errors[field],
    autocomplete: "off",
    onInput: (event) => change(field, event.currentTarget.value),
  });
  const save = async (event) => {
    event.preventDefault();
    if (!isWhole || wrongName !== null) return event.currentTarget.querySelector("[aria-invalid=true]")?.focus();
    const { keys } = judged;
    const isRenamed = way === "edit" && name !== former.name;
    const changes = isRenamed
      ? renamingChanges(name, keys, former, rows)
      : savingChanges(name, keys, way === "edit" ? former : null);
    try {
      if (Object.keys(changes).length > 0) await send(changes);
      toast(way === "edit" ? `The profile ${name} is saved.` : `The profile ${name} is made.`);
      return go(LIST);
    } catch (problem) {
      const { others } = errorsOf(problem, PROFILE_KEYS.map((key) => `profiles.${name}.${key}`));
      return setRefused({ byField: errorsOfProfile(problem.errors ?? [], name), others });
    }
  };
  return fe`
    <div class="profile-editor">
      <form onSubmit=${save} aria-labelledby="profile-title">
        <h2 id="profile-title">${way === "edit" ? former.name : `A copy of ${former.name}`}</h2>
        <${Field} label="Name" value=${name} error=${wrongName} autocomplete="off" spellcheck="false"
          hint=${users && `Used by ${users}; they take a new name along.`}
          onInput=${(event) => setName(event.currentTarget.value)} />
        <${Select} label="Preset" value=${typed.preset} error=${errors.preset}
          hint="How thoroughly x265 searches: slower ones make smaller files and take longer."
          options=${PRESETS.map((preset) => ({ value: preset, text: preset }))}
          onChange=${(preset) => change("preset", preset)} />
        <fieldset class="profile-quality">
          <legend>Quality</legend>
          <${Way} way="crf" typed=${typed} onChange=${change} text="One CRF for every film" />
          <${Way} way="target" typed=${typed} onChange=${change}
            text="The CRF that reaches a quality, searched for each film" />
          ${typed.way === "crf"
            ? fe`
              <${Field} label="CRF" inputmode="decimal" class="short"
                hint="0 to 51; lower is better and bigger. 20 to 28 is usual." ...${text("crf")} />
            `
            : fe`<${Aim} typed=${typed} text=${text} onChange=${change} />`}
        </fieldset>
        <${Select} label="Sound" value=${typed.audio} error=${errors.audio} options=${SOUNDS}
          onChange=${(audio) => change("audio", audio)} />
        <${Field} label="x265 options" multiline rows="3" spellcheck="false" autocapitalize="off"
          hint="name=value with colons between them, or nothing" ...${text("x265_params")} />
        ${refused.others.length > 0 && fe`
          <${Notice} tone="failed" title="Nothing was saved">
            ${refused.others.map((other) => fe`<p key=${other}>${other}</p>`)}
          <//>
        `}
        <div class="form-actions">
          <button class="button primary" type="submit">
            <span>${way === "edit" ? "Save the profile" : "Make the profile"}</span>
          </button>
          <${Button} onClick=${() => go(LIST)}>Cancel<//>
        </div>
      </form>
      <${Preview} state=${previewed} isWhole=${isWhole} task=${task} onTask=${setTask} />
    </div>
  `;
};

const Way = ({ way, typed, onChange, text }) => fe`
  <label class="check">
    <input type="radio" name="way" value=${way} checked=${typed.way === way} onChange=${() => onChange("way", way)} />
    <span>${text}</span>
  </label>
`;

const Aim = ({ typed, text, onChange }) => {
  const metric = METRICS[typed.metric];
  const choose = (name) => {
    onChange("metric", name);
    onChange("aim", String(METRICS[name].usual));
  };
  return fe`
    <div class="profile-aim">
      <${Select} label="Measure" value=${typed.metric} onChange=${choose}
        options=${Object.entries(METRICS).map(([value, { title }]) => ({ value, text: title }))} />
      <${Field} label=${metric.unit ? `Aim in ${metric.unit}` : "Aim"} inputmode="decimal"
        hint="${metric.min} to ${metric.max}" ...${text("aim")} />
      <${Field} label="Lowest CRF" inputmode="decimal" ...${text("crf_min")} />
      <${Field} label="Highest CRF" inputmode="decimal" ...${text("crf_max")} />
    </div>
  `;
};

const TYPING_MS = 250;
const MADE_UP = "";

/** What the service says of a draft, a moment after it was typed: `{preview, problem}`, null until it has said it. */
const usePreview = (name, keys, isWhole, task) => {
  const [state, setState] = G({ preview: null, problem: null });
  const said = JSON.stringify(saidOf(keys));
  J(() => {
    if (!isWhole) return undefined;
    const ended = new AbortController();
    const ask = async () => {
      const body = { name, profile: JSON.parse(said), task: task === MADE_UP ? null : task };
      try {
        setState({ preview: await api.post("/profiles/preview", body, { signal: ended.signal }), problem: null });
      } catch (problem) {
        if (!ended.signal.aborted) setState({ preview: null, problem });
      }
    };
    const timer = setTimeout(ask, TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [name, said, isWhole, task]);
  return state;
};

const Preview = ({ state, isWhole, task, onTask }) => {
  const films = useAnswer((signal) => api.get("/tasks", { query: { limit: 20, sort: "-added" }, signal }), []);
  const options = [
    { value: MADE_UP, text: "A film of 1080p, made up" },
    ...(films.data?.tasks ?? []).map(({ id, path }) => ({ value: id, text: shownPath(path) })),
  ];
  const { preview, problem } = state;
  return fe`
    <section class="profile-preview" aria-labelledby="preview-title">
      <h2 id="preview-title">What would be run</h2>
      <${Select} label="For" value=${task} options=${options} onChange=${onTask} />
      ${problem && fe`<${Failure} problem=${problem} />`}
      ${!isWhole && fe`<p class="field-hint">Mend what is marked, and it goes on.</p>`}
      ${isWhole && preview && fe`<${Command} preview=${preview} />`}
    </section>
  `;
};

const Command = ({ preview }) => fe`
  ${preview.errors.filter(({ key }) => !PROFILE_KEYS.includes(key)).map(({ detail }) => fe`
    <p key=${detail} class="field-error">${sentence(detail)}</p>
  `)}
  ${preview.summary && fe`<p>${sentence(preview.summary)}</p>`}
  ${preview.command && fe`
    ${preview.preparations.map((command) => fe`
      <pre key=${command} class="command" tabIndex="0" aria-label="A command before it">${command}</pre>
    `)}
    <pre class="command" tabIndex="0" aria-label="The command">${commandLines(preview.words)}</pre>
    <div><${CopyButton} text=${preview.command}>Copy the command<//></div>
  `}
  ${preview.notes.length > 0 && fe`
    <ul class="preview-notes">${preview.notes.map((note) => fe`<li key=${note}>${sentence(note)}</li>`)}</ul>
  `}
`;

// Profiles and the folders that use them.
// Never in here: the fields of one profile (profile.js), ffmpeg's arguments.


const address = (query) => `/settings/profiles?${new URLSearchParams(query)}`;

const Profiles = ({ route }) => {
  const { answer } = useStore(state);
  const rows = answer.settings;
  const profiles = profilesOf(rows);
  const { edit, copy } = route.query;
  const chosen = profiles.find((profile) => profile.name === (edit ?? copy));
  if (chosen) {
    const way = edit && !chosen.isBuiltIn ? "edit" : "copy";
    const key = `${way} ${chosen.name}`;
    return fe`<${ProfileEditor} key=${key} way=${way} former=${chosen} profiles=${profiles} rows=${rows} />`;
  }
  return fe`
    <${Group} id="profiles" title="Ready-made and your own"
      lead="How a film is encoded. A ready-made one is changed by way of a copy.">
      <ul class="profiles">
        ${profiles.map((profile) => fe`<${ProfileEntry} key=${profile.name} profile=${profile} />`)}
      </ul>
    <//>
    <${Folders} rows=${rows} profiles=${profiles} />
  `;
};

const remove = async (profile) => {
  await send(removingChanges(profile));
  const undo = () => send(savingChanges(profile.name, profile.keys, null));
  toast(profile.isBuiltIn ? `${profile.name} is as it was made.` : `${profile.name} is deleted.`, { undo });
};

const ProfileEntry = ({ profile }) => {
  const { name, isBuiltIn, isChanged, usedBy } = profile;
  const mark = isChanged ? "ready-made, changed in the file" : "ready-made";
  const copy = () => go(address({ copy: name }));
  const items = [{ text: "Edit a copy", icon: "copy", onSelect: copy }];
  if (!isBuiltIn) {
    const hint = usedBy.length > 0 ? "in use" : undefined;
    const isUsed = usedBy.length > 0;
    const onSelect = () => remove(profile);
    items.push({ text: "Delete", icon: "trash", tone: "danger", disabled: isUsed, hint, onSelect });
  }
  return fe`
    <li class="profile">
      <div class="profile-about">
        <h3>${name} ${isBuiltIn && fe`<span class="mark">${mark}</span>`}</h3>
        <p>${inWords(profile.keys)}</p>
        ${profile.keys.x265_params && fe`<p><code>${profile.keys.x265_params}</code></p>`}
        <p>${usedBy.length === 0 ? "Used by no folder" : `Used by ${usedBy.join(", ")}`}</p>
      </div>
      <div class="profile-actions">
        ${isBuiltIn
          ? fe`
            ${isChanged && fe`
              <${Button} aria-label="As it was made: ${name}" onClick=${() => remove(profile)}>As it was made<//>
            `}
            <${Button} icon="copy" aria-label="Edit a copy of ${name}" onClick=${copy}>Edit a copy<//>
          `
          : fe`
            <${Button} icon="edit" aria-label="Edit ${name}" onClick=${() => go(address({ edit: name }))}>Edit<//>
            <${Menu} label="More for ${name}" items=${items} />
          `}
      </div>
    </li>
  `;
};

/** A folder that follows the profile for all. */
const FOLLOWS = "";

const Folders = ({ rows, profiles }) => {
  const { draft, refused } = useStore(state);
  const common = rows.find((row) => row.key === "profile");
  const names = profiles.map((profile) => profile.name);
  const chosen = (row) => {
    const entry = draft[row.key];
    if (entry) return entry.typed === DEFAULT ? FOLLOWS : entry.typed;
    return row.key !== "profile" && row.source === "default" ? FOLLOWS : row.value;
  };
  const forAll = draft.profile && draft.profile.typed !== DEFAULT ? draft.profile.typed : common.value;
  const choose = (row, name) => typed(row, name === FOLLOWS ? DEFAULT : name);
  const options = names.map((name) => ({ value: name, text: name }));
  return fe`
    <${Group} id="folders" title="Folders" lead="Which profile the films of a folder are encoded with.">
      <ul class="folders">
        <li>
          <label for=${idOf(common.key)}>Every folder without its own</label>
          <${Select} bare label="Profile of every folder without its own" id=${idOf(common.key)} options=${options}
            value=${chosen(common)} onChange=${(name) => choose(common, name)} />
          ${refused.profile && fe`<p class="field-error">${refused.profile}</p>`}
        </li>
        ${foldersOf(rows).map(({ height, key }) => {
          const row = rows.find((row) => row.key === key);
          return fe`
            <li key=${key}>
              <label for=${idOf(key)}>input/${height}</label>
              <${Select} bare label="Profile of input/${height}" id=${idOf(key)} value=${chosen(row)}
                options=${[{ value: FOLLOWS, text: `As all (${forAll})` }, ...options]}
                onChange=${(name) => choose(row, name)} />
              ${refused[key] && fe`<p class="field-error">${refused[key]}</p>`}
            </li>
          `;
        })}
      </ul>
      <${NewFolder} profile=${common.value} folders=${foldersOf(rows)} />
    <//>
  `;
};

const NewFolder = ({ profile, folders }) => {
  const [typed, setTyped] = G("");
  const [error, setError] = G(null);
  const name = typed.trim();
  const add = async (event) => {
    event.preventDefault();
    const wrong = folderProblem(name, folders);
    setError(wrong);
    if (wrong) return;
    try {
      await send({ [`resolution.${name}.profile`]: profile });
      setTyped("");
      toast(`input/${name} is a folder for films now.`);
    } catch (problem) {
      setError(problem.errors?.[0]?.detail ?? problem.message);
    }
  };
  return fe`
    <form class="new-folder" onSubmit=${add}>
      <${Field} label="Another folder" inputmode="numeric" autocomplete="off" placeholder="2160" value=${typed}
        error=${error} 
        hint="Its name is a height in pixels: even, 64 to 8640. Pictures are scaled down to fit it, never up."
        onInput=${(event) => setTyped(event.currentTarget.value)} />
      <button class="button plain" type="submit" disabled=${name === ""}>Add the folder</button>
    </form>
  `;
};

// Who is logged in, on which device, since when; and the way to end it.
// Never in here: logins.


const end = (session) => api.delete(`/sessions/${encodeURIComponent(session.id)}`);

const Sessions = ({ me }) => {
  const { data, problem, reload } = useAnswer((signal) => api.get("/sessions", { signal }), []);
  if (problem && !data) return fe`<${Failure} problem=${problem} onRetry=${reload} />`;
  if (!data) return fe`<${Skeleton} lines=${3} height=${56} />`;
  const sessions = sessionsInOrder(data.sessions);
  const own = sessions.filter((session) => session.name === me.name);
  const others = sessions.filter((session) => session.name !== me.name);
  const rest = own.filter((session) => !session.current);
  const endRest = async () => {
    const isSure = await confirm({
      title: "Log out everywhere else?",
      text: rest.length === 1 ? "Your other session ends at once." : `Your ${rest.length} other sessions end at once.`,
      action: "Log out everywhere else",
    });
    if (!isSure) return;
    await Promise.all(rest.map(end));
    toast("You are logged in here alone.");
    reload();
  };
  const list = (some, withName) => fe`
    <ul class="sessions">
      ${some.map((one) => fe`<${Session} key=${one.id} session=${one} reload=${reload} withName=${withName} />`)}
    </ul>
  `;
  return fe`
    <${Group} id="own-sessions" title="Yours" lead="If one of them is not you, end it and change your password."
      actions=${rest.length > 0 && fe`<${Button} icon="logout" onClick=${endRest}>Log out everywhere else<//>`}>
      ${list(own, false)}
    <//>
    ${others.length > 0 && fe`<${Group} id="other-sessions" title="Of others">${list(others, true)}<//>`}
  `;
};

const Session = ({ session, reload, withName }) => {
  const device = shownPath(deviceOf(session.agent));
  const endIt = async () => {
    await end(session);
    toast(`The session on ${device} has ended.`);
    reload();
  };
  return fe`
    <li class="session">
      <div>
        <h3 title=${shownPath(session.agent)}>
          ${withName && `${session.name}, `}${device}${" "}
          ${session.current && fe`<span class="mark">this one</span>`}
        </h3>
        <p>
          From <span class="number">${session.address}</span> · logged in <${Time} at=${session.created} />${" "}
          · last used <${Time} at=${session.last_used} />
        </p>
      </div>
      ${!session.current && fe`
        <${Button} aria-label="End the session on ${device} from ${session.address}" onClick=${endIt}>End<//>
      `}
    </li>
  `;
};

// What is typed and not saved: how much, and the way to save it or let it go.
// Promises: it is there whenever there is something, in every section; leaving the page asks first.
// Never in here: fields.


const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** The field may be in another section, or not be among those that a search has left. */
const focusOn = async (key) => {
  await drawn();
  if (!document.getElementById(idOf(key))) {
    // The field takes the focus, not the heading.
    go(isOfProfiles(key) ? "/settings/profiles" : `/settings?q=${encodeURIComponent(key)}`, { stay: true });
    await drawn();
  }
  const field = document.getElementById(idOf(key));
  field?.focus();
  field?.closest(".setting")?.scrollIntoView({ block: "center" });
};

const saveAll = async () => {
  const { saved, wrong } = await save();
  if (saved) toast(saved.text, { undo: saved.undo });
  else if (wrong) await focusOn(wrong);
};

const SaveBar = () => {
  const { others } = useStore(state);
  const { keys } = gathered(state.get());
  const isThere = keys.length > 0;
  J(() => {
    if (!isThere) return undefined;
    const ask = (event) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isThere]);
  J(() => {
    if (!isThere) return undefined;
    const press = (event) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      saveAll();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [isThere]);
  if (!isThere) return null;
  return fe`
    <div class="save-bar" role="region" aria-label="Changes that are not saved">
      ${others.length > 0 && fe`
        <${Notice} tone="failed" title="Nothing was saved">${others.map((text) => fe`<p key=${text}>${text}</p>`)}<//>
      `}
      <div class="save-bar-line">
        <p role="status"><strong class="number">${counted(keys.length, "change")}</strong> not saved
          <span class="save-bar-keys">${keys.join(", ")}</span></p>
        <${Button} onClick=${() => discard()}>Discard<//>
        <${Button} tone="primary" onClick=${saveAll}>Save<//>
      </div>
    </div>
  `;
};

// The settings: its sections, and what each needs before it is shown.
// Promises: nobody is shown a section that the API would refuse them; what is typed outlives a look at another section.
// Never in here: what a section shows.


// Here, so that nothing is drawn before it; and not by @import, which axe cannot read without styles in the document.
await Promise.all(["fields", "profiles", "people", "log"].map((name) => loadStyle(`settings/${name}`)));

const VIEWS = {
  "/settings": { View: AllSettings, needsSettings: true },
  "/settings/profiles": { View: Profiles, needsSettings: true },
  "/settings/alerts": { View: Alerts, needsSettings: true },
  "/settings/people": { View: People },
  "/settings/sessions": { View: Sessions },
  "/settings/log": { View: Log },
  "/settings/about": { View: About },
};

function View({ route, me }) {
  const isAdmin = me.role === "admin";
  begin(me.name);
  J(() => {
    if (!isAdmin) return undefined;
    const ended = new AbortController();
    const read = () => load(ended.signal);
    read();
    const ends = [live.onSettings(read), live.onReset(read)];
    return () => {
      ended.abort();
      for (const end of ends) end();
    };
  }, [isAdmin, me.name]);
  const section = sectionAt(route.path, me.role);
  J(() => {
    // On a small screen, not all tabs fit.
    document.querySelector(".settings > .tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [section.path]);
  const tabs = sectionsFor(me.role).map(({ path, title }) => ({ href: path, text: title }));
  const { View: Section, needsSettings } = VIEWS[section.path];
  const shown = fe`<${Section} route=${route} me=${me} />`;
  return fe`
    <div class="settings">
      <${Heading} title=${section.title} />
      <${Tabs} label="Sections of the settings" tabs=${tabs} current=${section.path} />
      ${needsSettings ? fe`<${WithSettings}>${shown}<//>` : shown}
      ${isAdmin && fe`<${SaveBar} />`}
    </div>
  `;
}

const WithSettings = ({ children }) => {
  const { answer, problem } = useStore(state);
  if (!answer && problem) return fe`<${Failure} problem=${problem} onRetry=${() => load()} />`;
  if (!answer) return fe`<${Skeleton} lines=${8} height=${56} />`;
  return fe`
    ${answer.problems.length > 0 && fe`
      <${Notice} tone="failed" title="The settings file has mistakes, so older settings are in force">
        <ul>${answer.problems.map((text) => fe`<li key=${text}>${text}</li>`)}</ul>
        <p>Mend them in <code>${answer.file}</code>; it is read again when it is saved.</p>
      <//>
    `}
    ${children}
  `;
};

export { View as default };
