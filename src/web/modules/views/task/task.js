// The view One file: what a task is, what became of it, and what may be done with it.
//
// Never in here: how a receipt is read (`receipt`), what is allowed (`actions`).

import { api } from "../../lib/api.js";
import { pathParts } from "../../lib/format.js";
import { html, useAnswer, useEffect, useState, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Button, Empty, Failure, Heading, Skeleton } from "../../lib/parts.js";
import { isRunning } from "./actions.js";
import { Actions } from "./buttons.js";
import { Compare } from "./compare.js";
import { Facts } from "./facts.js";
import { Log } from "./log.js";
import { Neighbours } from "./neighbours.js";
import { Findings } from "./findings.js";
import { Receipt } from "./receipt_table.js";
import { State } from "./state.js";

export default function Task({ route, me }) {
  const { id } = route.params;
  return html`<${Loading} key=${id} id=${id} me=${me} />`;
}

/** The task as it is now: what was read, changed by what the stream tells since. */
const useTask = (id) => {
  const load = async (signal) => {
    await live.opened();
    return api.get(`/tasks/${encodeURIComponent(id)}`, { signal });
  };
  const { data, problem, reload } = useAnswer(load, [id]);
  // What is told while an answer is on its way is newer than the answer.
  const [told, setTold] = useState(null);
  const [isArchived, setIsArchived] = useState(false);
  useEffect(() => {
    const readAnew = () => {
      setTold(null);
      reload();
    };
    const ends = [
      live.onTask((task) => task.id === id && setTold(task)),
      live.onRemoved((removed) => removed === id && setIsArchived(true)),
      live.onReset(readAnew),
    ];
    return () => ends.forEach((end) => end());
  }, [id]);
  const encode = useStore(live, ({ encodes }) => encodes.find((one) => one.id === id));
  const task = told ?? data;
  const running = task && isRunning(task) && encode ? { frozen: encode.frozen, progress: encode.progress } : {};
  const archived = task && (task.archived || isArchived);
  return { task: task && { ...task, ...running, archived }, problem, reload, setTask: setTold };
};

const Loading = ({ id, me }) => {
  const { task, problem, reload, setTask } = useTask(id);
  if (task) return html`<${One} task=${task} me=${me} onChange=${setTask} />`;
  if (problem?.status === 404) return html`<${Gone} />`;
  if (problem) return html`<${Heading} title="One file" /><${Failure} problem=${problem} onRetry=${reload} />`;
  return html`<${Heading} title="One file" /><${Skeleton} lines=${4} height=${48} />`;
};

const Gone = () => html`
  <${Heading} title="There is no such file" />
  <${Empty} icon="file" title="The queue and the archives have no task of this address"
    actions=${html`
      <${Button} href="/history" icon="history">Look in History<//>
      <${Button} href="/queue" icon="queue">To the queue<//>
    `}>
    <p>It was deleted from the archives, or the address is incomplete. A file that was just added is here after a few
      seconds.</p>
  <//>
`;

/** Whether there is a receipt; of a file whose twin was encoded, and which was never begun itself, there is none. */
const hasReceipt = ({ status, attempts }) => status === "processed" || (status === "skipped" && attempts > 0);

/** The receipt, or null; read anew after each encode. */
const useReceipt = (task) => {
  const load = (signal) => {
    if (!hasReceipt(task)) return Promise.resolve(null);
    return api.get(`/tasks/${encodeURIComponent(task.id)}/receipt`, { signal }).catch((problem) => {
      // It was deleted by hand.
      if (problem.status === 404) return null;
      throw problem;
    });
  };
  return useAnswer(load, [task.id, task.status, task.ended]);
};

const One = ({ task, me, onChange }) => {
  const { data: receipt, problem, reload } = useReceipt(task);
  const { folder, root, name } = pathParts(task.path);
  return html`
    <${Neighbours} id=${task.id} />
    <${Heading} title=${name} detail=${[root, folder].filter(Boolean).join(" / ")} />
    <div class="task-top">
      <${State} task=${task} receipt=${receipt} />
      <${Actions} task=${task} me=${me} onChange=${onChange} />
    </div>
    <div class="task-columns">
      ${task.output && receipt?.output && html`<${Compare} task=${task} receipt=${receipt} />`}
      <div class="task-side">
        <${Facts} task=${task} />
        ${receipt && html`<${Findings} receipt=${receipt} />`}
      </div>
      <div class="task-rest">
        ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
        ${receipt && html`<${Receipt} receipt=${receipt} />`}
        <${Log} task=${task} />
      </div>
    </div>
  `;
};
