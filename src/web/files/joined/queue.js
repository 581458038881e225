import { mayBe } from './allowed.js';
import { G, Button, fe, Dialog, Field, useAnswer, api, Q, J, Failure, Skeleton, Select, toast, counted, count, openMenu, pathParts, useStore, live, Heading, bytes, duration, Menu, Empty } from './app.js';
import { possibleTasks, setPriority, countOf, moveTo, DOES, gapAt, dragScroll, taskAt, useRowEvents, runningRows, showFailure, isChosen, rowOf, fewItems, menuItems, taskAfterGap, stays, resume, pause, isPossible, cancel, one, ofSelection, putBefore, rowAfter, gapAfter, firstWaiting, rowsOnScreen, useList, useRowHeight, useNow, useSelection, useActive, QUEUE_TABS, countIn, StickyTools, StateTabs, ChosenBar, FilterLine, SORTS, allOf, Grid, Row, retryAllFailed, scan, clearFinished, createKept, isNarrowed, clearWaiting } from './use-row-events.js';
import './neighbours.js';
import './film.js';

// What is asked before chosen tasks get another priority or resolution.
// Never in here: what is then done (`orders.js`).


const SUGGESTED = [
  { value: 10, text: "Before others" },
  { value: 0, text: "Usual" },
  { value: -10, text: "After others" },
];
/** What the API takes. */
const HIGHEST = 2_147_483_647;

const files = (target, action) => counted(countOf(target, action), "file");

/** Asks for a priority. `target`: of target.js. */
function PriorityDialog({ target, onClose }) {
  const tasks = possibleTasks(target, "priority");
  const [text, setText] = G(String(tasks?.length === 1 ? tasks[0].priority : 0));
  const value = Number(text);
  const isValid = text.trim() !== "" && Number.isInteger(value) && Math.abs(value) <= HIGHEST;
  const save = async () => {
    if (!isValid) return;
    await setPriority(target, value);
    onClose();
  };
  const submit = (event) => {
    event.preventDefault();
    save().catch((problem) => toast(problem.message, { tone: "failed" }));
  };
  const actions = fe`
    <${Button} onClick=${onClose}>Leave it<//>
    <${Button} tone="primary" onClick=${save}>Set priority<//>
  `;
  return fe`
    <${Dialog} open title="Priority of ${files(target, "priority")}" onClose=${onClose} actions=${actions}>
      <form onSubmit=${submit}>
        <${Field} label="Priority" type="number" step="1" value=${text}
          onInput=${(event) => setText(event.currentTarget.value)}
          hint="Higher is encoded first; 0 is usual." error=${isValid ? null : "A whole number, as 10 or -5"} />
      </form>
      <div class="suggested">
        ${SUGGESTED.map(
          (one) => fe`
          <${Button} key=${one.value} aria-pressed=${value === one.value} onClick=${() => setText(String(one.value))}>
            ${one.text} (${one.value})
          <//>
        `,
        )}
      </div>
    <//>
  `;
}

/** Asks for a resolution, and moves the sources there one after another. */
function HeightDialog({ target, onClose }) {
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const [height, setHeight] = G(null);
  const [progress, setProgress] = G(null);
  const stop = Q(new AbortController());
  J(() => () => stop.current.abort(), []);
  const heights = choices.data?.resolutions.map((one) => one.height) ?? [];
  const chosen = height ?? heights[0];
  const move = async () => {
    try {
      await moveTo(target, chosen, (done, all) => setProgress({ done, all }), stop.current.signal);
    } finally {
      onClose();
    }
  };
  const actions = fe`
    <${Button} onClick=${onClose}>${progress ? "Stop" : "Leave it"}<//>
    <${Button} tone="primary" busy=${!choices.data} onClick=${move}>Move<//>
  `;
  const options = heights.map((one) => ({ value: String(one), text: String(one) }));
  return fe`
    <${Dialog} open title="Another resolution for ${files(target, "move")}" onClose=${onClose} actions=${actions}>
      ${choices.problem && fe`<${Failure} problem=${choices.problem} onRetry=${choices.reload} />`}
      ${!choices.data && !choices.problem && fe`<${Skeleton} lines=${2} height=${36} />`}
      ${
        choices.data &&
        fe`
        <${Select} label="Resolution" options=${options} value=${String(chosen)}
          onChange=${(text) => setHeight(Number(text))} />
        <p class="small quiet-text">The source moves into that folder of input and becomes a new task there.</p>
      `
      }
      <p role="status">${progress && `Moved ${progress.done} of ${progress.all}`}</p>
    <//>
  `;
}

// Rows dragged to another place, by mouse, pen or finger.
//
// Promises: a mouse drags a row anywhere but by what can be pressed, a finger only by its grip, so that it still
// scrolls; near the edges the page scrolls along; Escape, or a second finger, gives up and nothing has moved.
// Never in here: what is moved where (the caller's `onDrop`).


