// The view History: what was saved, and every task that is over, of the queue and of the archives.
//
// Promises: the same list as the queue's, of any length; what is shown can be taken along as a file.
// Never in here: charts (`savings.js`), rows (`../queue`).

import { mayBe } from "../../lib/allowed.js";
import { address as apiAddress, api } from "../../lib/api.js";
import { shownPath } from "../../lib/format.js";
import { html, useAnswer, useRef, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Button, Empty, Failure, Heading, Icon, openMenu, Select, Skeleton } from "../../lib/parts.js";
import { allOf, countIn, HISTORY_TABS, isNarrowed, SORTS, whichTasks } from "../queue/filter.js";
import { Grid, useRowHeight } from "../queue/grid.js";
import { Row } from "../queue/row.js";
import { FilterLine, StateTabs, StickyTools } from "../queue/tools.js";
import { useActive } from "../queue/use-choice.js";
import { createKept, useList, useNow } from "../queue/use-list.js";
import { fewItems } from "../queue/menu.js";
import { useRowEvents } from "../queue/use-row-events.js";
import { Savings } from "./savings.js";
import { inWords } from "./words.js";

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

export default function History({ me }) {
  const mayAct = me.role !== "viewer";
  const { filter, state, setFilter, address } = useList(kept);
  const { list, isOld, problem } = state;
  const ended = useStore(live, endedInQueue);
  const report = useAnswer((signal) => api.get("/report", { signal }), [ended]);
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const rowPx = useRowHeight();
  const nowMs = useNow();
  const body = useRef(null);
  const activity = useActive(list, body);
  const openFor = (task, where) => openMenu(where, fewItems(task, mayAct && mayBe("retry", task)));
  const on = useRowEvents({ list, rowPx, activity, openFor });
  const heights = choices.data?.resolutions.map(({ height }) => height) ?? [];
  const row = () => ({ hasMenu: true, nowMs });
  const showAll = () => setFilter(allOf(filter));
  const grid = () => {
    if (list.total === null) return problem ? null : html`<${Skeleton} lines=${6} height=${rowPx - 12} />`;
    if (list.total === 0 && isNarrowed(filter)) {
      return html`
        <${Empty} icon="search" title="Nothing fits" actions=${html`<${Button} onClick=${showAll}>Show all<//>`}>
          No file of the history fits what you search for.
        <//>
      `;
    }
    if (list.total === 0)
      return html`
        <${Empty} icon="history" title="Nothing here yet">
          Files come here when they are done, left as they are, failed or cancelled.
        <//>
      `;
    return html`
      <${Grid} label="Ended tasks" columns=${COLUMNS} list=${list} isOld=${isOld} sort=${filter.sort}
        onSort=${(sort) => setFilter({ ...filter, sort })} onSee=${kept.source.see}
        active=${activity.active} focus=${activity.focus}
        body=${body} rowPx=${rowPx} Row=${Row} row=${row} on=${on} />
    `;
  };
  return html`
    <${Heading} title="History" detail=${report.data && report.data.total.files > 0 && inWords(report.data.total)}>
      <${Export} filter=${filter} />
    <//>
    ${report.problem && html`<${Failure} problem=${report.problem} onRetry=${report.reload} />`}
    ${
      report.data
        ? html`<${Savings} report=${report.data} onFolder=${(folder) => setFilter({ ...filter, folder })} />`
        : !report.problem && html`<${Skeleton} height=${220} />`
    }
    <${StickyTools}>
      <${StateTabs} tabs=${HISTORY_TABS} filter=${filter} address=${address} counts=${null} />
      <${FilterLine} filter=${filter} setFilter=${setFilter} heights=${heights} sorts=${HISTORY_SORTS}>
        <${FolderSelect} rows=${report.data?.by_folder ?? []} value=${filter.folder}
          onChange=${(folder) => setFilter({ ...filter, folder })} />
      <//>
    <//>
    ${problem && html`<${Failure} problem=${problem} onRetry=${kept.source.again} />`}
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
  return html`<${Select} bare label="Folder" options=${options} value=${value} onChange=${onChange} />`;
}

/** The list as it is filtered, as files of the browser's own download. */
function Export({ filter }) {
  const href = (format) => apiAddress("/tasks/export", { format, ...whichTasks(filter), archived: true });
  return html`
    ${["csv", "json"].map(
      (format) => html`
      <a key=${format} class="button plain" href=${href(format)} download>
        <${Icon} name="download" />
        <span>${format.toUpperCase()}<span class="visually-hidden"> of what is shown</span></span>
      </a>
    `,
    )}
  `;
}
