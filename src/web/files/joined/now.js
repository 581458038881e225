import { pathParts, Link, shownPath, fe, percent, bytes, change, IconButton, duration, stage, confirm, api, fps, speed, UNKNOWN, sentence, G, J, Name, Status, Time, counted, useStore, live, Heading, Panel, summaryOf, Skeleton, Failure, problemsOf, restOf, Notice, Button, Menu, isStandingStill, Empty, clock, toneOf } from './app.js';
import { Thumbnail, Film, Meter } from './film.js';

// Which encodes run and what ended last, kept from tasks as they change: pure.
// Never in here: DOM, requests.

const ENDED = [
  "processed",
  "skipped",
  "cancelled",
  "failed",
  "error_missing_input",
  "error_no_resolution",
  "error_exception",
];
const ENDED_QUERY = ENDED.join(",");
const MOST_ENDED = 5;

const hasEnded = (task) => ENDED.includes(task.status);

/** `{running: [task], ended: [task]}` after a task has become another one. */
const withTask = ({ running, ended }, task) => {
  const others = running.filter((one) => one.id !== task.id);
  const before = ended.filter((one) => one.id !== task.id);
  if (task.status === "processing") {
    const known = running.some((one) => one.id === task.id);
    return {
      running: known ? running.map((one) => (one.id === task.id ? task : one)) : [...running, task],
      ended: before,
    };
  }
  if (!hasEnded(task)) return { running: others, ended: before };
  const latest = [task, ...before].sort((one, other) => String(other.ended).localeCompare(String(one.ended)));
  return { running: others, ended: latest.slice(0, MOST_ENDED) };
};

/**
 * Tasks with the latest progress: `encodes` of live.js know more than a task that came once, but not all of its names.
 */
const withProgress = (running, encodes) =>
  running.map((task) => {
    const encode = encodes.find((one) => one.id === task.id);
    return encode ? { ...task, frozen: encode.frozen, progress: encode.progress } : task;
  });

// One encode that runs.
// Never in here: other encodes.


const ask = (id, what) => api.post(`/tasks/${encodeURIComponent(id)}/${what}`);

const cancel = async (task, name) => {
  const isSure = await confirm({
    title: "Cancel this encode?",
    text: `${name}: what is done of it is thrown away. The source stays where it is.`,
    action: "Cancel the encode",
  });
  if (isSure) await ask(task.id, "cancel");
};

/** One that stands still because the whole queue does goes on with it. */
const FreezeButton = ({ task, name, isHeld }) => {
  if (task.frozen)
    return fe`<${IconButton} icon="play" label="Go on with ${name}" onClick=${() => ask(task.id, "thaw")} />`;
  if (isHeld) return null;
  return fe`<${IconButton} icon="freeze" label="Freeze ${name}" onClick=${() => ask(task.id, "freeze")} />`;
};

const Actions = ({ task, name, isHeld }) => fe`
  <div class="encode-actions">
    <${FreezeButton} task=${task} name=${name} isHeld=${isHeld} />
    <${IconButton} icon="cancel" label="Cancel ${name}" tone="danger" onClick=${() => cancel(task, name)} />
  </div>
`;

/** The size of the source, and what the result's will be: "1.1 GB → 412 MB, 380 to 450 MB, −62 %". */
const Projection = ({ before, progress }) => {
  const { projected_bytes: projected, low_bytes: low, high_bytes: high } = progress;
  const isKnown = typeof projected === "number";
  const hasInterval = isKnown && typeof low === "number" && typeof high === "number" && bytes(low) !== bytes(high);
  return fe`
    <span class="encode-size ${isKnown ? "" : "unknown"}">
      <span>${bytes(before)}</span>
      <span class="encode-arrow">→</span>
      <span class="encode-after">${isKnown && bytes(projected)}</span>
      <span class="encode-interval">${hasInterval && `${bytes(low)} to ${bytes(high)}`}</span>
      <span class="encode-change ${projected > before ? "more" : ""}">${isKnown && change(before, projected)}</span>
    </span>
  `;
};