/** A mouse that moves less was a click. */
const MOUSE_SLACK_PX = 6;

const rowOfElement = (element) => {
  const row = element.closest?.("[data-row]");
  return row ? Number(row.dataset.row) : null;
};

const isGrip = (element) => element.closest?.(`[data-does="${DOES.drag}"]`) !== null;
const isPressable = (element) => element.closest?.("a, button, input") !== null;

/**
 * `body`: a ref of the element that has the rows. `mayDrag(row)`; `onDrop(row, gap)`: `gap` as of `gapAt`. Answers with
 * `{drag, onPointerDown}`: `drag` is null or `{row, gap}`.
 */
function useDrag({ body, rowPx, count, mayDrag, onDrop }) {
  const [drag, setDrag] = G(null);
  const latest = Q(null);
  latest.current = { rowPx, count, onDrop };
  const end = Q(null);
  J(() => () => end.current?.(), []);

  const onPointerDown = (event) => {
    const row = rowOfElement(event.target);
    if (event.button !== 0 || row === null || !mayDrag(row)) return;
    const hasGrip = isGrip(event.target);
    if (!hasGrip && (event.pointerType !== "mouse" || isPressable(event.target))) return;
    end.current?.();
    end.current = follow(event, hasGrip, row);
  };

  /** Follows a pointer until it is let go; answers with what gives up. */
  function follow(down, hasGrip, row) {
    const { pointerId } = down;
    let pointerPx = down.clientY;
    let isDragging = false;
    let frame = null;
    const gap = () => {
      const { rowPx: height, count: rows } = latest.current;
      return gapAt(pointerPx - body.current.getBoundingClientRect().top, height, rows);
    };
    const show = () => setDrag((before) => (before?.gap === gap() ? before : { row, gap: gap() }));
    const scroll = () => {
      const { top, bottom } = screenEdges(body.current);
      const byPx = dragScroll(pointerPx, top, bottom);
      if (byPx !== 0) {
        window.scrollBy({ top: byPx, behavior: "instant" });
        show();
      }
      frame = requestAnimationFrame(scroll);
    };
    const moved = (event) => {
      if (event.pointerId !== pointerId) return;
      pointerPx = event.clientY;
      if (!isDragging && !hasGrip && Math.abs(pointerPx - down.clientY) < MOUSE_SLACK_PX) return;
      if (!isDragging) {
        isDragging = true;
        frame = requestAnimationFrame(scroll);
      }
      event.preventDefault();
      show();
    };
    const giveUp = () => {
      cancelAnimationFrame(frame);
      setDrag(null);
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener, true);
      end.current = null;
    };
    const drop = (event) => {
      if (event.pointerId !== pointerId) return;
      const place = gap();
      giveUp();
      if (!isDragging) return;
      // The click that follows is no click on a row.
      window.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", swallow, true));
      latest.current.onDrop(row, place);
    };
    const pressed = (event) => {
      if (event.key !== "Escape" || !isDragging) return;
      event.preventDefault();
      event.stopPropagation();
      giveUp();
    };
    const another = (event) => event.pointerId !== pointerId && giveUp();
    const listeners = {
      pointermove: moved,
      pointerup: drop,
      pointercancel: giveUp,
      pointerdown: another,
      keydown: pressed,
      // Of the window; those of what had the focus come by here too.
      blur: ({ target }) => target === window && giveUp(),
    };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener, true);
    return giveUp;
  }

  return { drag, onPointerDown };
}

const swallow = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

/** Between which the rows are seen: below what sticks to the top, and above what sticks to the bottom. */
function screenEdges(body) {
  const style = getComputedStyle(body);
  return {
    top: parseFloat(style.scrollMarginTop),
    bottom: window.innerHeight - parseFloat(style.scrollMarginBottom),
  };
}

// What rows of the queue do when they are clicked, pressed, dragged, or asked for their menu.
//
// Promises: an action is about the chosen rows where the row in question is one of them, else about that row alone;
// what the service refuses is shown, and the rows stand again as the service has them.
// Never in here: which keys do what (`keys.js`), how an order is given (`orders.js`).


const isTouch = window.matchMedia("(pointer: coarse)");

/**
 * `{on, over, dragged, told, chosenItems}`: handlers of the grid, what lies over it, ids that are dragged, what is
 * told.
 */
