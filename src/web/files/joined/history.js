import { mayBe } from './allowed.js';
import { bytes, counted, count, change, G, K, fe, Q, shownPath, Button, Empty, useStore, live, useAnswer, api, Heading, Failure, Skeleton, Icon, Select, address, openMenu } from './app.js';
import { useList, useRowHeight, useNow, useActive, useRowEvents, StickyTools, StateTabs, HISTORY_TABS, FilterLine, isNarrowed, Grid, Row, countIn, SORTS, createKept, allOf, whichTasks, fewItems } from './use-row-events.js';
import './neighbours.js';
import './film.js';

// The geometry of the history's charts: from numbers to places in a picture.
//
// Promises: pure; lengths are in the picture's own units; a chart of nothing, of one value and of zeros is well formed.
// Never in here: the DOM, colours, what the numbers are called.

/**
 * Round numbers from 0 to at least `highest`, in at most `most` steps of 1, 2 or 5 times a power of ten. At least one
 * step.
 */
function ticks(highest, most) {
  if (!(highest > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(highest / most));
  const step = [1, 2, 5, 10, 20].map((times) => times * power).find((size) => Math.ceil(highest / size) <= most);
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, number) => number * step);
}

/** From values between 0 and `highest` to lengths between 0 and `length`. */
const linear = (highest, length) => (value) => (highest > 0 ? (value / highest) * length : 0);

/**
 * What became of some bytes: `left` of those before, `saved`, and `grown` beyond what they were. One of the last two is
 * 0.
 */
function parts({ before_bytes: before, after_bytes: after }) {
  return { left: Math.min(before, after), saved: Math.max(0, before - after), grown: Math.max(0, after - before) };
}

/**
 * Standing bars over a width, one for each sum: `{x, width, left, saved, grown}`, of which the last three are
 * `{y, height}` in a picture that is `height` high with 0 at its foot.
 */
function standingBars(sums, { width, height, highest }) {
  const place = width / Math.max(1, sums.length);
  const barWidth = Math.max(1, Math.min(place - Math.min(6, place * 0.3), 40));
  const toLength = linear(highest, height);
  return sums.map((sum, number) => {
    const { left, saved, grown } = parts(sum);
    const leftHeight = toLength(left);
    const above = (bytes) => ({ y: height - leftHeight - toLength(bytes), height: toLength(bytes) });
    return {
      x: number * place + (place - barWidth) / 2,
      width: barWidth,
      place: { x: number * place, width: place },
      left: { y: height - leftHeight, height: leftHeight },
      saved: above(saved),
      grown: above(grown),
    };
  });
}

/** Which of `count` bars have a label below, so that labels of `labelWidth` do not touch: the last one always has. */
function labelled(count, width, labelWidth) {
  const every = Math.max(1, Math.ceil((labelWidth * count) / Math.max(1, width)));
  return Array.from({ length: count }, (_, number) => number).filter((number) => (count - 1 - number) % every === 0);
}

// What was saved, in words, as charts and headings say it.
// Never in here: the DOM.


const files = (number) => counted(number, "file");

/** "12.4 TB became 5.1 TB: 7.3 TB saved in 8,231 files", for a sum of the report. */
function inWords({ files: number, before_bytes: before, after_bytes: after, saved_bytes: saved }) {
  if (number === 0) return "nothing compressed";
  const outcome = saved >= 0 ? `${bytes(saved)} saved` : `${bytes(-saved)} more`;
  return `${bytes(before)} became ${bytes(after)}: ${outcome} in ${files(number)}`;
}

/** What there is beside: "312 left as they are, 4 failed", or "". */
function besides({ skipped, failed, cancelled }) {
  const parts = [
    [skipped, `left as ${skipped === 1 ? "it is" : "they are"}`],
    [failed, "failed"],
    [cancelled, "cancelled"],
  ];
  return parts
    .filter(([number]) => number > 0)
    .map(([number, text]) => `${count(number)} ${text}`)
    .join(", ");
}

