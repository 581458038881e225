// The view Queue: every task that is not in an archive yet, and what can be done with it.
//
// Promises: 100,000 tasks scroll as 100 do; all that a mouse does can be done by keys and by touch; who may only look
// sees nothing that would be refused.
// Never in here: how it is asked of the service (`orders.js`), which rows are there (`grid.js`, `source.js`).

import { mayBe } from "../../lib/allowed.js";
import { api } from "../../lib/api.js";
import { bytes, count, counted, duration } from "../../lib/format.js";
import { html, useAnswer, useRef, useState, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Button, Empty, Failure, Heading, Menu, Skeleton } from "../../lib/parts.js";
import { HeightDialog, PriorityDialog } from "./dialogs.js";
import { allOf, countIn, isNarrowed, QUEUE_TABS, SORTS } from "./filter.js";
import { Grid, useRowHeight } from "./grid.js";
import { clearFinished, clearWaiting, pause, resume, retryAllFailed, scan } from "./orders.js";
import { Row } from "./row.js";
import { isChosen } from "./selection.js";
import { ofSelection } from "./target.js";
import { ChosenBar, FilterLine, StateTabs, StickyTools } from "./tools.js";
import { useActive, useSelection } from "./use-choice.js";
import { createKept, useList, useNow } from "./use-list.js";
import { useRows } from "./use-rows.js";

const kept = createKept({ path: "/queue", tabs: QUEUE_TABS, archived: false });

const COLUMNS = [
  { key: "choose", title: "Choose", isHidden: true },
  { key: "name", title: "File", sorts: { up: "path", down: "-path" } },
  { key: "state", title: "State" },
  { key: "priority", title: "Priority", sorts: { down: "-priority" } },
  { key: "height", title: "Height" },
  { key: "size", title: "Size", sorts: { up: "size", down: "-size" } },
  { key: "time", title: "Time", sorts: { up: "added", down: "-added" } },
  { key: "does", title: "Actions", isHidden: true },
];
const COLUMNS_TO_LOOK = COLUMNS.filter(({ key }) => key !== "choose");

const EMPTY = {
  todo: {
    icon: "check",
    title: "Nothing to do",
    text: "Drop videos into a folder of input, or add them here.",
    add: true,
  },
  failed: { icon: "check", title: "Nothing has failed" },
  done: { icon: "film", title: "Nothing is done yet", text: "What was done long ago is in the history." },
  cancelled: { icon: "film", title: "Nothing was cancelled" },
  all: {
    icon: "film",
    title: "The queue is empty",
    text: "Drop videos into a folder of input, or add them here.",
    add: true,
  },
};