function useRows({ body, rowPx, list, filter, source, choice, activity, mayAct, isOrdered, queue, ask }) {
  const { selection } = choice;
  const total = list.total ?? 0;
  const [told, tell] = G("");
  const targetOf = (task) =>
    task && !isChosen(selection, task.id) ? one(task) : ofSelection(selection, filter, total);

  /**
   * The ids that are moved when `task` is: in the order in which they stand, or, where some are far from the screen, in
   * that in which they were chosen.
   */
  const movedWith = (task) => {
    if (selection.all || !isChosen(selection, task.id)) return [task.id];
    const ids = [...selection.tasks.values()].filter((chosen) => mayBe("reorder", chosen)).map(({ id }) => id);
    const rows = new Map(ids.map((id) => [id, rowOf(list, id)]));
    return [...rows.values()].includes(-1) ? ids : ids.sort((left, right) => rows.get(left) - rows.get(right));
  };

  /**
   * Moves waiting tasks into a gap; `before`: the id of the task after it, null for the end. `follows`: the focus goes
   * along with `task`, which is one of them. Answers with what takes it back, or null.
   */
  async function put({ task, ids, gap, before, follows }) {
    const rows = ids.map((id) => rowOf(list, id));
    const row = gap - rows.filter((from) => from < gap).length + Math.max(0, ids.indexOf(task.id));
    const name = ids.length === 1 ? pathParts(task.path).name : `${count(ids.length)} files`;
    const former = ids.length === 1 ? taskAfterGap(list, rows[0] + 1, ids) : undefined;
    const isShown = source.moved(ids, gap);
    if (follows) activity.goTo(row, isShown ? task : null);
    try {
      await putBefore(ids, before);
    } finally {
      source.moveAnswered();
    }
    tell(`${name}: now ${count(row + 1)} of ${count(total)}`);
    return former === undefined ? null : () => putBefore(ids, former);
  }

  /** The id of the task that comes after moved ones; first and last are those of the whole queue, whatever is shown. */
  async function nextOf(to, gap, ids) {
    if (to === "top") return firstWaiting(ids);
    return to === "end" ? null : taskAfterGap(list, gap, ids);
  }

  async function move(task, to) {
    const ids = movedWith(task);
    const rows = ids.map((id) => rowOf(list, id));
    if (ids.length === 0) return;
    if (rows.includes(-1) && (to === "up" || to === "down")) {
      toast("Some of the chosen files are too far away to be moved by one; put them first or last");
      return;
    }
    const first = runningRows(list);
    const gap = gapAfter(to, rows, first, total);
    if (stays(rows, gap)) {
      tell(gap === first ? "It is the first already" : "It is the last already");
      return;
    }
    const before = await nextOf(to, gap, ids);
    if (before === undefined) return;
    const undo = await put({ task, ids, gap, before, follows: true });
    if (to === "top" || to === "end") toast(to === "top" ? "It is encoded next" : "It is encoded last", { undo });
  }

  const drop = async (row, wanted) => {
    const task = taskAt(list, row);
    const gap = Math.max(wanted, runningRows(list));
    const ids = movedWith(task);
    const before = taskAfterGap(list, gap, ids);
    if (
      before === undefined ||
      stays(
        ids.map((id) => rowOf(list, id)),
        gap,
      )
    )
      return;
    const undo = await put({ task, ids, gap, before, follows: false });
    toast(ids.length === 1 ? "Moved" : `Moved ${count(ids.length)} files`, { undo });
  };

  const mayDrag = (row) => mayAct && isOrdered && taskAt(list, row) !== null && mayBe("reorder", taskAt(list, row));
  const { drag, onPointerDown } = useDrag({
    body,
    rowPx,
    count: total,
    mayDrag,
    onDrop: (row, gap) => drop(row, gap).catch(showFailure),
  });
  const dragged = drag && taskAt(list, drag.row) ? movedWith(taskAt(list, drag.row)) : [];

  const itemsFor = (task) =>
    menuItems({
      target: targetOf(task),
      task,
      ask: (what) => ask({ what, target: targetOf(task) }),
      move: isOrdered ? (to) => move(task, to) : null,
      chooseAll: selection.all ? null : choice.chooseAll,
    });

  const click = (row, event, does) => {
    if (!mayAct || does === DOES.drag) return null;
    if (event.shiftKey) return choice.chooseTo(row);
    if (does === DOES.choose || event.ctrlKey || event.metaKey || isTouch.matches) return choice.choose(row);
    return choice.chooseOnly(row);
  };

  const go = ({ to, extends: isExtended }, row) => {
    const next = rowAfter(to, row, total, rowsOnScreen(rowPx));
    activity.goTo(next);
    return isExtended && mayAct ? choice.chooseTo(next, row) : null;
  };
  const changes = {
    move: ({ to }, row) => mayDrag(row) && move(taskAt(list, row), to),
    choose: (_, row) => choice.choose(row),
    chooseAll: choice.chooseAll,
    chooseNone: choice.chooseNone,
    cancel: (_, row) => isPossible(targetOf(taskAt(list, row)), "cancel") && cancel(targetOf(taskAt(list, row))),
    pause: () => (queue?.paused_since ? resume() : pause("finish")),
  };
  const on = useRowEvents({
    list,
    rowPx,
    activity,
    openFor: (task, where) => openMenu(where, mayAct ? itemsFor(task) : fewItems(task)),
    click,
    commands: mayAct ? { ...changes, go } : {},
    pointerDown: onPointerDown,
  });
  const over =
    drag && fe`<${DropMark} topPx=${Math.max(drag.gap, runningRows(list)) * rowPx} files=${dragged.length} />`;
  return { on, over, dragged, told, chosenItems: () => itemsFor(chosenTask(selection, list)) };
}