/** As "−59 %", for a sum of the report. */
const inPercent = ({ before_bytes: before, after_bytes: after }) => change(before, after);

// Sums by time as standing bars, with a table that says the same.
//
// Promises: a bar is as high as the files were, grey for what is left of them and green for what was saved; arrow keys
// go from bar to bar, and each says its numbers to eyes and to screen readers alike.
// Never in here: which sums there are.


const HEIGHT_PX = 168;
/** For the numbers at the left, the labels below, half a number above, and half a label at the right. */
const MARGIN_PX = { left: 56, bottom: 24, top: 10, right: 20 };
const LABEL_PX = 56;
const MOST_TICKS = 4;

/** The width of an element, in px; 0 until it is known. */
function useWidth(element) {
  const [widthPx, setWidthPx] = G(0);
  K(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setWidthPx(Math.floor(contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return widthPx;
}

/** `sums`: of the report, oldest first. `short(sum)` and `long(sum)` name one. `label`: of the whole chart. */
function Chart({ sums, short, long, label, widthPx }) {
  const [shown, show] = G(null);
  const [stop, setStop] = G(sums.length - 1);
  const bars = Q(null);
  const width = Math.max(1, widthPx - MARGIN_PX.left - MARGIN_PX.right);
  const height = HEIGHT_PX - MARGIN_PX.bottom - MARGIN_PX.top;
  const steps = ticks(Math.max(...sums.map((sum) => Math.max(sum.before_bytes, sum.after_bytes)), 0), MOST_TICKS);
  const highest = steps.at(-1);
  const placed = standingBars(sums, { width, height, highest });
  const active = Math.min(stop, sums.length - 1);
  const goTo = (number) => {
    const to = Math.max(0, Math.min(sums.length - 1, number));
    setStop(to);
    bars.current.children[to].focus();
  };
  const press = (event) => {
    const to = { ArrowLeft: active - 1, ArrowRight: active + 1, Home: 0, End: sums.length - 1 }[event.key];
    if (event.key === "Escape") show(null);
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  };
  const bar = (sum, number) => {
    const { x, width: wide, place, left, saved, grown } = placed[number];
    return fe`
      <g key=${short(sum)} role="img" tabIndex=${number === active ? 0 : -1} aria-label="${long(sum)}: ${inWords(sum)}"
        onFocus=${() => {
          setStop(number);
          show(number);
        }} onBlur=${() => show(null)}
        onPointerEnter=${() => show(number)} onPointerLeave=${() => show(null)} class=${shown === number ? "shown" : ""}>
        <rect class="chart-place" x=${place.x} y="0" width=${place.width} height=${height} />
        <rect class="chart-left" x=${x} y=${left.y} width=${wide} height=${left.height} />
        <rect class="chart-saved" x=${x} y=${saved.y} width=${wide} height=${saved.height} />
        <rect class="chart-grown" x=${x} y=${grown.y} width=${wide} height=${grown.height} />
      </g>
    `;
  };
  return fe`
    <div class="chart">
      <svg width=${widthPx} height=${HEIGHT_PX} role="group" aria-label="${label}. Arrow keys go from bar to bar.">
        <g transform="translate(0 ${MARGIN_PX.top})" aria-hidden="true">
          ${steps.map((step) => {
            const y = height - (step / highest) * height;
            return fe`
              <g key=${step}>
                <line class="chart-line" x1=${MARGIN_PX.left} x2=${widthPx} y1=${y} y2=${y} />
                <text class="chart-text" x=${MARGIN_PX.left - 8} y=${y} dy="0.32em" text-anchor="end">${bytes(step)}</text>
              </g>
            `;
          })}
          ${labelled(sums.length, width, LABEL_PX).map((number) => {
            const { place } = placed[number];
            const x = MARGIN_PX.left + place.x + place.width / 2;
            const text = short(sums[number]);
        return fe`<text key=${number} class="chart-text" x=${x} y=${height + 18} text-anchor="middle">${text}</text>`;
          })}
        </g>
        <g ref=${bars} transform="translate(${MARGIN_PX.left} ${MARGIN_PX.top})" onKeyDown=${press}>${sums.map(bar)}</g>
      </svg>
      ${shown !== null && sums[shown] && fe`
        <${Tip} sum=${sums[shown]} title=${long(sums[shown])} at=${placed[shown].place} widthPx=${widthPx} />
      `}
    </div>
  `;
}

/** What a bar says; screen readers have it from the bar itself. */
const Tip = ({ sum, title, at, widthPx }) => {
  const middlePx = MARGIN_PX.left + at.x + at.width / 2;
  const side = middlePx > widthPx / 2 ? { right: `${widthPx - middlePx}px` } : { left: `${middlePx}px` };
  return fe`
    <div class="chart-tip" aria-hidden="true" style=${{ left: "auto", right: "auto", ...side }}>
      <b>${title}</b>
      <span>${inWords(sum)}</span>
      ${sum.files > 0 && fe`<span class="saved">${inPercent(sum)}</span>`}
    </div>
  `;
};

/** The same as `Chart` in a table; `head` names the first column. The newest row comes first. */
const ChartTable = ({ sums, long, head }) => fe`
  <div class="chart-table" tabIndex="0" role="region" aria-label="Savings as a table">
    <table class="table">
      <thead>
        <tr><th scope="col">${head}</th><th class="number" scope="col">Files</th>
          <th class="number" scope="col">Before</th>
          <th class="number" scope="col">After</th><th class="number" scope="col">Saved</th></tr>
      </thead>
      <tbody>
        ${[...sums].reverse().map(
          (sum) => fe`
          <tr key=${long(sum)}>
            <th scope="row">${long(sum)}</th>
            <td class="number">${count(sum.files)}</td>
            <td class="number">${bytes(sum.before_bytes)}</td>
            <td class="number">${bytes(sum.after_bytes)}</td>
            <td class="number">${bytes(sum.saved_bytes)}</td>
          </tr>
        `,
        )}
      </tbody>
    </table>
  </div>
`;

// What each folder has saved, as a table with lying bars.
// Never in here: which folders there are.


const BAR_PERCENT = 100;

/** `rows`: of `largestFolders`. `onChoose(folder)`: shows the files of one. */
function Folders({ rows, onChoose }) {
  // Many small folders together would make all bars of single ones short.
  const single = rows.filter(({ folder }) => folder !== null);
  const highest = Math.max(...single.map((row) => Math.max(row.before_bytes, row.after_bytes)), 0);
  const toLength = linear(highest, BAR_PERCENT);
  const name = ({ folder }) => {
    if (folder === null) return "All other folders";
    if (folder === "") return "Beside the folders";
    const choose = () => onChoose(folder);
    return fe`<button type="button" class="folder-name" onClick=${choose}>${shownPath(folder)}</button>`;
  };
  return fe`
    <table class="table folders">
      <thead>
        <tr><th scope="col">Folder</th><th scope="col" class="folder-bar"><span class="visually-hidden">Bar</span></th>
          <th class="number wide-only" scope="col">Files</th><th class="number wide-only" scope="col">Before</th>
          <th class="number wide-only" scope="col">After</th><th class="number" scope="col">Saved</th>
          <th class="number wide-only" scope="col">%</th></tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => fe`
          <tr key=${row.folder}>
            <th scope="row" title=${row.folder === null ? undefined : shownPath(row.folder)}>${name(row)}</th>
            <td class="folder-bar">${row.folder !== null && fe`<${LyingBar} sum=${row} toLength=${toLength} />`}</td>
            <td class="number wide-only">${count(row.files)}</td>
            <td class="number wide-only">${bytes(row.before_bytes)}</td>
            <td class="number wide-only">${bytes(row.after_bytes)}</td>
            <td class="number ${row.saved_bytes > 0 ? "saved" : ""}">${bytes(row.saved_bytes)}</td>
            <td class="number wide-only">${inPercent(row)}</td>
          </tr>
        `,
        )}
      </tbody>
    </table>
  `;
}

const LyingBar = ({ sum, toLength }) => {
  const { left, saved, grown } = parts(sum);
  return fe`
    <svg width="100%" height="12" aria-hidden="true">
      <rect class="chart-left" width="${toLength(left)}%" height="12" />
      <rect class="chart-saved" x="${toLength(left)}%" width="${toLength(saved)}%" height="12" />
      <rect class="chart-grown" x="${toLength(left)}%" width="${toLength(grown)}%" height="12" />
    </svg>
  `;
};

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
function dayIn(moment, timeZone) {
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
function weekOf(day) {
  const thursday = new Date(dateOf(day).getTime() + (3 - ((dateOf(day).getUTCDay() + 6) % 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const number = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(number).padStart(2, "0")}`;
}

/** The Monday of a week. */
function mondayOf(week) {
  const [year, number] = week.split("-W").map(Number);
  const fourth = new Date(Date.UTC(year, 0, 4));
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY_MS + (number - 1) * 7 * DAY_MS;
  return dayOf(new Date(monday));
}

/** `count` days, the last of which is `last`. */
const daysUntil = (last, count) =>
  Array.from({ length: count }, (_, number) => dayOf(new Date(dateOf(last).getTime() - (count - 1 - number) * DAY_MS)));

/** `count` weeks, the last of which has the day `last`. */
const weeksUntil = (last, count) =>
  Array.from({ length: count }, (_, number) =>
    weekOf(dayOf(new Date(dateOf(last).getTime() - (count - 1 - number) * 7 * DAY_MS))),
  );

/** Sums of many rows together. */
const sumOf = (rows) =>
  Object.fromEntries(SUMS.map((name) => [name, rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)]));

/** One row for each of `keys`, in their order; `name` is the field that has the key, as `day`. */
function filled(rows, keys, name) {
  const byKey = new Map(rows.map((row) => [row[name], row]));
  return keys.map((key) => byKey.get(key) ?? { [name]: key, ...sumOf([]) });
}

/** Without what came before the first file, but at least the last `least` rows. */
function fromFirst(rows, least) {
  const first = rows.findIndex(({ files }) => files > 0);
  return rows.slice(Math.max(0, Math.min(first < 0 ? rows.length : first, rows.length - least)));
}

/** The `count` folders that saved most, and the others in one row (`folder`: null) if there are more. */
function largestFolders(rows, count) {
  const sorted = [...rows].sort((one, other) => other.saved_bytes - one.saved_bytes);
  if (sorted.length <= count) return sorted;
  return [...sorted.slice(0, count), { folder: null, ...sumOf(sorted.slice(count)) }];
}

/** As `22 Nov`. */
function shortDay(day) {
  const date = dateOf(day);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** As `Sun 22 Nov 2026`. */
const longDay = (day) => `${WEEKDAYS[dateOf(day).getUTCDay()]} ${shortDay(day)} ${day.slice(0, 4)}`;

/** As `Week 47 of 2026, from 16 Nov`. */
function longWeek(week) {
  const [year, number] = week.split("-W");
  return `Week ${Number(number)} of ${year}, from ${shortDay(mondayOf(week))}`;
}

// What was saved, by day, week or folder.
//
// Promises: each way to look at it is a chart and, on demand, a table; as many days or weeks as the screen has room
// for.
// Never in here: geometry (`scale.js`), time (`periods.js`).


const BAR_PX = 18;
const MOST_DAYS = 90;
const MOST_WEEKS = 53;
const MOST_FOLDERS = 12;
/** A chart of two bars says little of when they were. */
const FEWEST = 14;

const WAYS = [
  { key: "day", text: "By day" },
  { key: "week", text: "By week" },
  { key: "folder", text: "By folder" },
];

/** Kept while another view is shown. */
let lastWay = "day";

const fitting = (widthPx, most) => Math.max(7, Math.min(most, Math.floor(widthPx / BAR_PX)));

/** The sums of a time axis, and how they are called. */
function axisOf(way, report, today, widthPx) {
  if (way === "day") {
    const sums = fromFirst(filled(report.by_day, daysUntil(today, fitting(widthPx, MOST_DAYS)), "day"), FEWEST);
    return {
      sums,
      head: "Day",
      short: ({ day }) => shortDay(day),
      long: ({ day }) => longDay(day),
      label: `The last ${sums.length} days`,
    };
  }
  const sums = fromFirst(filled(report.by_week, weeksUntil(today, fitting(widthPx, MOST_WEEKS)), "week"), FEWEST);
  return {
    sums,
    head: "Week",
    short: ({ week }) => shortDay(mondayOf(week)),
    long: ({ week }) => longWeek(week),
    label: `The last ${sums.length} weeks`,
  };
}

/** `report`: of GET /report. `onFolder(folder)`: shows the files of one. */
function Savings({ report, onFolder }) {
  const element = Q(null);
  const widthPx = useWidth(element);
  const [way, setWay] = G(lastWay);
  const [isTable, setTable] = G(false);
  const choose = (key) => {
    lastWay = key;
    setWay(key);
  };
  const chart = () => {
    if (widthPx === 0) return null;
    if (report.total.files === 0)
      return fe`
        <${Empty} icon="history" title="Nothing is compressed yet">
          What was saved is shown here, by day, week and folder.
        <//>
      `;
    if (way === "folder")
      return fe`<${Folders} rows=${largestFolders(report.by_folder, MOST_FOLDERS)} onChoose=${onFolder} />`;
    const axis = axisOf(way, report, dayIn(new Date(), report.time_zone), widthPx);
    const sum = sumOf(axis.sums);
    if (isTable) return fe`<${ChartTable} ...${axis} />`;
    return fe`
      <p class="small quiet-text">${axis.label}: ${inWords(sum)}</p>
      ${sum.files > 0 && fe`<${Chart} key=${way} ...${axis} widthPx=${widthPx} />`}
    `;
  };
  return fe`
    <section class="savings" aria-label="Savings" ref=${element}>
      <div class="savings-head">
        <div class="ways" role="group" aria-label="Savings">
          ${WAYS.map(
            ({ key, text }) => fe`
            <${Button} key=${key} tone="quiet" aria-pressed=${key === way} onClick=${() => choose(key)}>${text}<//>
          `,
          )}
        </div>
        ${
          way !== "folder" &&
          report.total.files > 0 &&
          fe`
          <p class="chart-legend" aria-hidden="true"><span class="left"></span>after <span class="saved"></span>saved</p>
          <${Button} tone="quiet" aria-pressed=${isTable} onClick=${() => setTable(!isTable)}>As a table<//>
        `
        }
      </div>
      ${chart()}
      <p class="small quiet-text">${besides(report.total)}</p>
    </section>
  `;
}

// The view History: what was saved, and every task that is over, of the queue and of the archives.
//
// Promises: the same list as the queue's, of any length; what is shown can be taken along as a file.
// Never in here: charts (`savings.js`), rows (`../queue`).


const kept = createKept({ path: "/history", tabs: HISTORY_TABS, archived: true });

const COLUMNS = [
  { key: "name", title: "File", sorts: { up: "path", down: "-path" } },
  { key: "state", title: "State" },
  { key: "height", title: "Height" },
  { key: "size", title: "Size", sorts: { up: "size", down: "-size" } },
  { key: "time", title: "Ended", sorts: { up: "ended", down: "-ended" } },
  { key: "does", title: "Actions", isHidden: true },
];

const ALL_FOLDERS = "";
const HISTORY_SORTS = SORTS.filter(({ key }) => !["turn", "added", "-added", "-priority"].includes(key));

/** A number that changes when a task of the queue has ended. */
const endedInQueue = ({ queue }) => (queue ? countIn(HISTORY_TABS[0], queue.counts) : 0);

function History({ me }) {
  const mayAct = me.role !== "viewer";
  const { filter, state, setFilter, address } = useList(kept);
  const { list, isOld, problem } = state;
  const ended = useStore(live, endedInQueue);
  const report = useAnswer((signal) => api.get("/report", { signal }), [ended]);
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const rowPx = useRowHeight();
  const nowMs = useNow();
  const body = Q(null);
  const activity = useActive(list);
  const openFor = (task, where) => openMenu(where, fewItems(task, mayAct && mayBe("retry", task)));
  const on = useRowEvents({ list, rowPx, activity, openFor });
  const heights = choices.data?.resolutions.map(({ height }) => height) ?? [];
  const row = () => ({ hasMenu: true, nowMs });
  const showAll = () => setFilter(allOf(filter));
  const grid = () => {
    if (list.total === null) return problem ? null : fe`<${Skeleton} lines=${6} height=${rowPx - 12} />`;
    if (list.total === 0 && isNarrowed(filter)) {
      return fe`
        <${Empty} icon="search" title="Nothing fits" actions=${fe`<${Button} onClick=${showAll}>Show all<//>`}>
          No file of the history fits what you search for.
        <//>
      `;
    }
    if (list.total === 0)
      return fe`
        <${Empty} icon="history" title="Nothing here yet">
          Files come here when they are done, left as they are, failed or cancelled.
        <//>
      `;
    return fe`
      <${Grid} label="Ended tasks" columns=${COLUMNS} list=${list} isOld=${isOld} sort=${filter.sort}
        onSort=${(sort) => setFilter({ ...filter, sort })} onSee=${kept.source.see}
        active=${activity.active} focus=${activity.focus}
        body=${body} rowPx=${rowPx} Row=${Row} row=${row} on=${on} />
    `;
  };
  return fe`
    <${Heading} title="History" detail=${report.data && report.data.total.files > 0 && inWords(report.data.total)}>
      <${Export} filter=${filter} />
    <//>
    ${report.problem && fe`<${Failure} problem=${report.problem} onRetry=${report.reload} />`}
    ${
      report.data
        ? fe`<${Savings} report=${report.data} onFolder=${(folder) => setFilter({ ...filter, folder })} />`
        : !report.problem && fe`<${Skeleton} height=${220} />`
    }
    <${StickyTools}>
      <${StateTabs} tabs=${HISTORY_TABS} filter=${filter} address=${address} counts=${null} />
      <${FilterLine} filter=${filter} setFilter=${setFilter} heights=${heights} sorts=${HISTORY_SORTS}>
        <${FolderSelect} rows=${report.data?.by_folder ?? []} value=${filter.folder}
          onChange=${(folder) => setFilter({ ...filter, folder })} />
      <//>
    <//>
    ${problem && fe`<${Failure} problem=${problem} onRetry=${kept.source.again} />`}
    <div class="history-rows">${grid()}</div>
  `;
}

function FolderSelect({ rows, value, onChange }) {
  const names = rows.map(({ folder }) => folder).filter((folder) => folder !== "");
  const all = value !== ALL_FOLDERS && !names.includes(value) ? [value, ...names] : names;
  const options = [
    { value: ALL_FOLDERS, text: "Every folder" },
    ...all.map((folder) => ({ value: folder, text: shownPath(folder) })),
  ];
  return fe`<${Select} bare label="Folder" options=${options} value=${value} onChange=${onChange} />`;
}

/** The list as it is filtered, as files of the browser's own download. */
function Export({ filter }) {
  const href = (format) => address("/tasks/export", { format, ...whichTasks(filter), archived: true });
  return fe`
    ${["csv", "json"].map(
      (format) => fe`
      <a key=${format} class="button plain" href=${href(format)} download>
        <${Icon} name="download" />
        <span>${format.toUpperCase()}<span class="visually-hidden"> of what is shown</span></span>
      </a>
    `,
    )}
  `;
}

export { History as default };
