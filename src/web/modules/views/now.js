// Now: what is encoded, what waits, what was saved, how the machine is, and what is wrong.
// Promises: numbers have fixed places, so nothing moves when they change; what is not known yet has its room already.
// Never in here: the list of what waits (views/queue).

import { api } from "../lib/api.js";
import { clock } from "../lib/format.js";
import { html, useEffect, useState, useStore } from "../lib/html.js";
import { live } from "../lib/live.js";
import { Button, Empty, Failure, Heading, Menu, Notice, Panel, Skeleton } from "../lib/parts.js";
import { ENDED_QUERY, MOST_ENDED, withProgress, withTask } from "../lib/running.js";
import { isStandingStill, problemsOf, restOf, summaryOf, toneOf } from "../lib/trouble.js";
import { Encode } from "./now/encode.js";
import { Machine } from "./now/machine.js";
import { Recent } from "./now/recent.js";
import { Totals } from "./now/totals.js";

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
  const [tasks, setTasks] = useState(null);
  const [problem, setProblem] = useState(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
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
  useEffect(() => live.onReset(readAgain), []);
  return { tasks, problem, readAgain };
};

const pause = (running) => api.post("/queue/pause", { running });
const resume = () => api.post("/queue/resume");

const PauseButton = ({ queue }) => {
  if (!queue) return null;
  if (queue.paused_since) return html`<${Button} tone="primary" icon="play" onClick=${resume}>Go on<//>`;
  const items = [
    { text: "Let what runs finish", icon: "pause", onSelect: () => pause("finish") },
    { text: "Freeze what runs", icon: "freeze", onSelect: () => pause("freeze") },
  ];
  return html`<${Menu} icon="pause" tone="plain" items=${items}>Pause<//>`;
};

const Trouble = ({ problem }) => html`
  <${Notice} tone=${toneOf(problem)} title=${problem.message}>
    <p>${problem.way_out} <span class="quiet-text">Since ${clock(problem.since)}.</span></p>
  <//>
`;

const Troubles = ({ queue }) => {
  const problems = problemsOf(queue);
  const rest = restOf(queue, clock);
  if (problems.length === 0 && !rest) return null;
  return html`
    <div class="now-troubles">
      ${problems.map((problem) => html`<${Trouble} key=${`${problem.kind} ${problem.about}`} problem=${problem} />`)}
      ${rest && html`<${Notice} tone="waiting" icon="pause" title=${rest.title}><p>${rest.text}</p><//>`}
    </div>
  `;
};

const FirstRun = ({ mayAdd }) => html`
  <${Empty} title="Drop a video to begin"
    actions=${mayAdd && html`<${Button} tone="primary" icon="add" href="/add">Add files<//>`}>
    <p>Put films into <code>input/720</code>, or into the folder of another resolution, on the machine or over the
    network. They are compressed to H.265 by themselves, and come back in <code>output</code>.</p>
  <//>
`;

const Encodes = ({ running, queue, ended, mayChange }) => {
  if (running.length > 0) {
    const given = { isHeld: isStandingStill(queue), mayChange };
    return html`
      <ul class="encodes">${running.map((task) => html`<${Encode} key=${task.id} task=${task} ...${given} />`)}</ul>
    `;
  }
  const { queued = 0 } = queue?.counts ?? {};
  const isNew = queue && ended.length === 0 && Object.keys(queue.counts).length === 0 && !queue.saved_files;
  if (isNew && queue.settling + queue.measuring === 0) return html`<${FirstRun} mayAdd=${mayChange} />`;
  if (queue && queue.settling + queue.measuring > 0 && queued === 0) {
    return html`
      <${Empty} title="Files are arriving"><p>They begin by themselves when they have been copied whole.</p><//>
    `;
  }
  if (queued > 0) {
    const see = html`<${Button} href="/queue">See the queue<//>`;
    return html`<${Empty} icon="pause" title="Nothing runs at the moment" actions=${see} />`;
  }
  const add = mayChange && html`<${Button} icon="add" href="/add">Add files<//>`;
  return html`
    <${Empty} icon="check" title="All done" actions=${add}>
      <p>New files in <code>input</code> begin by themselves.</p>
    <//>
  `;
};

export default function Now({ me }) {
  const { queue, encodes } = useStore(live);
  const { tasks, problem, readAgain } = useTasks();
  const mayChange = me.role !== "viewer";
  return html`
    <${Heading} title="Now" detail=${summaryOf(queue) || "\u00a0"}>
      ${mayChange && html`<${PauseButton} queue=${queue} />`}
    <//>
    <${Troubles} queue=${queue} />
    <div class="now">
      <div class="now-work">
        <section aria-label="Running encodes">
          ${
            tasks &&
            html`
              <${Encodes} running=${withProgress(tasks.running, encodes)} ended=${tasks.ended} queue=${queue}
                mayChange=${mayChange} />
            `
          }
          ${!tasks && !problem && html`<${Skeleton} lines=${2} height=${112} />`}
          ${problem && html`<${Failure} problem=${problem} onRetry=${readAgain} />`}
        </section>
        ${
          tasks?.ended.length > 0 &&
          html`<${Panel} title="Ended last" class="now-recent"><${Recent} tasks=${tasks.ended} /><//>`
        }
      </div>
      <div class="now-side">
        <${Totals} queue=${queue} />
        <${Panel} title="Machine" class="now-machine"><${Machine} /><//>
      </div>
    </div>
  `;
}