const known = (value, text) => (typeof value === "number" ? text(value) : "");

/** How long it takes still, or what it does. */
const remaining = (isStill, progress) => {
  if (isStill) return "Frozen";
  return typeof progress.seconds_left === "number" ? `${duration(progress.seconds_left)} left` : stage(progress.stage);
};

const NO_PROGRESS = { stage: "", percent: null, pieces: null };

/** `isHeld`: the whole queue stands still. */
const Encode = ({ task, isHeld, mayChange }) => {
  const progress = task.progress ?? NO_PROGRESS;
  const { root, folder, name } = pathParts(task.path);
  const isStill = task.frozen || isHeld;
  const tone = isStill ? "waiting" : "running";
  return fe`
    <li class="encode ${tone}">
      <${Thumbnail} id=${task.id} resolution=${task.resolution} />
      <div class="encode-title">
        <${Link} class="encode-name" href="/tasks/${encodeURIComponent(task.id)}" title=${shownPath(task.path)}>
          <bdi>${name}</bdi>
        <//>
        <p class="encode-where"><bdi>${[root, folder].filter(Boolean).join("/")}</bdi></p>
      </div>
      ${mayChange && fe`<${Actions} task=${task} name=${name} isHeld=${isHeld} />`}
      <div class="encode-bar">
        <${Film} pieces=${progress.pieces} percent=${progress.percent} label="Progress of ${name}" tone=${tone} />
      </div>
      <div class="encode-numbers">
        <span class="encode-percent">${percent(progress.percent)}</span>
        <span class="encode-left">${remaining(isStill, progress)}</span>
        <span class="encode-fps">${isStill ? "" : known(progress.fps, fps)}</span>
        <span class="encode-speed">${isStill ? "" : known(progress.speed, speed)}</span>
        <${Projection} before=${task.size_before_bytes} progress=${progress} />
      </div>
    </li>
  `;
};

// How the machine is, in the few numbers that are shown: pure.
// Never in here: DOM, requests.

const part = (some, all) => (all > 0 ? (some / all) * 100 : 0);

const FULL_PERCENT = 95;

/**
 * One row for each disk: folders of the same one are named together. `[{names, freeBytes, totalBytes, usedPercent,
 * isFull}]`
 */
const disksOf = (disks) => {
  const rows = new Map();
  for (const { folder, total_bytes: totalBytes, free_bytes: freeBytes } of disks) {
    const key = `${totalBytes} ${freeBytes}`;
    const row = rows.get(key);
    if (row) row.names.push(folder);
    else rows.set(key, { names: [folder], totalBytes, freeBytes });
  }
  return [...rows.values()].map((row) => {
    const usedPercent = part(row.totalBytes - row.freeBytes, row.totalBytes);
    return { ...row, usedPercent, isFull: usedPercent >= FULL_PERCENT };
  });
};

/** The hottest sensor `{sensor, celsius, isHot}`, or null where the system tells none. */
const hottestOf = (temperatures) => {
  const hottest = temperatures.reduce((most, one) => (most === null || one.celsius > most.celsius ? one : most), null);
  if (!hottest) return null;
  const { sensor, celsius, critical_celsius: critical } = hottest;
  return { sensor, celsius, isHot: critical != null && celsius >= critical - 10 };
};

/** `{usedBytes, totalBytes, usedPercent}`. */
const memoryOf = ({ used_bytes: usedBytes, total_bytes: totalBytes }) => ({
  usedBytes,
  totalBytes,
  usedPercent: part(usedBytes, totalBytes),
});

// How the machine is: processor, memory, temperature, disks.
// Promises: asked for only while someone sees it.