/** The task that stands for all that are chosen: with it all others are moved. */
const chosenTask = ({ all, tasks }, list) => {
  const known = all ? [] : [...tasks.values()].filter(({ id }) => rowOf(list, id) >= 0);
  return known.find((task) => mayBe("reorder", task)) ?? known[0] ?? null;
};

const DropMark = ({ topPx, files }) => fe`
  <div class="drop-mark" aria-hidden="true" style=${{ transform: `translateY(${topPx}px)` }}>
    ${files > 1 && fe`<span>${count(files)} files</span>`}
  </div>
`;

// The view Queue: every task that is not in an archive yet, and what can be done with it.
//
// Promises: 100,000 tasks scroll as 100 do; all that a mouse does can be done by keys and by touch; who may only look
// sees nothing that would be refused.
// Never in here: how it is asked of the service (`orders.js`), which rows are there (`grid.js`, `source.js`).


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

function Queue({ me }) {
  const mayAct = me.role !== "viewer";
  const { filter, state, setFilter, address } = useList(kept);
  const { list, isOld, problem } = state;
  const queue = useStore(live, (known) => known.queue);
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const rowPx = useRowHeight();
  const nowMs = useNow();
  const body = Q(null);
  const [asked, ask] = G(null);
  const choice = useSelection({ list, filter, source: kept.source });
  const activity = useActive(list);
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
    if (list.total === null) return problem ? null : fe`<${Skeleton} lines=${8} height=${rowPx - 12} />`;
    if (list.total === 0)
      return fe`<${Nothing} filter=${filter} onAll=${() => setFilter(allOf(filter))} />`;
    return fe`
      <${Grid} label="Tasks" columns=${mayAct ? COLUMNS : COLUMNS_TO_LOOK} list=${list} isOld=${isOld}
        sort=${filter.sort} onSort=${(sort) => setFilter({ ...filter, sort })}
        onSee=${kept.source.see} active=${activity.active} focus=${activity.focus}
        body=${body} rowPx=${rowPx} Row=${Row} row=${row} on=${rows.on} over=${rows.over} kinds=${kinds} />
    `;
  };
  return fe`
    <${Heading} title="Queue" detail=${queue && inWords(queue)}>
      ${mayAct && queue && fe`<${QueueActions} queue=${queue} />`}
    <//>
    <${StickyTools}>
      <${StateTabs} tabs=${QUEUE_TABS} filter=${filter} address=${address} counts=${counts} />
      ${
        choice.count > 0
          ? fe`
          <${ChosenBar} chosen=${choice.count} total=${list.total} isAll=${selection.all} target=${target}
            items=${rows.chosenItems} onAll=${choice.chooseAll} onNone=${choice.chooseNone} />
        `
          : fe`<${FilterLine} filter=${filter} setFilter=${setFilter} heights=${heights} sorts=${SORTS} />`
      }
    <//>
    ${problem && fe`<${Failure} problem=${problem} onRetry=${kept.source.again} />`}
    ${grid()}
    <p class="visually-hidden" role="status">${rows.told}</p>
    ${asked?.what === "priority" && fe`<${PriorityDialog} target=${asked.target} onClose=${() => ask(null)} />`}
    ${asked?.what === "height" && fe`<${HeightDialog} target=${asked.target} onClose=${() => ask(null)} />`}
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
  return fe`
    ${
      queue.paused_since
        ? fe`<${Button} tone="primary" icon="play" onClick=${resume}>Go on<//>`
        : fe`<${Menu} icon="pause" tone="plain" items=${pauses}>Pause<//>`
    }
    <${Menu} label="More for the queue" items=${more} />
  `;
}

function Nothing({ filter, onAll }) {
  if (isNarrowed(filter)) {
    const all = fe`<${Button} onClick=${onAll}>Show all of ${filter.tab.title}<//>`;
    return fe`<${Empty} icon="search" title="Nothing fits" actions=${all}>
      No file of “${filter.tab.title}” fits what you search for.
    <//>`;
  }
  const { icon, title, text, add } = EMPTY[filter.tab.key];
  const actions = add && fe`<${Button} icon="add" href="/add">Add files<//>`;
  return fe`<${Empty} icon=${icon} title=${title} actions=${actions}>${text}<//>`;
}

export { Queue as default };
