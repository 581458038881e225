import { api, toast, confirm, count, counted, pathParts, G, J, fe, K, d, shownPath, when, Name, Status, bytes, change, useStore, live, isStandingStill, stage, percent, fps, duration, sentence, Q, Tabs, IconButton, Menu, Button, Select, createStore, useRoute, Y, go } from './app.js';
import { FAILED, ENDED, mayBe } from './allowed.js';
import { keepNeighbours } from './neighbours.js';
import { Bar } from './film.js';

// Which tasks a list shows, and in what order: as the page's address has it, and as the API is asked for it.
//
// Promises: pure; an address that makes no sense gives the list's first tab; the address of a filter gives the same
// filter again.
// Never in here: the DOM, requests.


/** `statuses`: none means any. `sort`: that of the API, unless another is chosen. */
const QUEUE_TABS = [
  { key: "todo", title: "To do", statuses: ["processing", "queued"], sort: "turn" },
  { key: "failed", title: "Failed", statuses: FAILED, sort: "-ended" },
  { key: "done", title: "Done", statuses: ["processed", "skipped"], sort: "-ended" },
  { key: "cancelled", title: "Cancelled", statuses: ["cancelled"], sort: "-ended" },
  { key: "all", title: "All", statuses: [], sort: "-added" },
];

const HISTORY_TABS = [
  { key: "all", title: "All", statuses: ENDED, sort: "-ended" },
  { key: "compressed", title: "Compressed", statuses: ["processed"], sort: "-ended" },
  { key: "skipped", title: "Left as is", statuses: ["skipped"], sort: "-ended" },
  { key: "failed", title: "Failed", statuses: FAILED, sort: "-ended" },
  { key: "cancelled", title: "Cancelled", statuses: ["cancelled"], sort: "-ended" },
];