const EVERY_MS = 2500;
/** Rows that are there before the answer, so that nothing moves when it comes. */
const WAITED_FOR = {
  cpu: { percent: null, core_percent: [] },
  memory: null,
  disks: [{ folder: "input", total_bytes: 0, free_bytes: 0 }],
  temperatures: [],
};

/** `{load, problem}` of GET /system, read again while the page is visible. */
const useSystem = () => {
  const [state, setState] = G({ load: null, problem: null });
  J(() => {
    const left = new AbortController();
    let timer = null;
    const next = () => {
      clearTimeout(timer);
      if (!left.signal.aborted) timer = setTimeout(look, EVERY_MS);
    };
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        setState({ load: await api.get("/system", { signal: left.signal }), problem: null });
      } catch (problem) {
        if (!left.signal.aborted) setState(({ load }) => ({ load, problem }));
      }
      next();
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      left.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return state;
};

const Row = ({ label, value, detail, children }) => fe`
  <div class="machine-row">
    <dt>${label}</dt>
    <dd class="machine-value">${value}${detail && fe` <span class="quiet-text">${detail}</span>`}</dd>
    <dd class="machine-meter">${children}</dd>
  </div>
`;

const MOST_CORES = 64;

const Cores = ({ cores }) => fe`
  <span class="cores" aria-hidden="true">
    ${cores.slice(0, MOST_CORES).map(
      (one, index) => fe`
      <span key=${index} class="core">
        <span class="core-fill" style=${{ transform: `scaleY(${Math.min(100, one) / 100})` }}></span>
      </span>
    `,
    )}
  </span>
`;

const Machine = () => {
  const { load, problem } = useSystem();
  const shown = load ?? WAITED_FOR;
  const memory = shown.memory && memoryOf(shown.memory);
  const hottest = hottestOf(shown.temperatures);
  return fe`
    <dl class="machine ${problem ? "old" : ""}">
      <${Row} label="Processor" value=${percent(shown.cpu.percent)}><${Cores} cores=${shown.cpu.core_percent} /><//>
      <${Row} label="Memory" value=${memory ? bytes(memory.usedBytes) : UNKNOWN}
        detail=${memory && `of ${bytes(memory.totalBytes)}`}>
        <${Meter} label="Memory in use" percent=${memory?.usedPercent} />
      <//>
      ${
        hottest &&
        fe`<${Row} label="Temperature" value="${Math.round(hottest.celsius)} °C" detail=${hottest.sensor} />`
      }
      ${disksOf(shown.disks).map(
        (disk) => fe`
        <${Row} key=${disk.names[0]} label=${disk.names.length > 3 ? "Disk" : disk.names.join(", ")}
          value=${load ? `${bytes(disk.freeBytes)} free` : UNKNOWN} detail=${load && `of ${bytes(disk.totalBytes)}`}>
          <${Meter} label="Disk of ${disk.names.join(", ")}, in use" percent=${disk.usedPercent}
            tone=${disk.isFull ? "waiting" : "quiet"} />
        <//>
      `,
      )}
    </dl>
    ${problem && fe`<p class="small quiet-text">${sentence(problem.detail)}</p>`}
  `;
};

// What ended last.
// Never in here: requests.


/** What came of it: sizes, or why not. */
const Outcome = ({ task }) => {
  if (task.status === "processed" && task.size_after_bytes !== null) {
    return fe`
      <span class="recent-sizes">
        <span>${bytes(task.size_before_bytes)}</span><span>${" → "}</span><span>${bytes(task.size_after_bytes)}</span>
      </span>
      <span class="recent-change">${change(task.size_before_bytes, task.size_after_bytes)}</span>
    `;
  }
  return fe`<span class="recent-why">${task.error ?? task.reason ?? ""}</span>`;
};

const Recent = ({ tasks }) => fe`
  <ul class="recent">
    ${tasks.map(
      (task) => fe`
      <li key=${task.id}>
        <${Link} class="recent-row" href="/tasks/${encodeURIComponent(task.id)}">
          <${Name} path=${task.path} />
          <${Status} task=${task} />
          <span class="recent-outcome"><${Outcome} task=${task} /></span>
          <span class="recent-when"><${Time} at=${task.ended} /></span>
        <//>
      </li>
    `,
    )}
  </ul>
`;

// What is still to do, and what was saved so far.
// Never in here: requests.


const BLANK = "\u00a0";

const Total = ({ label, value, detail, tone = "", href }) => fe`
  <div class="total ${tone}">
    <dt>${href ? fe`<${Link} href=${href}>${label}<//>` : label}</dt>
    <dd class="total-value">${value}</dd>
    <dd class="total-detail">${detail}</dd>
  </div>
`;

const Totals = ({ queue }) => {
  const waiting = queue?.counts.queued ?? 0;
  const isBusy = waiting + (queue?.counts.processing ?? 0) > 0;
  const left = () => {
    if (!queue) return UNKNOWN;
    if (!isBusy) return "Nothing";
    return queue.left_seconds === null ? "…" : duration(queue.left_seconds);
  };
  const detail = () => {
    if (!queue) return BLANK;
    if (!isBusy) return "No file waits";
    const bytesLeft = `${bytes(queue.left_bytes)} left`;
    return waiting > 0 ? `${counted(waiting, "file")} waiting, ${bytesLeft}` : bytesLeft;
  };
  const isCounted = typeof queue?.saved_bytes === "number";
  return fe`
    <dl class="totals">
      <${Total} label="To go" value=${left()} detail=${detail()} href="/queue" />
      <${Total} label="Saved so far" href="/history"
        value=${isCounted ? bytes(queue.saved_bytes) : UNKNOWN} tone=${queue?.saved_bytes > 0 ? "done" : ""}
        detail=${isCounted ? `by ${counted(queue.saved_files, "file")}` : BLANK} />
    </dl>
  `;
};

// Now: what is encoded, what waits, what was saved, how the machine is, and what is wrong.
// Promises: numbers have fixed places, so nothing moves when they change; what is not known yet has its room already.
// Never in here: the list of what waits (views/queue).


const MOST_RUNNING = 100;

const read = async (signal) => {
  await live.opened();
  const [running, ended] = await Promise.all([
    api.get("/tasks", { query: { status: "processing", limit: MOST_RUNNING }, signal }),
    api.get("/tasks", { query: { status: ENDED_QUERY, sort: "-ended", limit: MOST_ENDED }, signal }),
  ]);
  return { running: running.tasks, ended: ended.tasks };
};

/** `{tasks: {running, ended} | null, problem, readAgain}`, kept up to date. */
const useTasks = () => {
  const [tasks, setTasks] = G(null);
  const [problem, setProblem] = G(null);
  const [round, setRound] = G(0);
  J(() => {
    const left = new AbortController();
    // What changes while the answer is under way is put on top of it.
    let changed = [];
    const end = live.onTask((task) => {
      changed?.push(task);
      setTasks((known) => known && withTask(known, task));
    });
    read(left.signal).then(
      (answer) => {
        setTasks(changed.reduce(withTask, answer));
        setProblem(null);
        changed = null;
      },
      (failed) => !left.signal.aborted && setProblem(failed),
    );
    return () => {
      left.abort();
      end();
    };
  }, [round]);
  const readAgain = () => setRound((count) => count + 1);
  J(() => live.onReset(readAgain), []);
  return { tasks, problem, readAgain };
};

const pause = (running) => api.post("/queue/pause", { running });
const resume = () => api.post("/queue/resume");

const PauseButton = ({ queue }) => {
  if (!queue) return null;
  if (queue.paused_since) return fe`<${Button} tone="primary" icon="play" onClick=${resume}>Go on<//>`;
  const items = [
    { text: "Let what runs finish", icon: "pause", onSelect: () => pause("finish") },
    { text: "Freeze what runs", icon: "freeze", onSelect: () => pause("freeze") },
  ];
  return fe`<${Menu} icon="pause" tone="plain" items=${items}>Pause<//>`;
};

