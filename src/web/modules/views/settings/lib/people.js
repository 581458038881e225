// What the page says of users, keys and sessions.
// Promises: pure. Never in here: who may what (the API decides), requests.

/** The roles, least first, and what each may. */
export const ROLES = [
  { role: "viewer", title: "Viewer", may: "Looks at everything but settings, log and users." },
  { role: "operator", title: "Operator", may: "Also changes tasks and the queue, and adds files." },
  { role: "admin", title: "Administrator", may: "Also changes settings, users, keys and sessions of others." },
];

/** The sections of the settings, in their order. */
export const SECTIONS = [
  { path: "/settings", title: "All settings", isForAdmin: true },
  { path: "/settings/profiles", title: "Profiles", isForAdmin: true },
  { path: "/settings/alerts", title: "Alerts", isForAdmin: true },
  { path: "/settings/people", title: "Users and keys", titleForOthers: "Account and keys" },
  { path: "/settings/sessions", title: "Sessions" },
  { path: "/settings/log", title: "Log", isForAdmin: true },
  { path: "/settings/about", title: "About" },
];

/** The sections that somebody may see, with their titles. */
export function sectionsFor(role) {
  const isAdmin = role === "admin";
  const own = SECTIONS.filter((section) => isAdmin || !section.isForAdmin);
  return own.map(({ path, title, titleForOthers }) => ({ path, title: isAdmin ? title : (titleForOthers ?? title) }));
}

/** Where else a section is looked for. */
const OTHER_PATHS = { "/settings/account": "/settings/people" };

/** The section of an address: its own, or the first that the caller may see. */
export function sectionAt(path, role) {
  const sections = sectionsFor(role);
  const plain = path.replace(/\/+$/, "");
  return sections.find((section) => section.path === (OTHER_PATHS[plain] ?? plain)) ?? sections[0];
}

/** The roles up to `role`: nobody makes a key that may more than they may. */
export function rolesUpTo(role) {
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
export function deviceOf(agent) {
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (agent.trim() === "" ? "Unknown device" : agent);
}

/** One's own session first, then by last use. */
export function sessionsInOrder(sessions) {
  return [...sessions].sort(
    (one, other) => Number(other.current) - Number(one.current) || other.last_used.localeCompare(one.last_used),
  );
}

/** How long a new key may last, in days; null: until it is revoked. */
export const LIFETIMES = [
  { days: 30, title: "30 days" },
  { days: 90, title: "90 days" },
  { days: 365, title: "1 year" },
  { days: null, title: "Until it is revoked" },
];

/** The moment in `days` from `now`, as the API takes it; null for none. */
export function expiryAfter(days, now) {
  return days === null ? null : new Date(now.getTime() + days * 86_400_000).toISOString();
}

/** Where a key is in its life. */
export function keyState(key, now) {
  if (key.expires === null || key.expires === undefined) return "lasting";
  return new Date(key.expires) <= now ? "expired" : "expiring";
}

/** Why a new password cannot be, before it is sent; null where it can. */
export function passwordProblem(password, repeated) {
  const length = [...password].length;
  if (length < 10) return "A password has at least 10 characters.";
  if (length > 1024) return "A password has at most 1024 characters.";
  return password === repeated ? null : "The two are not the same.";
}