/** The orders that a person can choose, by the API's names. */
const SORTS = [
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
function filterOf(given, tabs) {
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
function addressOf(path, { tab, sort, height, folder, text }, tabs) {
  const query = new URLSearchParams();
  if (tab !== tabs[0]) query.set("show", tab.key);
  if (sort !== tab.sort) query.set("sort", sort);
  if (height !== null) query.set("height", height);
  if (folder !== "") query.set("folder", folder);
  if (text !== "") query.set("q", text);
  const search = query.toString();
  return search === "" ? path : `${path}?${search}`;
}

const isSame = (one, other) =>
  ["tab", "sort", "height", "folder", "text"].every((part) => one[part] === other[part]);

/** The same in another tab, in that tab's own order. */
const inTab = (filter, tab) => ({ ...filter, tab, sort: tab.sort });

/** The same without what narrows it. */
const allOf = (filter) => ({ ...filter, height: null, folder: "", text: "" });

/** Whether it leaves out anything of its tab. */
const isNarrowed = ({ height, folder, text }) => height !== null || folder !== "" || text.trim() !== "";

/** The part of `GET /tasks`, of an export and of `POST /tasks/actions` that says which tasks are meant. */
function whichTasks({ tab, height, folder, text }) {
  const which = {};
  if (tab.statuses.length > 0) which.status = tab.statuses.join(",");
  if (height !== null) which.resolution = height;
  if (folder !== "") which.folder = folder;
  if (text.trim() !== "") which.q = text.trim();
  return which;
}

/** Whether the filter shows a task; the service decides in the same way. */
function shows({ tab, height, folder, text }, task) {
  if (tab.statuses.length > 0 && !tab.statuses.includes(task.status)) return false;
  if (height !== null && task.resolution !== height) return false;
  if (folder !== "" && !task.path.startsWith(`${folder}/`)) return false;
  return task.path.toLowerCase().includes(text.trim().toLowerCase());
}

/** How many tasks of the queue are in a tab, by the counts of `GET /queue`. */
function countIn(tab, counts) {
  const statuses = tab.statuses.length > 0 ? tab.statuses : Object.keys(counts);
  return statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
}

// What an action is about: some tasks, or all that a filter shows but for some.
//
// Promises: pure; the service is asked about no task of which the page knows that it would be refused.
// Never in here: requests, the DOM.


const ofTasks = (tasks) => ({ kind: "tasks", tasks });

/** The target of a selection in a list of `total` rows. */
function ofSelection({ all, tasks }, filter, total) {
  if (!all) return ofTasks([...tasks.values()]);
  return { kind: "filter", filter, except: [...tasks.keys()], count: Math.max(0, total - tasks.size) };
}

/** Whether `action` is possible for any of it. Of a filter only the statuses are known. */
function isPossible(target, action) {
  if (target.kind === "tasks") return target.tasks.some((task) => mayBe(action, task));
  const { statuses } = target.filter.tab;
  return statuses.length === 0 || statuses.some((status) => mayBe(action, { status, frozen: false, archived: false }));
}

/** The tasks of it that `action` is possible for; null for those of a filter, which only the service knows. */
const possibleTasks = (target, action) =>
  target.kind === "tasks" ? target.tasks.filter((task) => mayBe(action, task)) : null;

/** How many it may be about, at most. */
const countOf = (target, action) => possibleTasks(target, action)?.length ?? target.count;

/** The part of `POST /tasks/actions` that says which tasks. */
function meant(target, action) {
  if (target.kind === "tasks") return { ids: possibleTasks(target, action).map((task) => task.id) };
  const which = { filter: whichTasks(target.filter) };
  return target.except.length > 0 ? { ...which, except: target.except } : which;
}

// What a person asks of tasks and of the queue, and how it is told and taken back.
//
// Promises: what throws work away, or is about more than one can see, asks first and says how much; what can be taken
// back says so for a while; a refusal is thrown as the service put it into words.
// Never in here: which tasks are meant (`target.js`), the rows.


/** The API takes so many ids at once. */
const IDS_LIMIT = 10_000;
const LIST_LIMIT = 500;

const files = (number) => counted(number, "file");

/** "film.mkv" of one, "12 files" of many. */
const named = (target, action) => {
  const tasks = target.kind === "tasks" ? target.tasks.filter((task) => mayBe(action, task)) : [];
  return tasks.length === 1 ? pathParts(tasks[0].path).name : files(countOf(target, action));
};

const act = (action, target, more = {}) => api.post("/tasks/actions", { action, ...more, ...meant(target, action) });

async function actOnIds(action, ids, more = {}) {
  for (let from = 0; from < ids.length; from += IDS_LIMIT) {
    await api.post("/tasks/actions", { action, ids: ids.slice(from, from + IDS_LIMIT), ...more });
  }
}

async function mayCancel(target) {
  if (target.kind === "filter") {
    return confirm({
      title: `Cancel ${files(target.count)}?`,
      text: "All that is shown and not over. What is done of running encodes is lost. The files stay in input.",
      action: `Cancel ${files(target.count)}`,
    });
  }
  const running = target.tasks.filter((task) => task.status === "processing");
  if (running.length === 0) return true;
  const percent = running[0].progress?.percent;
  const lost =
    running.length === 1 && percent
      ? `${Math.floor(percent)} % of it is done and would be lost.`
      : "What is done of it is lost.";
  const encoded = running.length === 1 ? "It is being encoded" : `${files(running.length)} of them are being encoded`;
  return confirm({
    title: `Cancel ${named(target, "cancel")}?`,
    text: `${encoded}. ${lost} The source stays.`,
    action: `Cancel ${named(target, "cancel")}`,
  });
}

async function cancel(target) {
  const name = named(target, "cancel");
  if (!(await mayCancel(target))) return;
  const { ids } = await act("cancel", target);
  toast(`Cancelled ${ids.length === 1 ? name : files(ids.length)}`, { undo: () => actOnIds("retry", ids) });
}

/** `action`: "retry", or "retry_forced", which takes the result even when it is not smaller. */
async function retry(target, action = "retry") {
  const name = named(target, action);
  const { ids } = await act(action, target);
  const again = ids.length === 1 ? name : files(ids.length);
  toast(ids.length === 0 ? "Nothing of it can be tried again" : `${again} will be encoded again`);
}

async function setPriority(target, priority) {
  const before = new Map();
  for (const task of target.kind === "tasks" ? target.tasks : []) {
    if (mayBe("priority", task)) before.set(task.priority, [...(before.get(task.priority) ?? []), task.id]);
  }
  const { ids } = await act("priority", target, { priority });
  const undo = async () => {
    for (const [former, own] of before) await actOnIds("priority", own, { priority: former });
  };
  toast(`Priority of ${files(ids.length)} is ${priority} now`, { undo: target.kind === "tasks" ? undo : null });
}

/** The tasks of a target, read from the service where only a filter is known. */
async function tasksOf(target, action) {
  if (target.kind === "tasks") return target.tasks.filter((task) => mayBe(action, task));
  const tasks = [];
  for (;;) {
    const query = { ...whichTasks(target.filter), limit: LIST_LIMIT, offset: tasks.length, sort: "added" };
    const page = await api.get("/tasks", { query });
    tasks.push(...page.tasks);
    if (page.tasks.length === 0 || tasks.length >= page.total) break;
  }
  return tasks.filter((task) => mayBe(action, task) && !target.except.includes(task.id));
}

/** Moves sources into another resolution's folder. `onProgress(done, all)`; stops between two when `signal` says so. */
async function moveTo(target, height, onProgress, signal) {
  const tasks = (await tasksOf(target, "move")).filter((task) => task.resolution !== height);
  let done = 0;
  for (const task of tasks) {
    if (signal.aborted) break;
    onProgress(done, tasks.length);
    await api.post(`/tasks/${encodeURIComponent(task.id)}/move`, { resolution: height }, { timeoutMs: 0 });
    done += 1;
  }
  toast(done === 0 ? `All of it is in ${height} already` : `${files(done)} moved to ${height}`);
}

const freeze = (task) => api.post(`/tasks/${encodeURIComponent(task.id)}/freeze`);
const thaw = (task) => api.post(`/tasks/${encodeURIComponent(task.id)}/thaw`);

/** Puts waiting tasks before another (an id; null: at the end), in their order. */
const putBefore = (ids, before) => api.post("/queue/order", { ids, before });

/** The first waiting task that is not one of `ids`; null when there is none. */
async function firstWaiting(ids) {
  const moved = new Set(ids);
  for (let offset = 0; ; offset += LIST_LIMIT) {
    const { tasks } = await api.get("/tasks", {
      query: { status: "queued", sort: "turn", offset, limit: LIST_LIMIT },
    });
    const first = tasks.find((task) => !moved.has(task.id));
    if (first || tasks.length < LIST_LIMIT) return first?.id ?? null;
  }
}

/** `running`: "finish" or "freeze". */
async function pause(running) {
  await api.post("/queue/pause", { running });
  toast(running === "freeze" ? "Paused; running encodes stand still" : "Paused; running encodes go on to their end", {
    undo: resume,
  });
}

async function resume() {
  await api.post("/queue/resume");
  toast("The queue goes on");
}

async function retryAllFailed() {
  const { ids } = await api.post("/tasks/actions", { action: "retry", filter: { status: FAILED.join(",") } });
  toast(ids.length === 0 ? "Nothing has failed" : `${files(ids.length)} will be encoded again`);
}

async function clearWaiting(waiting) {
  const isSure = await confirm({
    title: `Cancel all ${count(waiting)} waiting files?`,
    text: "What is being encoded goes on. The files stay in input, and can be retried.",
    action: `Cancel ${files(waiting)}`,
  });
  if (!isSure) return;
  // Not `POST /queue/clear`, which does not say which ones: what takes it back has to know.
  const { ids } = await api.post("/tasks/actions", { action: "cancel", filter: { status: "queued" } });
  toast(`Cancelled ${files(ids.length)}`, { undo: () => actOnIds("retry", ids) });
}

async function clearFinished() {
  const { tasks } = await api.post("/queue/clear", { which: "finished" });
  toast(tasks === 0 ? "Nothing has ended" : `${files(tasks)} went to the history`);
}

async function copyPath(task) {
  await navigator.clipboard.writeText(task.path);
  toast("Copied");
}

async function scan() {
  await api.post("/queue/scan");
  toast("Looking through input");
}

/** One task alone as a target. */
const one = (task) => ofTasks([task]);

// Which part of a long list is on screen, which pages of it are to be fetched, and where a dragged row would land.
//
// Promises: pure; all numbers of pixels are those of the layout (CSS pixels); ranges are half open (`first` to before
// `end`). Rows are of one height: that is what makes any place of 100,000 rows findable without rendering the rest.
// Never in here: the DOM, requests, what a row shows.

/** Rows that one request brings. */
const PAGE_ROWS = 100;
/** Pages on either side of the screen that are kept; those farther away are dropped. */
const KEPT_PAGES = 6;
/** No browser makes an element higher than 17,895,697 px (Firefox); others end at 33 million. */
const HIGHEST_PX = 17_000_000;
/** Near the upper and lower edge a drag scrolls. */
const EDGE_PX = 56;
const EDGE_SPEED_PX = 18;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The rows to render: those on screen, and `spareRows` above and below.
 * `scrolledPx`: how far the list's top is above that of the screen; negative while it is below.
 */
function rowsOnScreen$1({ scrolledPx, screenPx, rowPx, count, spareRows }) {
  const first = clamp(Math.floor(scrolledPx / rowPx) - spareRows, 0, count);
  const end = clamp(Math.ceil((scrolledPx + screenPx) / rowPx) + spareRows, first, count);
  return { first, end };
}

/** How many of `count` rows a page can be high enough for: 250,000 rows of 68 px. */
const rowsThatFit = (count, rowPx) => Math.min(count, Math.floor(HIGHEST_PX / rowPx));

/** The page that a row is on, from 0. */
const pageOf = (row) => Math.floor(row / PAGE_ROWS);

/** The pages that rows are on, in order. */
function pagesOf({ first, end }) {
  if (end <= first) return [];
  const from = pageOf(first);
  return Array.from({ length: pageOf(end - 1) - from + 1 }, (_, number) => from + number);
}

/**
 * The pages to fetch now, the most wanted first: those on screen, then the one after and the one before, so that a slow
 * scroll never meets a placeholder. `isWanted(page)`: it is neither here and fresh nor on its way.
 */
function pagesToFetch(range, count, isWanted) {
  const seen = pagesOf(range);
  if (seen.length === 0) return [];
  const last = pageOf(count - 1);
  const around = [seen[seen.length - 1] + 1, seen[0] - 1];
  return [...seen, ...around].filter((page) => page >= 0 && page <= last && isWanted(page));
}

/** Those of `pages` that are too far from what is on screen to be kept. */
function pagesToDrop(pages, range) {
  const seen = pagesOf(range);
  if (seen.length === 0) return [];
  return pages.filter((page) => page < seen[0] - KEPT_PAGES || page > seen[seen.length - 1] + KEPT_PAGES);
}

/** The gap between rows that is nearest to a point: 0 is before the first row, `count` after the last. */
const gapAt = (pointPx, rowPx, count) => clamp(Math.round(pointPx / rowPx), 0, count);

/** By how much a drag scrolls in a frame with the pointer at `pointPx`, between the edges `topPx` and `bottomPx`. */
function dragScroll(pointPx, topPx, bottomPx) {
  const over = (distance) => clamp(1 - distance / EDGE_PX, 0, 1);
  return Math.round(EDGE_SPEED_PX * (over(bottomPx - pointPx) - over(pointPx - topPx)));
}

// What is known of a long list: the pages of it that were fetched, and how many rows it has.
//
// Promises: pure, and a changed list is a new one; a row that is not known is null, at any place; what may have moved
// is `stale`: it is shown until it has been fetched anew, so that nothing blinks.
// Never in here: requests, the DOM, which pages are wanted (`lib/window.js`).


/** `total`: null until the first page has come. `pages`: by number, `{tasks, isStale}`. */
const NOTHING = { total: null, pages: new Map() };

/** The first page is one of a list without rows too. */
const isIn = (number, total) => number === 0 || number * PAGE_ROWS < total;

/** With a page as it was answered. Where the number of rows has changed, other pages may have moved. */
function withPage(list, number, { tasks, total }) {
  const pages = new Map();
  for (const [other, page] of list.pages) {
    if (isIn(other, total)) pages.set(other, total === list.total ? page : { ...page, isStale: true });
  }
  if (isIn(number, total)) pages.set(number, { tasks, isStale: false });
  return { total, pages };
}

function withoutPages(list, numbers) {
  const pages = new Map(list.pages);
  for (const number of numbers) pages.delete(number);
  return { ...list, pages };
}

/** Every page is to be fetched anew when it is seen. */
function allStale(list) {
  const pages = [...list.pages].map(([number, page]) => [number, { ...page, isStale: true }]);
  return { ...list, pages: new Map(pages) };
}

/** The task of a row, or null. */
const taskAt = (list, row) => list.pages.get(pageOf(row))?.tasks[row % PAGE_ROWS] ?? null;

/** The row of a task, or -1 where it is not known. */
function rowOf(list, id) {
  for (const [number, { tasks }] of list.pages) {
    const at = tasks.findIndex((task) => task.id === id);
    if (at >= 0) return number * PAGE_ROWS + at;
  }
  return -1;
}

const KEYS = {
  added: (task) => task.added,
  ended: (task) => task.ended,
  path: (task) => task.path,
  size: (task) => task.size_before_bytes,
  priority: (task) => task.priority,
};

/** Whether a task that has changed stays in its row. Whatever changes of a waiting one may be its turn. */
function staysInPlace(before, after, sort) {
  if (sort === "turn") return before.status === "processing" && after.status === "processing";
  const key = KEYS[sort.replace("-", "")];
  return key(before) === key(after);
}

/**
 * With a task as it is now, if its row is known. `isMoved`: this or another row may be elsewhere now, and what is seen
 * is to be fetched anew. `isShown`: the list's filter shows the task.
 */
function withTask$1(list, task, { sort, isShown }) {
  const row = rowOf(list, task.id);
  if (row < 0) return { list, isMoved: true };
  const before = taskAt(list, row);
  const isMoved = !isShown || !staysInPlace(before, task, sort);
  return { list: withRow(list, row, task), isMoved };
}

function withRow(list, row, task) {
  const page = list.pages.get(pageOf(row));
  const tasks = page.tasks.map((before, at) => (at === row % PAGE_ROWS ? task : before));
  return { ...list, pages: new Map(list.pages).set(pageOf(row), { ...page, tasks }) };
}

/**
 * The list as it will be when the tasks of `ids` stand, in their order, before row `gap`: shown at once, until the
 * service has answered. Where a row between is not known, the list stays as it is.
 */
function withMoved(list, ids, gap) {
  const rows = ids.map((id) => rowOf(list, id));
  if (rows.length === 0 || rows.includes(-1)) return list;
  const first = Math.min(gap, ...rows);
  const end = Math.max(gap, ...rows.map((row) => row + 1));
  const span = Array.from({ length: end - first }, (_, at) => taskAt(list, first + at));
  if (span.includes(null)) return list;
  const isMoved = (task) => ids.includes(task.id);
  const moved = rows.map((row) => taskAt(list, row));
  const before = span.slice(0, gap - first).filter((task) => !isMoved(task));
  const after = span.slice(gap - first).filter((task) => !isMoved(task));
  return [...before, ...moved, ...after].reduce((changed, task, at) => withRow(changed, first + at, task), list);
}

/** How many rows of tasks that are encoded already stand before those that wait, as far as they are known. */
function runningRows(list) {
  let row = 0;
  while (row < list.total && taskAt(list, row)?.status === "processing") row += 1;
  return row;
}

/**
 * The id of the task before which rows that land in a gap stand: the next that waits and is not one of `moved`. Null
 * for the end, undefined when it is not known.
 */
function taskAfterGap(list, gap, moved) {
  for (let row = gap; row < list.total; row += 1) {
    const task = taskAt(list, row);
    if (task === null) return undefined;
    if (task.status === "queued" && !moved.includes(task.id)) return task.id;
  }
  return null;
}

// A list of any length as a grid of which only the rows on screen are there.
//
// Promises: the page scrolls as if all rows were there; what is not here yet is a placeholder of the same height; one
// row takes part in the order of Tab, and stays when it is scrolled away, so that the focus is never lost; screen
// readers are told how many rows there are and which one this is.
// Never in here: what rows show, what is done with them, where they come from.


const SPARE_ROWS = 4;
/** Of the font's size: rows of one line, and of two where the screen is narrow. */
const ROW_REM = 2.75;
const NARROW_ROW_REM = 4.25;
const NARROW = window.matchMedia("(max-width: 699px)");

const rootFontPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const rowHeightPx = () => Math.round(rootFontPx() * (NARROW.matches ? NARROW_ROW_REM : ROW_REM));

/** The height of a row, in px, as the screen is now. */
function useRowHeight() {
  const [rowPx, setRowPx] = G(rowHeightPx);
  J(() => {
    const measure = () => setRowPx(rowHeightPx());
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, []);
  return rowPx;
}

/** The rows to render; `body` is the element that is as high as all of them. */
function useRowsOnScreen(body, rowPx, count) {
  const [rows, setRows] = G({ first: 0, end: 0 });
  K(() => {
    const look = () => {
      const scrolledPx = -body.current.getBoundingClientRect().top;
      const now = rowsOnScreen$1({ scrolledPx, screenPx: window.innerHeight, rowPx, count, spareRows: SPARE_ROWS });
      setRows((before) => (before.first === now.first && before.end === now.end ? before : now));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [rowPx, count]);
  return rows;
}

/** The numbers of rows to render: those on screen, and the one that has, or had, the focus. */
function numbersOf({ first, end }, active, count) {
  const numbers = Array.from({ length: end - first }, (_, at) => first + at);
  const isElsewhere = active >= 0 && active < count && (active < first || active >= end);
  return isElsewhere ? [...numbers, active] : numbers;
}

/**
 * Puts the focus on the active row where `focus`, a ref, asks for it ("move": and brings the row in sight), and where a
 * row had it and would lose it: because its element was moved, or because its task is in another row now.
 */
function useActiveRow(body, active, focus) {
  const before = document.activeElement;
  const wasInside = body.current?.contains(before) ?? false;
  const wasOnRow = wasInside && before.dataset.row !== undefined;
  K(() => {
    const now = document.activeElement;
    const isLost = wasInside && now === document.body;
    const isElsewhere = wasOnRow && body.current.contains(now) && now.dataset.row !== String(active);
    const row = (focus.current || isLost || isElsewhere) && body.current.querySelector(`[data-row="${active}"]`);
    if (!row) return;
    row.focus({ preventScroll: true });
    if (focus.current === "move") row.scrollIntoView({ block: "nearest" });
    focus.current = null;
  });
}

/**
 * `columns`: [{key, title, sorts, isHidden}]; one with `sorts` (`{up, down}`, names of the API) is sorted by its
 * heading. `list`: of pages.js. `active`: the number of the row that Tab comes to. `focus`: a ref, see `useActiveRow`.
 * `body`: a ref of the element that has the rows; handlers in `on` are called for all of them. `Row`: shows a task, or
 * that it is not known yet (`task`: null), always by the same element, so that the focus stays on it; `row(task,
 * number)`: its further properties. `over`: what lies over the rows, as the mark of a drag. `kinds`: "may-choose" and
 * "may-drag".
 */
function Grid(props) {
  const {
    label,
    columns,
    list,
    isOld,
    sort,
    onSort,
    onSee,
    active,
    focus,
    body,
    rowPx,
    Row,
    row,
    over,
    on,
    kinds = [],
  } = props;
  const total = list.total ?? 0;
  const count$1 = rowsThatFit(total, rowPx);
  const rows = useRowsOnScreen(body, rowPx, count$1);
  J(() => onSee(rows), [rows, list.total]);
  useActiveRow(body, active, focus);
  return fe`
    <div class="rows ${kinds.join(" ")} ${isOld ? "old" : ""}" role="grid" aria-label=${label}
      aria-rowcount=${total + 1} aria-multiselectable=${kinds.includes("may-choose")} aria-busy=${isOld} ...${on}>
      <${Headings} columns=${columns} sort=${sort} onSort=${onSort} />
      <div class="rows-body" role="rowgroup" ref=${body}
        style=${{ height: `${count$1 * rowPx}px`, "--row-height": `${rowPx}px` }}>
        ${numbersOf(rows, active, count$1).map((number) => {
          const task = taskAt(list, number);
          const place = { key: number, number, topPx: number * rowPx, isActive: number === active };
          return fe`<${Row} ...${place} task=${task} ...${task && row(task, number)} />`;
        })}
        ${over}
      </div>
    </div>
    ${
      count$1 < total &&
      fe`
      <p class="rows-end small quiet-text">
        The first ${count(count$1)} of ${count(total)}; search, or choose another order, for the others.
      </p>
    `
    }
  `;
}

const ARIA_SORT = { up: "ascending", down: "descending" };

const Headings = ({ columns, sort, onSort }) => fe`
  <div class="row headings" role="row" aria-rowindex="1">
    ${columns.map(({ key, title, sorts, isHidden }) => {
      const direction = sorts && Object.keys(ARIA_SORT).find((one) => sorts[one] === sort);
      const content = () => {
        if (isHidden) return fe`<span class="visually-hidden">${title}</span>`;
        if (!sorts) return title;
        const next = direction === "down" || !sorts.down ? (sorts.up ?? sorts.down) : sorts.down;
        const sort = () => onSort(next);
        return fe`<button type="button" class="sort ${direction ?? ""}" onClick=${sort}>${title}</button>`;
      };
      return fe`
        <div key=${key} class="cell cell-${key}" role="columnheader" aria-sort=${ARIA_SORT[direction]}>
          ${content()}
        </div>
      `;
    })}
  </div>
`;

// One task as a row of the queue or the history.
//
// Promises: a row is drawn anew only when something of it has changed; it has no handlers of its own: the grid has
// them, and finds a row by `data-row`; what can be pressed says in `data-does` what it does.
// Never in here: what is done when it is pressed.


const shallowEqual = (one, other) =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every((key) => Object.is(one[key], other[key]));

/** As `data-does` of what a row has. */
const DOES = { choose: "choose", menu: "menu", drag: "drag" };

/** An encode that runs, in the place of a status: how far it is, at once when that changes. */
function Running({ task }) {
  const encode = useStore(live, ({ encodes }) => encodes.find(({ id }) => id === task.id));
  const progress = encode?.progress ?? task.progress;
  const isAllStill = useStore(live, ({ queue }) => isStandingStill(queue));
  const isFrozen = isAllStill || (encode?.frozen ?? task.frozen);
  const isKnown = progress?.percent != null;
  return fe`
    <span class="running ${isFrozen ? "frozen" : ""}">
      <${Bar} percent=${progress?.percent ?? null} label="Encoded" tone=${isFrozen ? "waiting" : "running"} />
      <span class="detail number">
        ${isFrozen ? "Frozen " : fe`<span class=${isKnown ? "wide-only" : ""}>${stage(progress?.stage)} </span>`}
        ${isKnown && percent(progress.percent)}
        ${!isFrozen && progress?.fps != null && fe`<span class="wide-only"> · ${fps(progress.fps)}</span>`}
        ${!isFrozen && progress?.seconds_left != null && ` · ${duration(progress.seconds_left)} left`}
      </span>
    </span>
  `;
}

/** Why a task is as it is, in words; null when there is nothing to say. */
const reasonOf = (task) => {
  const text = task.error ?? task.reason;
  return text ? sentence(shownPath(text)) : null;
};

const State = ({ task }) => {
  if (task.status === "processing") return fe`<${Running} task=${task} />`;
  const reason = reasonOf(task);
  return fe`<${Status} task=${task} />${reason && fe`<span class="detail" title=${reason}>${reason}</span>`}`;
};

/** The moment of a task that matters: when it ended, began, or came. */
const momentOf = (task) => task.ended ?? task.started ?? task.added;

const Sizes = ({ task }) => {
  const { size_before_bytes: before, size_after_bytes: after } = task;
  if (task.status !== "processed" || after === null) return fe`<span class="number">${bytes(before)}</span>`;
  return fe`
    <span class="number"><span class="was">${bytes(before)} → </span>${bytes(after)}</span>
    <span class="number ${after < before ? "saved" : ""}">${change(before, after)}</span>
  `;
};

const Cells = ({ task, isChosen, mayChoose, hasMenu, hasGrip, nowMs }) => {
  const name = shownPath(task.path);
  const moment = momentOf(task);
  // What came after the clock's last beat is no thing of the future.
  const { text, title } = when(moment, Math.max(nowMs, Date.parse(moment) || 0));
  return fe`
    ${
      mayChoose &&
      fe`
      <div class="cell cell-choose" role="gridcell">
        <input type="checkbox" tabIndex="-1" data-does=${DOES.choose} checked=${isChosen} aria-label="Choose ${name}" />
      </div>
    `
    }
    <div class="cell cell-name" role="gridcell">
      <a href="/tasks/${encodeURIComponent(task.id)}" tabIndex="-1"><${Name} path=${task.path} /></a>
    </div>
    <div class="cell cell-state" role="gridcell"><${State} task=${task} /></div>
    <div class="cell cell-priority number" role="gridcell">
      ${task.priority !== 0 && fe`<span title="Priority">${task.priority > 0 && "+"}${task.priority}</span>`}
    </div>
    <div class="cell cell-height number" role="gridcell">${task.resolution ?? "–"}</div>
    <div class="cell cell-size" role="gridcell"><${Sizes} task=${task} /></div>
    <div class="cell cell-time number" role="gridcell" title=${title}>${text}</div>
    <div class="cell cell-does" role="gridcell">
      ${hasGrip && fe`<span class="grip" data-does=${DOES.drag} title="Drag to reorder"></span>`}
      ${
        hasMenu &&
        fe`
        <button type="button" class="icon-button quiet dots" tabIndex="-1" data-does=${DOES.menu} aria-haspopup="menu"
          aria-label="What to do with ${name}" title="More"></button>
      `
      }
    </div>
  `;
};

const Unread = () => fe`
  <div class="cell cell-name" role="gridcell">
    <span class="skeleton"></span><span class="visually-hidden">Not read yet</span>
  </div>
`;

/**
 * `task`: null while it is not known. `mayChoose`: it has a box to choose it; `hasMenu`, `hasGrip`: a button for its
 * menu, and something to drag it by. `nowMs`: the clock, for "5 min ago".
 */
class Row extends d {
  shouldComponentUpdate(next) {
    return !shallowEqual(this.props, next);
  }

  render({ number, topPx, isActive, isDragged = false, ...cells }) {
    const { task, isChosen = false, mayChoose } = cells;
    const kinds = { unread: task === null, chosen: isChosen, dragged: isDragged };
    const classes = Object.keys(kinds).filter((kind) => kinds[kind]);
    return fe`
      <div class="row ${classes.join(" ")}" role="row" aria-rowindex=${number + 2}
        aria-selected=${mayChoose ? isChosen : undefined}
        tabIndex=${isActive ? 0 : -1} data-row=${number} style=${{ transform: `translateY(${topPx}px)` }}>
        ${
          task === null
            ? fe`<${Unread} />`
            : fe`<${Cells} ...${cells} />`
        }
      </div>
    `;
  }
}

// Which rows are chosen.
//
// Promises: pure, and a changed selection is a new one; it holds tasks, not places, so that a change of order changes
// no choice; "all" is the whole filter, however many rows of it were ever seen, but for those taken out again.
// Never in here: the DOM, requests.

/** More cannot be chosen one by one, or by a range: so many ids the API takes at once. */
const CHOSEN_LIMIT = 10_000;

/**
 * `tasks`: chosen ones by id. `all`: the whole filter is chosen, and `tasks` are those taken out of it. `anchor`: the
 * row that a range begins at, or null.
 */
const NONE = { all: false, tasks: new Map(), anchor: null };

const isChosen = (selection, id) => selection.tasks.has(id) !== selection.all;

/** How many rows of a list with `total` rows. */
const countChosen = ({ all, tasks }, total) => (all ? Math.max(0, total - tasks.size) : tasks.size);

const only = (task, row) => ({ all: false, tasks: new Map([[task.id, task]]), anchor: row });

const everything = (anchor) => ({ all: true, tasks: new Map(), anchor });

/** With a row taken in or out. */
function toggled(selection, task, row) {
  const tasks = new Map(selection.tasks);
  if (!tasks.delete(task.id)) tasks.set(task.id, task);
  return { ...selection, tasks, anchor: row };
}

/** Exactly these. */
const range = (tasks, anchor) => ({ all: false, tasks: new Map(tasks.map((task) => [task.id, task])), anchor });

/** The rows from the anchor to a row, half open. */
const rowsTo = (anchor, row) => ({ first: Math.min(anchor, row), end: Math.max(anchor, row) + 1 });

/** With a task as it is now: what may be asked of the selection depends on it. */
function withTask(selection, task) {
  if (!selection.tasks.has(task.id)) return selection;
  return { ...selection, tasks: new Map(selection.tasks).set(task.id, task) };
}

/** Without a task that is no longer there. */
function without(selection, id) {
  if (!selection.tasks.has(id)) return selection;
  const tasks = new Map(selection.tasks);
  tasks.delete(id);
  return { ...selection, tasks };
}

// What stands above a list: its tabs, search, resolution and order; and what is done with chosen rows.
// Never in here: what a filter means (`filter.js`), what is done (`orders.js`).


const ALL_HEIGHTS = "all";

/** `counts`: how many a tab has, by its key; null while that is not known. */
const StateTabs = ({ tabs, filter, address, counts }) => fe`
  <${Tabs} label="States" current=${address(filter)} tabs=${tabs.map((tab) => ({
    href: address(tab === filter.tab ? filter : inTab(filter, tab)),
    text: tab.title,
    count: counts ? count(counts[tab.key]) : undefined,
  }))} />
`;

/** `heights`: resolutions to choose from; `sorts`: of filter.js; `children`: further choices. */
function FilterLine({ filter, setFilter, heights, sorts, children }) {
  const search = Q(null);
  const [isOpen, setOpen] = G(false);
  J(() => {
    if (new URLSearchParams(location.search).has("search")) search.current.focus();
  }, []);
  const heightOptions = [
    { value: ALL_HEIGHTS, text: "Every resolution" },
    ...heights.map((height) => ({ value: String(height), text: String(height) })),
  ];
  const sortOptions = sorts.map(({ key, title }) => ({ value: key, text: title }));
  const chooseHeight = (value) => setFilter({ ...filter, height: value === ALL_HEIGHTS ? null : Number(value) });
  return fe`
    <div class="list-filter ${isOpen ? "open" : ""}">
      <input class="input list-search" type="search" ref=${search} placeholder="Search"
        aria-label="Search by name or folder" value=${filter.text}
        onInput=${(event) => setFilter({ ...filter, text: event.currentTarget.value })} />
      <${IconButton} icon="filter" label="Resolution and order" aria-expanded=${isOpen}
        onClick=${() => setOpen(!isOpen)} />
      <${Select} bare label="Resolution" options=${heightOptions} value=${String(filter.height ?? ALL_HEIGHTS)}
        onChange=${chooseHeight} />
      <${Select} bare label="Order" options=${sortOptions} value=${filter.sort}
        onChange=${(sort) => setFilter({ ...filter, sort })} />
      ${children}
    </div>
  `;
}

/** What sticks to the top of the screen above a list; `--tools-height` is its height. */
function StickyTools({ children }) {
  const tools = Q(null);
  K(() => {
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => style.setProperty("--tools-height", `${tools.current.offsetHeight}px`));
    observer.observe(tools.current);
    return () => observer.disconnect();
  }, []);
  return fe`<div class="list-tools" ref=${tools}>${children}</div>`;
}

/**
 * What can be done with chosen rows, in the place of the filter. `chosen`: how many; `total`: of the list; `items`: of
 * the menu.
 */
function ChosenBar({ chosen, total, isAll, target, items, onAll, onNone }) {
  const is = (action) => isPossible(target, action);
  return fe`
    <div class="chosen-bar" role="region" aria-label="Chosen files">
      <${IconButton} icon="cancel" label="Choose none" onClick=${onNone} />
      <p role="status"><b class="number">${counted(chosen, "file")}</b> chosen</p>
      ${!isAll &&
      chosen < total &&
      fe`<${Button} tone="quiet" class="wide-only" onClick=${onAll}>Choose all ${count(total)}<//>`}
      <span class="chosen-does">
        ${is("retry") && fe`<${Button} icon="retry" onClick=${() => retry(target)}>Encode again<//>`}
        ${is("cancel") && fe`<${Button} tone="danger" icon="cancel" onClick=${() => cancel(target)}>Cancel<//>`}
        <${Menu} label="More for chosen files" items=${items} />
      </span>
    </div>
  `;
}

// Which rows of a list are chosen, and which one is active: by click, by key, by finger.
//
// Promises: another filter begins with nothing chosen, and what the filter shows no more is not chosen; the active row
// stays with its task when the order changes.
// Never in here: what is done with chosen rows.


/**
 * `{selection, count, choose, chooseTo, chooseOnly, chooseAll, chooseNone}` of a list. `chooseTo(row, from)`: what lies
 * between `row` and the row that was chosen last, or `from` when there is none.
 */
function useSelection({ list, filter, source }) {
  const [selection, setSelection] = G(NONE);
  const chosenIn = Q(filter);
  J(() => {
    if (chosenIn.current !== filter) setSelection(NONE);
    chosenIn.current = filter;
  }, [filter]);
  J(() => {
    const ends = [
      live.onTask((task) => {
        setSelection((before) => (shows(filter, task) ? withTask(before, task) : without(before, task.id)));
      }),
      live.onRemoved((id) => setSelection((before) => without(before, id))),
      // Nobody knows any more how chosen ones are.
      live.onReset(() => setSelection((before) => (before.all ? before : NONE))),
    ];
    return () => ends.forEach((end) => end());
  }, [filter]);
  const chooseTo = async (row, from = row) => {
    const anchor = selection.anchor ?? from;
    const rows = rowsTo(anchor, row);
    if (rows.end - rows.first > CHOSEN_LIMIT) {
      return toast(
        `At most ${counted(CHOSEN_LIMIT, "row")} can be chosen at once; narrow the list by a filter and choose all of it`,
      );
    }
    const tasks = await source.tasksOf(rows);
    return setSelection(range(tasks, anchor));
  };
  const chooseOnly = (row) => {
    const task = taskAt(list, row);
    const isAlone = countChosen(selection, list.total) === 1 && isChosen(selection, task.id);
    setSelection(isAlone ? NONE : only(task, row));
  };
  return {
    selection,
    count: countChosen(selection, list.total ?? 0),
    choose: (row) => setSelection((before) => toggled(before, taskAt(list, row), row)),
    chooseTo,
    chooseOnly,
    chooseAll: () => setSelection(everything(0)),
    chooseNone: () => setSelection(NONE),
  };
}

/**
 * `{active, focus, goTo, stayAt}`: `active` is the row that Tab comes to; `goTo(row)` moves there with the focus,
 * `stayAt(row)` without.
 */
function useActive(list, body) {
  const [{ row, id }, setActive] = G({ row: 0, id: null });
  const focus = Q(null);
  const found = id === null ? -1 : rowOf(list, id);
  const active = found >= 0 ? found : Math.max(0, Math.min(row, (list.total ?? 1) - 1));
  const stayAt = (to) => setActive({ row: to, id: taskAt(list, to)?.id ?? null });
  const goTo = (to, task = taskAt(list, to)) => {
    focus.current = "move";
    setActive({ row: to, id: task?.id ?? null });
  };
  return { active, focus, goTo, stayAt };
}

// Where the rows of a long list come from: pages fetched when they are seen, and fetched anew when they may have
// changed.
//
// Promises: never more than MOST_REQUESTS at once, and none for what is not seen any more; what was known stays shown
// until the new answer is there; changes that come close together are one request; a task that changes in its row does
// so without any; what was moved here stays where it was put until the service has answered to that.
// Never in here: the DOM, what a filter means (`filter.js`), the event stream.


const MOST_REQUESTS = 3;
/** The API answers with so many at once. */
const MOST_ROWS = 500;
/** From a change to the request, so that those of one moment are one; and from one such request to the next. */
const SOON_MS = 40;
const AGAIN_MS = 150;
/** What is seen of a list that has just come. */
const TOP = { first: 0, end: 1 };

/**
 * A list's source. `fetchPage(filter, {offset, limit}, signal)` answers with `{tasks, total}`. `clock`: `{now,
 * wait(fn, ms), cancel(timer)}`.
 *
 * Its `store` has `{filter, list, isOld, problem}`: `isOld` while the rows are still those of the filter before;
 * `problem` is why the last request failed, or null.
 */
function createSource(fetchPage, clock) {
  const store = createStore({ filter: null, list: NOTHING, isOld: false, problem: null });
  const requests = new Map();
  let range = TOP;
  let version = 0;
  /** Answers that were asked for before this version do not know of a move that is shown. */
  let movedVersion = 0;
  /** Moves that the service has not answered yet. */
  let movesUnderWay = 0;
  let timer = null;
  let fetchedMs = -Infinity;

  const change = (part) => store.update((state) => ({ ...state, ...part }));

  function wantedPages() {
    const { list, isOld } = store.get();
    const isStale = ({ isStale }) => isStale && movesUnderWay === 0;
    const isWanted = (page) => isOld || !list.pages.has(page) || isStale(list.pages.get(page));
    return list.total && !isOld ? pagesToFetch(range, list.total, isWanted) : [0].filter(isWanted);
  }

  function fetchWanted() {
    const wanted = wantedPages();
    for (const [page, request] of requests) {
      if (wanted.includes(page)) continue;
      request.abort();
      requests.delete(page);
    }
    for (const page of wanted) {
      if (requests.size >= MOST_REQUESTS) return;
      if (!requests.has(page)) fetchOne(page);
    }
  }

  async function fetchOne(page) {
    const request = new AbortController();
    const { filter } = store.get();
    const asked = version;
    requests.set(page, request);
    try {
      const answer = await fetchPage(filter, { offset: page * PAGE_ROWS, limit: PAGE_ROWS }, request.signal);
      if (request.signal.aborted) return;
      requests.delete(page);
      take(page, answer, asked);
    } catch (problem) {
      if (request.signal.aborted) return;
      requests.delete(page);
      change({ problem });
    }
  }

  function take(page, answer, asked) {
    const { list: before, isOld } = store.get();
    if (!isOld && asked < movedVersion && before.pages.has(page)) return fetchWanted();
    const list = withPage(isOld ? NOTHING : before, page, answer);
    change({ list: asked === version ? list : allStale(list), isOld: false, problem: null });
    fetchWanted();
  }

  function abortAll() {
    for (const request of requests.values()) request.abort();
    requests.clear();
  }

  /** Shows a filter; the request for another one before is given up. */
  function show(filter) {
    const { filter: before, list } = store.get();
    if (before !== null && isSame(before, filter)) return fetchWanted();
    abortAll();
    change({ filter, isOld: list.total !== null, problem: null });
    range = TOP;
    fetchWanted();
  }

  /** These rows are on screen now. */
  function see(rows) {
    range = rows;
    const { list, isOld, problem } = store.get();
    if (isOld || list.total === null) return;
    const far = pagesToDrop([...list.pages.keys()], range);
    if (far.length > 0) change({ list: withoutPages(list, far) });
    if (problem === null) fetchWanted();
  }

  /** Any row may have changed. */
  function changed() {
    version += 1;
    change({ list: allStale(store.get().list) });
    if (timer !== null) return;
    const due = Math.max(SOON_MS, fetchedMs + AGAIN_MS - clock.now());
    timer = clock.wait(() => {
      timer = null;
      fetchedMs = clock.now();
      fetchWanted();
    }, due);
  }

  /** A task is now like this. */
  function taskChanged(task) {
    const { filter, list } = store.get();
    if (filter === null) return;
    const result = withTask$1(list, task, { sort: filter.sort, isShown: shows(filter, task) });
    change({ list: result.list });
    if (result.isMoved) changed();
  }

  /**
   * Tasks are being moved before row `gap`: shown at once where all rows between are known, until `moveAnswered`, which
   * must follow, and the service says how they stand. Whether it is shown.
   */
  function moved(ids, gap) {
    const { list } = store.get();
    const after = withMoved(list, ids, gap);
    version += 1;
    movedVersion = version;
    movesUnderWay += 1;
    change({ list: after });
    return after !== list;
  }

  /** The service has answered to one of these moves. */
  function moveAnswered() {
    movesUnderWay -= 1;
    changed();
    movedVersion = version;
  }

  /** The tasks of rows `first` to before `end`, from the service where they are not known. */
  async function tasksOf({ first, end }) {
    const { list, filter } = store.get();
    const known = Array.from({ length: end - first }, (_, at) => taskAt(list, first + at));
    if (!known.includes(null)) return known;
    const tasks = [];
    while (tasks.length < end - first) {
      const limit = Math.min(MOST_ROWS, end - first - tasks.length);
      const page = await fetchPage(filter, { offset: first + tasks.length, limit }, null);
      if (page.tasks.length === 0) break;
      tasks.push(...page.tasks);
    }
    return tasks;
  }

  /** Tries once more after a problem. */
  function again() {
    change({ problem: null });
    fetchWanted();
  }

  /** Nobody looks any more. */
  function rest() {
    abortAll();
    clock.cancel(timer);
    timer = null;
    change({ list: allStale(store.get().list) });
  }

  return { store, show, see, changed, taskChanged, moved, moveAnswered, tasksOf, again, rest };
}

// A long list in a view: its filter from the address, its rows live, and the place where one was.
//
// Promises: one who comes back finds the list as it was, at the same place, and then as it is now.
// Never in here: how rows look, what is done with them.


const CLOCK_MS = 30_000;

const clock = {
  now: () => performance.now(),
  wait: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
};

/** What a view keeps while it is not shown. `path`: its address. `archived`: its list has the archives too. */
function createKept({ path, tabs, archived }) {
  const fetchPage = async (filter, { offset, limit }, signal) => {
    // What changes before the stream is open is in the answer then, and what changes after it in the stream.
    await live.opened();
    const query = { ...whichTasks(filter), sort: filter.sort, offset, limit, archived: archived || null };
    return api.get("/tasks", { query, signal });
  };
  return { path, tabs, source: createSource(fetchPage, clock), scrolledPx: 0 };
}

/** `{filter, state, setFilter, address}`: `state` is that of the source's store; `address(filter)`. */
function useList(kept) {
  const { path, tabs, source } = kept;
  const { query } = useRoute();
  const state = useStore(source.store);
  const search = new URLSearchParams(query).toString();
  const filter = Y(() => filterOf(search, tabs), [search]);
  J(() => source.show(filter), [filter]);
  J(() => {
    const ends = [live.onTask(source.taskChanged), live.onRemoved(source.changed), live.onReset(source.changed)];
    return () => {
      for (const end of ends) end();
      source.rest();
    };
  }, []);
  useKeptPlace(kept, state.list.total !== null);
  const address = (changed) => addressOf(path, changed, tabs);
  const setFilter = (changed) => {
    if (window.scrollY > 0) window.scrollTo(0, 0);
    go(address(changed), { replace: true, stay: true });
  };
  return { filter, state, setFilter, address };
}

/** Scrolls to where one was as soon as there are rows. */
function useKeptPlace(kept, hasRows) {
  K(() => {
    if (!hasRows) return undefined;
    if (kept.scrolledPx > 0) window.scrollTo(0, kept.scrolledPx);
    // Elsewhere the page scrolls to its own top while this view is still being taken down.
    const keep = () => {
      if (location.pathname === kept.path) kept.scrolledPx = window.scrollY;
    };
    // Before rows are drawn by the same event: asking where one is would then lay out the page once more.
    window.addEventListener("scroll", keep, { passive: true, capture: true });
    return () => window.removeEventListener("scroll", keep, { capture: true });
  }, [hasRows]);
}

/** The time, in ms, often enough for "5 min ago". */
function useNow() {
  const [nowMs, setNowMs] = G(Date.now);
  J(() => {
    const timer = setInterval(() => setNowMs(Date.now()), CLOCK_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

// What keys do while the focus is on a row.
//
// Promises: pure; keys that the browser or a screen reader has plans for are left alone.
// Never in here: what a command does.

const GOES = {
  ArrowUp: "up",
  ArrowDown: "down",
  PageUp: "pageUp",
  PageDown: "pageDown",
  Home: "first",
  End: "last",
};
const MOVES = { ArrowUp: "up", ArrowDown: "down", Home: "top", End: "end" };
const PLAIN = {
  x: { kind: "choose" },
  Enter: { kind: "open" },
  Delete: { kind: "cancel" },
  Escape: { kind: "chooseNone" },
  " ": { kind: "pause" },
  ContextMenu: { kind: "menu" },
  ArrowRight: { kind: "across", by: 1 },
  ArrowLeft: { kind: "across", by: -1 },
};

/**
 * What a key asks for, or null: `{kind: "go", to, extends}`, `{kind: "move", to}`, `{kind: "across", by}`, or one of
 * the kinds `choose`, `chooseAll`, `chooseNone`, `open`, `cancel`, `pause` and `menu`.
 */
function commandOf({ key, altKey, ctrlKey, metaKey, shiftKey }) {
  if (ctrlKey || metaKey) return key === "a" && !altKey ? { kind: "chooseAll" } : null;
  if (altKey) return MOVES[key] ? { kind: "move", to: MOVES[key] } : null;
  if (GOES[key]) return { kind: "go", to: GOES[key], extends: shiftKey };
  if (shiftKey) return key === "F10" ? { kind: "menu" } : null;
  return PLAIN[key] ?? null;
}

/** The row that one comes to from `row`; `screenRows` are on a screen. */
function rowAfter(to, row, count, screenRows) {
  const wanted = {
    up: row - 1,
    down: row + 1,
    pageUp: row - screenRows,
    pageDown: row + screenRows,
    first: 0,
    last: count - 1,
  };
  return Math.max(0, Math.min(count - 1, wanted[to]));
}

/**
 * The gap that `rows` of a list are moved into; the ends of the list are those of what waits, `first` to before
 * `count`.
 */
function gapAfter(to, rows, first, count) {
  const wanted = { up: Math.min(...rows) - 1, down: Math.max(...rows) + 2, top: first, end: count };
  return Math.max(first, Math.min(count, wanted[to]));
}

/** Whether rows that stand together are put where they are; of one that is not known (-1) nobody can tell. */
const stays = (rows, gap) => {
  if (rows.includes(-1)) return false;
  const first = Math.min(...rows);
  const last = Math.max(...rows);
  return last - first === rows.length - 1 && gap >= first && gap <= last + 1;
};

// What can be done with chosen tasks, as the lines of a menu.
//
// Promises: only what is possible for some of them is there; the same words for one task and for many.
// Never in here: how it is done (`orders.js`).


/** Browsers let only pages on TLS, or on this machine, write what is copied. */
const mayCopy = Boolean(navigator.clipboard);

const line = (isShown, items) => (isShown ? [null, ...items] : items);

/** Lines with a rule between parts that are not empty. */
const parts = (...all) =>
  all
    .map((part) => part.filter(Boolean))
    .filter((part) => part.length > 0)
    .flatMap((part, at) => line(at > 0, part));

/**
 * `target`: of target.js. `task`: the one that the menu is for, or null. `ask`: opens a dialog, "priority" or "height".
 * `move(to)`: reorders by "up", "down", "top", "end"; null where the order is not that of encoding. `chooseAll`: null
 * where all is chosen already.
 */
function menuItems({ target, task, ask, move, chooseAll }) {
  const is = (action) => isPossible(target, action);
  const isOne = target.kind === "tasks" && target.tasks.length === 1;
  const of = (action, before = "") => (isOne ? "" : `${before} ${counted(countOf(target, action), "file")}`);
  return parts(
    [
      isOne && {
        text: "Open",
        icon: "file",
        hint: "Enter",
        onSelect: () => go(`/tasks/${encodeURIComponent(task.id)}`),
      },
    ],
    move && task && is("reorder")
      ? [
          { text: "Encode next", icon: "top", hint: "Alt+Home", onSelect: () => move("top") },
          { text: "Move up", icon: "up", hint: "Alt+↑", onSelect: () => move("up") },
          { text: "Move down", icon: "down", hint: "Alt+↓", onSelect: () => move("down") },
          { text: "Encode last", icon: "bottom", hint: "Alt+End", onSelect: () => move("end") },
        ]
      : [],
    [
      isOne && mayBe("freeze", task) && { text: "Freeze", icon: "freeze", onSelect: () => freeze(task) },
      isOne && mayBe("thaw", task) && { text: "Go on", icon: "play", onSelect: () => thaw(task) },
      is("priority") && {
        text: `Priority${of("priority", " of")}…`,
        icon: "sort",
        onSelect: () => ask("priority"),
      },
      is("move") && {
        text: `Other resolution${of("move", " for")}…`,
        icon: "film",
        onSelect: () => ask("height"),
      },
      is("retry") && { text: `Encode${of("retry")} again`, icon: "retry", onSelect: () => retry(target) },
      is("retry_forced") && {
        text: `Encode${of("retry_forced")} again, even if larger`,
        icon: "retry",
        onSelect: () => retry(target, "retry_forced"),
      },
      isOne && mayCopy && { text: "Copy the path", icon: "copy", onSelect: () => copyPath(task) },
      chooseAll && { text: "Choose all", icon: "check", hint: "Ctrl+A", onSelect: chooseAll },
    ],
    [
      is("cancel") && {
        text: `Cancel${of("cancel")}`,
        icon: "cancel",
        tone: "danger",
        hint: "Del",
        onSelect: () => cancel(target),
      },
    ],
  );
}

/** The lines of one task for who may choose nothing: in the history, or may only look. */
const fewItems = (task, mayRetry = false) =>
  parts(
    [{ text: "Open", icon: "file", hint: "Enter", onSelect: () => go(`/tasks/${encodeURIComponent(task.id)}`) }],
    [
      mayRetry && { text: "Encode again", icon: "retry", onSelect: () => retry(one(task)) },
      mayCopy && { text: "Copy the path", icon: "copy", onSelect: () => copyPath(task) },
    ],
  );

// A finger that stays: the menu of a row.
//
// Promises: a finger that moves scrolls, and opens nothing; what comes after a long press is no click.
// Never in here: what the menu has.


const LONG_MS = 500;
const SLACK_PX = 10;

/** `open(row, element)`. Answers with `{begin(event), end}`: for a pointer that goes down, and when it is open already. */
function useLongPress(open) {
  const stop = Q(() => {});
  J(() => () => stop.current(), []);

  function begin(event) {
    stop.current();
    const row = event.target.closest?.("[data-row]");
    if (event.pointerType !== "touch" || !row || event.target.closest("button, input, .grip")) return;
    const timer = setTimeout(() => {
      stop.current();
      swallowNext();
      open(Number(row.dataset.row), row);
    }, LONG_MS);
    const moved = ({ clientX, clientY }) => {
      if (Math.hypot(clientX - event.clientX, clientY - event.clientY) > SLACK_PX) stop.current();
    };
    const listeners = { pointermove: moved, pointerup: () => stop.current(), pointercancel: () => stop.current() };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener);
    stop.current = () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener);
    };
  }

  return { begin, end: () => stop.current() };
}

/** The finger is still down: when it goes up, the browser tells of a click where it was. */
function swallowNext() {
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const after = ["mousedown", "click"];
  for (const name of after) window.addEventListener(name, swallow, true);
  const release = () => setTimeout(() => after.forEach((name) => window.removeEventListener(name, swallow, true)), 100);
  window.addEventListener("pointerup", release, { once: true });
  window.addEventListener("pointercancel", release, { once: true });
}

// What every list's rows do when they are clicked, reached by keys, or asked for their menu.
//
// Promises: a link is followed as a link; a row's menu opens by right click, long press, its button, and by keys; what
// fails is shown.
// Never in here: what only some lists do: choosing, moving (the caller's `click` and `commands`).


/** Rows that stay on screen when one goes on by a screen. */
const OVERLAP_ROWS = 4;

/** How far Page Down goes. */
const rowsOnScreen = (rowPx) => Math.max(1, Math.floor(window.innerHeight / rowPx) - OVERLAP_ROWS);

const showFailure = (problem) => void toast(problem.message, { tone: "failed" });

const rowOfEvent = (event) => {
  const row = event.target.closest?.("[data-row]");
  return row ? Number(row.dataset.row) : null;
};

const isPlain = ({ button, metaKey, ctrlKey, shiftKey, altKey }) =>
  button === 0 && !metaKey && !ctrlKey && !shiftKey && !altKey;

/** Moves the focus between what a row has. */
function goAcross({ by }, _row, event) {
  const element = event.target.closest("[data-row]");
  const stops = [element, ...element.querySelectorAll("a, input, button")];
  stops[stops.indexOf(event.target) + by]?.focus({ preventScroll: true });
}

/**
 * The handlers of a grid. `openFor(task, where)` opens a menu; `click(row, event, does)`: of a row, where it was no
 * link and no menu; `commands`: by their kind in keys.js, each `(command, row, event)`, may answer with a promise.
 */
function useRowEvents({
  list,
  rowPx,
  activity,
  openFor,
  click = () => {},
  commands = {},
  pointerDown = () => {},
}) {
  const open = (row, where) => {
    const task = taskAt(list, row);
    if (task === null) return;
    activity.stayAt(row);
    openFor(task, where);
  };
  const press = useLongPress(open);
  /** To a task, which then knows the rows around it. */
  const goTo = (address, row) => {
    keepNeighbours((at) => taskAt(list, at)?.id ?? null, row);
    go(address);
  };
  const all = {
    go: ({ to }, row) => activity.goTo(rowAfter(to, row, list.total, rowsOnScreen(rowPx))),
    across: goAcross,
    open: (_, row) => goTo(`/tasks/${encodeURIComponent(taskAt(list, row).id)}`, row),
    menu: (_, row, event) => open(row, event.target.closest("[data-row]")),
    ...commands,
  };

  const onClick = (event) => {
    const row = rowOfEvent(event);
    if (row === null || taskAt(list, row) === null) return;
    const link = event.target.closest("a");
    const pressed = event.target.closest("[data-does]");
    if (link && isPlain(event)) {
      event.preventDefault();
      goTo(link.getAttribute("href"), row);
    } else if (pressed?.dataset.does === DOES.menu) {
      open(row, pressed);
    } else if (!link) {
      Promise.resolve(click(row, event, pressed?.dataset.does)).catch(showFailure);
    }
  };

  const onKeyDown = (event) => {
    const row = rowOfEvent(event);
    const command = commandOf(event);
    const does = command && all[command.kind];
    // What has the focus inside a row has its own use for these.
    const isInside = event.target.dataset.row === undefined && [" ", "Enter"].includes(event.key);
    if (row === null || !does || isInside || (taskAt(list, row) === null && command.kind !== "go")) return;
    event.preventDefault();
    Promise.resolve(does(command, row, event)).catch(showFailure);
  };

  const onContextMenu = (event) => {
    const row = rowOfEvent(event);
    if (row === null) return;
    press.end();
    // By a key the event has no place, and the key has opened the menu already.
    if (event.clientX > 0 || event.clientY > 0) open(row, event);
    else event.preventDefault();
  };

  const onPointerDown = (event) => {
    pointerDown(event);
    press.begin(event);
  };

  // In lower case: elements have no property of this name, and Preact listens to what it finds none for as it is written.
  const onfocusin = ({ target }) => {
    const row = target.dataset.row;
    if (row !== undefined && Number(row) !== activity.active) activity.stayAt(Number(row));
  };

  return { onClick, onKeyDown, onContextMenu, onPointerDown, onfocusin };
}

export { ChosenBar, DOES, FilterLine, Grid, HISTORY_TABS, QUEUE_TABS, Row, SORTS, StateTabs, StickyTools, allOf, cancel, clearFinished, clearWaiting, countIn, countOf, createKept, dragScroll, fewItems, firstWaiting, gapAfter, gapAt, isChosen, isNarrowed, isPossible, menuItems, moveTo, ofSelection, one, pause, possibleTasks, putBefore, resume, retryAllFailed, rowAfter, rowOf, rowsOnScreen, runningRows, scan, setPriority, showFailure, stays, taskAfterGap, taskAt, useActive, useList, useNow, useRowEvents, useRowHeight, useSelection, whichTasks };