const Trouble = ({ problem }) => fe`
  <${Notice} tone=${toneOf(problem)} title=${problem.message}>
    <p>${problem.way_out} <span class="quiet-text">Since ${clock(problem.since)}.</span></p>
  <//>
`;

const Troubles = ({ queue }) => {
  const problems = problemsOf(queue);
  const rest = restOf(queue, clock);
  if (problems.length === 0 && !rest) return null;
  return fe`
    <div class="now-troubles">
      ${problems.map((problem) => fe`<${Trouble} key=${`${problem.kind} ${problem.about}`} problem=${problem} />`)}
      ${rest && fe`<${Notice} tone="waiting" icon="pause" title=${rest.title}><p>${rest.text}</p><//>`}
    </div>
  `;
};

const FirstRun = ({ mayAdd }) => fe`
  <${Empty} title="Drop a video to begin"
    actions=${mayAdd && fe`<${Button} tone="primary" icon="add" href="/add">Add files<//>`}>
    <p>Put films into <code>input/720</code>, or into the folder of another resolution, on the machine or over the
    network. They are compressed to H.265 by themselves, and come back in <code>output</code>.</p>
  <//>
`;

const Encodes = ({ running, queue, ended, mayChange }) => {
  if (running.length > 0) {
    const given = { isHeld: isStandingStill(queue), mayChange };
    return fe`
      <ul class="encodes">${running.map((task) => fe`<${Encode} key=${task.id} task=${task} ...${given} />`)}</ul>
    `;
  }
  const { queued = 0 } = queue?.counts ?? {};
  const isNew = queue && ended.length === 0 && Object.keys(queue.counts).length === 0 && !queue.saved_files;
  if (isNew && queue.settling + queue.measuring === 0) return fe`<${FirstRun} mayAdd=${mayChange} />`;
  if (queue && queue.settling + queue.measuring > 0 && queued === 0) {
    return fe`
      <${Empty} title="Files are arriving"><p>They begin by themselves when they have been copied whole.</p><//>
    `;
  }
  if (queued > 0) {
    const see = fe`<${Button} href="/queue">See the queue<//>`;
    return fe`<${Empty} icon="pause" title="Nothing runs at the moment" actions=${see} />`;
  }
  const add = mayChange && fe`<${Button} icon="add" href="/add">Add files<//>`;
  return fe`
    <${Empty} icon="check" title="All done" actions=${add}>
      <p>New files in <code>input</code> begin by themselves.</p>
    <//>
  `;
};

