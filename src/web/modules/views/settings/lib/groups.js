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
export const PROGRAMS = ["ffmpeg", "ffprobe", "ionice", "ntfy", "x265"];

/** Ends of keys that the field says as its unit. */
const UNIT_ENDS = /_(seconds|hours|days|gb)$/;

/**
 * A setting's name for people: `http.session_hours` is "Session", `ntfy_base_url` is "ntfy base URL".
 * @param {string} key
 */
export function nameOf(key) {
  const last = key.slice(key.lastIndexOf(".") + 1).replace(UNIT_ENDS, "").replace("_seconds_", "_");
  const words = last.split("_").map((word) => SPELLINGS[word] ?? word);
  const text = words.join(" ");
  return PROGRAMS.includes(words[0]) ? text : text[0].toUpperCase() + text.slice(1);
}

/** A heading of the settings file as title and what follows it: "Watch: which files …" has both. */
export function headingParts(heading) {
  const plain = heading.replace(/ \((a section|sections)[^)]*\)$/, "");
  const colon = plain.indexOf(": ");
  if (colon < 0) return { title: plain, lead: "" };
  const lead = plain.slice(colon + 2);
  return { title: plain.slice(0, colon), lead: lead[0].toUpperCase() + lead.slice(1) + "." };
}

/** Whether a row is a part of a profile, or of a folder's: those have a page of their own. */
export function isOfProfiles(key) {
  return key.startsWith("profiles.") || key.startsWith("resolution.");
}

/**
 * The rows that a search leaves, in groups by heading.
 * @returns {{heading: string, title: string, lead: string, rows: object[]}[]}
 */
export function grouped(rows, query = "") {
  const groups = new Map();
  for (const row of rows.filter((row) => !isOfProfiles(row.key) && isFound(row, query))) {
    const { heading } = row;
    if (!groups.has(heading)) groups.set(heading, { heading, ...headingParts(heading), rows: [] });
    groups.get(heading).rows.push(row);
  }
  return [...groups.values()];
}

/** Whether each word of `query` stands somewhere in the row. */
export function isFound(row, query) {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const value = row.is_secret ? "" : JSON.stringify(row.value);
  const text = [row.key, row.key.replaceAll("_", " "), nameOf(row.key), row.doc, row.allowed, row.heading, value]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Whether the value does not come from the default. */
export function isChanged(row) {
  return row.source !== "default";
}

/** An id for the elements of a setting; keys have nothing but letters, digits, dots, - and _. */
export function idOf(key) {
  return `setting-${key.replaceAll(".", "-")}`;
}
