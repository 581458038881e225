// Which tasks a list shows, and in what order: as the page's address has it, and as the API is asked for it.
//
// Promises: pure; an address that makes no sense gives the list's first tab; the address of a filter gives the same
// filter again.
// Never in here: the DOM, requests.

import { ENDED, FAILED } from "../../lib/allowed.js";

/** `statuses`: none means any. `sort`: that of the API, unless another is chosen. */
export const QUEUE_TABS = [
  { key: "todo", title: "To do", statuses: ["processing", "queued"], sort: "turn" },
  { key: "failed", title: "Failed", statuses: FAILED, sort: "-ended" },
  { key: "done", title: "Done", statuses: ["processed", "skipped"], sort: "-ended" },
  { key: "cancelled", title: "Cancelled", statuses: ["cancelled"], sort: "-ended" },
  { key: "all", title: "All", statuses: [], sort: "-added" },
];

export const HISTORY_TABS = [
  { key: "all", title: "All", statuses: ENDED, sort: "-ended" },
  { key: "compressed", title: "Compressed", statuses: ["processed"], sort: "-ended" },
  { key: "skipped", title: "Left as is", statuses: ["skipped"], sort: "-ended" },
  { key: "failed", title: "Failed", statuses: FAILED, sort: "-ended" },
  { key: "cancelled", title: "Cancelled", statuses: ["cancelled"], sort: "-ended" },
];

/** The orders that a person can choose, by the API's names. */
export const SORTS = [
  { key: "turn", title: "Order of encoding" },
  { key: "-added", title: "Newest first" },
  { key: "added", title: "Oldest first" },
  { key: "-ended", title: "Ended last first" },
  { key: "ended", title: "Ended first first" },
  { key: "path", title: "Path, A to Z" },
  { key: "-path", title: "Path, Z to A" },
  { key: "-size", title: "Largest first" },
  { key: "size", title: "Smallest first" },
  { key: "-priority", title: "Highest priority first" },
];

const isSort = (key) => SORTS.some((sort) => sort.key === key);

/**
 * The filter of an address's query: `{tab, sort, height, folder, text}`. `height` is null for every resolution,
 * `folder` and `text` are empty for all.
 */
export function filterOf(given, tabs) {
  const query = new URLSearchParams(given);
  const tab = tabs.find(({ key }) => key === query.get("show")) ?? tabs[0];
  const height = /^[1-9]\d{0,4}$/.test(query.get("height") ?? "") ? Number(query.get("height")) : null;
  return {
    tab,
    sort: isSort(query.get("sort")) ? query.get("sort") : tab.sort,
    height,
    folder: query.get("folder") ?? "",
    text: query.get("q") ?? "",
  };
}

/** The address of a filter, as `/queue?show=failed`; what is usual is left out. */
export function addressOf(path, { tab, sort, height, folder, text }, tabs) {
  const query = new URLSearchParams();
  if (tab !== tabs[0]) query.set("show", tab.key);
  if (sort !== tab.sort) query.set("sort", sort);
  if (height !== null) query.set("height", height);
  if (folder !== "") query.set("folder", folder);
  if (text !== "") query.set("q", text);
  const search = query.toString();
  return search === "" ? path : `${path}?${search}`;
}

export const isSame = (one, other) =>
  ["tab", "sort", "height", "folder", "text"].every((part) => one[part] === other[part]);

/** The same in another tab, in that tab's own order. */
export const inTab = (filter, tab) => ({ ...filter, tab, sort: tab.sort });

/** The same without what narrows it. */
export const allOf = (filter) => ({ ...filter, height: null, folder: "", text: "" });

/** Whether it leaves out anything of its tab. */
export const isNarrowed = ({ height, folder, text }) => height !== null || folder !== "" || text.trim() !== "";

/** The part of `GET /tasks`, of an export and of `POST /tasks/actions` that says which tasks are meant. */
export function whichTasks({ tab, height, folder, text }) {
  const which = {};
  if (tab.statuses.length > 0) which.status = tab.statuses.join(",");
  if (height !== null) which.resolution = height;
  if (folder !== "") which.folder = folder;
  if (text.trim() !== "") which.q = text.trim();
  return which;
}

/** Whether the filter shows a task; the service decides in the same way. */
export function shows({ tab, height, folder, text }, task) {
  if (tab.statuses.length > 0 && !tab.statuses.includes(task.status)) return false;
  if (height !== null && task.resolution !== height) return false;
  if (folder !== "" && !task.path.startsWith(`${folder}/`)) return false;
  return task.path.toLowerCase().includes(text.trim().toLowerCase());
}

/** How many tasks of the queue are in a tab, by the counts of `GET /queue`. */
export function countIn(tab, counts) {
  const statuses = tab.statuses.length > 0 ? tab.statuses : Object.keys(counts);
  return statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
}