function Now({ me }) {
  const { queue, encodes } = useStore(live);
  const { tasks, problem, readAgain } = useTasks();
  const mayChange = me.role !== "viewer";
  return fe`
    <${Heading} title="Now" detail=${summaryOf(queue) || "\u00a0"}>
      ${mayChange && fe`<${PauseButton} queue=${queue} />`}
    <//>
    <${Troubles} queue=${queue} />
    <div class="now">
      <div class="now-work">
        <section aria-label="Running encodes">
          ${
            tasks &&
            fe`
              <${Encodes} running=${withProgress(tasks.running, encodes)} ended=${tasks.ended} queue=${queue}
                mayChange=${mayChange} />
            `
          }
          ${!tasks && !problem && fe`<${Skeleton} lines=${2} height=${112} />`}
          ${problem && fe`<${Failure} problem=${problem} onRetry=${readAgain} />`}
        </section>
        ${
          tasks?.ended.length > 0 &&
          fe`<${Panel} title="Ended last" class="now-recent"><${Recent} tasks=${tasks.ended} /><//>`
        }
      </div>
      <div class="now-side">
        <${Totals} queue=${queue} />
        <${Panel} title="Machine" class="now-machine"><${Machine} /><//>
      </div>
    </div>
  `;
}

export { Now as default };