export default function Queue({ me }) {
  const mayAct = me.role !== "viewer";
  const { filter, state, setFilter, address } = useList(kept);
  const { list, isOld, problem } = state;
  const queue = useStore(live, (known) => known.queue);
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const rowPx = useRowHeight();
  const nowMs = useNow();
  const body = useRef(null);
  const [asked, ask] = useState(null);
  const choice = useSelection({ list, filter, source: kept.source });
  const activity = useActive(list, body);
  const isOrdered = filter.sort === "turn";
  const rows = useRows({
    body,
    rowPx,
    list,
    filter,
    source: kept.source,
    choice,
    activity,
    mayAct,
    isOrdered,
    queue,
    ask,
  });
  const { selection } = choice;
  const counts = queue && Object.fromEntries(QUEUE_TABS.map((tab) => [tab.key, countIn(tab, queue.counts)]));
  const heights = choices.data?.resolutions.map(({ height }) => height) ?? [];
  const target = ofSelection(selection, filter, list.total ?? 0);
  const row = (task) => ({
    isChosen: isChosen(selection, task.id),
    isDragged: rows.dragged.includes(task.id),
    mayChoose: mayAct,
    hasMenu: true,
    hasGrip: mayAct && isOrdered && mayBe("reorder", task),
    nowMs,
  });
  const kinds = [mayAct && "may-choose", mayAct && isOrdered && "may-drag"].filter(Boolean);
  const grid = () => {
    if (list.total === null) return problem ? null : html`<${Skeleton} lines=${8} height=${rowPx - 12} />`;
    if (list.total === 0)
      return html`<${Nothing} filter=${filter} onAll=${() => setFilter(allOf(filter))} />`;
    return html`
      <${Grid} label="Tasks" columns=${mayAct ? COLUMNS : COLUMNS_TO_LOOK} list=${list} isOld=${isOld}
        sort=${filter.sort} onSort=${(sort) => setFilter({ ...filter, sort })}
        onSee=${kept.source.see} active=${activity.active} focus=${activity.focus}
        body=${body} rowPx=${rowPx} Row=${Row} row=${row} on=${rows.on} over=${rows.over} kinds=${kinds} />
    `;
  };
  return html`
    <${Heading} title="Queue" detail=${queue && inWords(queue)}>
      ${mayAct && queue && html`<${QueueActions} queue=${queue} />`}
    <//>
    <${StickyTools}>
      <${StateTabs} tabs=${QUEUE_TABS} filter=${filter} address=${address} counts=${counts} />
      ${
        choice.count > 0
          ? html`
          <${ChosenBar} chosen=${choice.count} total=${list.total} isAll=${selection.all} target=${target}
            items=${rows.chosenItems} onAll=${choice.chooseAll} onNone=${choice.chooseNone} />
        `
          : html`<${FilterLine} filter=${filter} setFilter=${setFilter} heights=${heights} sorts=${SORTS} />`
      }
    <//>
    ${problem && html`<${Failure} problem=${problem} onRetry=${kept.source.again} />`}
    ${grid()}
    <p class="visually-hidden" role="status">${rows.told}</p>
    ${asked?.what === "priority" && html`<${PriorityDialog} target=${asked.target} onClose=${() => ask(null)} />`}
    ${asked?.what === "height" && html`<${HeightDialog} target=${asked.target} onClose=${() => ask(null)} />`}
  `;
}

/** "12 waiting, 3 encoding, 1.2 TB to go, about 5 h". */
function inWords({ counts, left_bytes: leftBytes, left_seconds: leftSeconds, paused_since: pausedSince }) {
  const waiting = `${count(counts.queued ?? 0)} waiting, ${count(counts.processing ?? 0)} encoding`;
  const left = leftBytes > 0 ? `, ${bytes(leftBytes)} to go` : "";
  const time = leftBytes > 0 && leftSeconds !== null ? `, about ${duration(leftSeconds)}` : "";
  return `${pausedSince ? "Paused. " : ""}${waiting}${left}${time}`;
}

function QueueActions({ queue }) {
  const { counts } = queue;
  const failed = countIn(
    QUEUE_TABS.find(({ key }) => key === "failed"),
    counts,
  );
  const waiting = counts.queued ?? 0;
  const pauses = [
    { text: "Let running encodes finish", icon: "pause", hint: "Space", onSelect: () => pause("finish") },
    { text: "Freeze running encodes too", icon: "freeze", onSelect: () => pause("freeze") },
  ];
  const more = () => [
    failed > 0 && {
      text: `Encode all ${counted(failed, "failed file")} again`,
      icon: "retry",
      onSelect: retryAllFailed,
    },
    { text: "Look through input now", icon: "search", onSelect: scan },
    null,
    { text: "Move what is over to the history", icon: "history", onSelect: clearFinished },
    waiting > 0 && {
      text: `Cancel all that waits (${count(waiting)})…`,
      icon: "cancel",
      tone: "danger",
      onSelect: () => clearWaiting(waiting),
    },
  ];
  return html`
    ${
      queue.paused_since
        ? html`<${Button} tone="primary" icon="play" onClick=${resume}>Go on<//>`
        : html`<${Menu} icon="pause" tone="plain" items=${pauses}>Pause<//>`
    }
    <${Menu} label="More for the queue" items=${more} />
  `;
}

function Nothing({ filter, onAll }) {
  if (isNarrowed(filter)) {
    const all = html`<${Button} onClick=${onAll}>Show all of ${filter.tab.title}<//>`;
    return html`<${Empty} icon="search" title="Nothing fits" actions=${all}>
      No file of “${filter.tab.title}” fits what you search for.
    <//>`;
  }
  const { icon, title, text, add } = EMPTY[filter.tab.key];
  const actions = add && html`<${Button} icon="add" href="/add">Add files<//>`;
  return html`<${Empty} icon=${icon} title=${title} actions=${actions}>${text}<//>`;
}
