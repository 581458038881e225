// What was saved, by day, week or folder.
//
// Promises: each way to look at it is a chart and, on demand, a table; as many days or weeks as the screen has room
// for.
// Never in here: geometry (`scale.js`), time (`periods.js`).

import { html, useRef, useState } from "../../lib/html.js";
import { Button, Empty } from "../../lib/parts.js";
import { Chart, ChartTable, useWidth } from "./chart.js";
import { Folders } from "./folders.js";
import {
  dayIn,
  daysUntil,
  filled,
  fromFirst,
  largestFolders,
  longDay,
  longWeek,
  mondayOf,
  shortDay,
  sumOf,
  weeksUntil,
} from "./periods.js";
import { besides, inWords } from "./words.js";

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
export function Savings({ report, onFolder }) {
  const element = useRef(null);
  const widthPx = useWidth(element);
  const [way, setWay] = useState(lastWay);
  const [isTable, setTable] = useState(false);
  const choose = (key) => {
    lastWay = key;
    setWay(key);
  };
  const chart = () => {
    if (widthPx === 0) return null;
    if (report.total.files === 0)
      return html`
        <${Empty} icon="history" title="Nothing is compressed yet">
          What was saved is shown here, by day, week and folder.
        <//>
      `;
    if (way === "folder")
      return html`<${Folders} rows=${largestFolders(report.by_folder, MOST_FOLDERS)} onChoose=${onFolder} />`;
    const axis = axisOf(way, report, dayIn(new Date(), report.time_zone), widthPx);
    const sum = sumOf(axis.sums);
    if (isTable) return html`<${ChartTable} ...${axis} />`;
    return html`
      <p class="small quiet-text">${axis.label}: ${inWords(sum)}</p>
      ${sum.files > 0 && html`<${Chart} key=${way} ...${axis} widthPx=${widthPx} />`}
    `;
  };
  return html`
    <section class="savings" aria-label="Savings" ref=${element}>
      <div class="savings-head">
        <div class="ways" role="group" aria-label="Savings">
          ${WAYS.map(
            ({ key, text }) => html`
            <${Button} key=${key} tone="quiet" aria-pressed=${key === way} onClick=${() => choose(key)}>${text}<//>
          `,
          )}
        </div>
        ${
          way !== "folder" &&
          report.total.files > 0 &&
          html`
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
