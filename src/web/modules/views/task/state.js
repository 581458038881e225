// What is going on with a task, in words, and the way out where something is wrong.
//
// Never in here: what may be ordered (`buttons`).

import { api } from "../../lib/api.js";
import { bytes, change, duration, fps, percent, sentence, speed, stage } from "../../lib/format.js";
import { html, useAnswer, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Film, Link, Notice, Status, Thumbnail } from "../../lib/parts.js";
import { isStandingStill } from "../../lib/trouble.js";
import { beyondSizes, isFailed, isRunning, isWaiting, placeInWords, twinOf, waitOf } from "./actions.js";
import { leftBecause } from "./receipt.js";

export const State = ({ task: own, receipt }) => {
  const isQueueFrozen = useStore(live, ({ queue }) => isStandingStill(queue));
  const task = { ...own, frozen: isRunning(own) && (own.frozen || isQueueFrozen) };
  return html`<${Shown} task=${task} receipt=${receipt} isQueueFrozen=${isQueueFrozen} />`;
};

const Shown = ({ task, receipt, isQueueFrozen }) => html`
  <section class="task-state" aria-label="State">
    ${!task.output && !isFailed(task) && html`<${Thumbnail} id=${task.id} resolution=${task.resolution} />`}
    <div class="task-words">
      <p class="task-status">
        <${Status} task=${task} />
        ${task.archived && html`<span class="quiet-text small">In the archive</span>`}
      </p>
      <${Words} task=${task} receipt=${receipt} isQueueFrozen=${isQueueFrozen} />
    </div>
  </section>
`;

const Words = ({ task, receipt, isQueueFrozen }) => {
  if (isRunning(task)) return html`<${Running} task=${task} isQueueFrozen=${isQueueFrozen} />`;
  if (isWaiting(task)) return html`<${Waiting} task=${task} />`;
  if (isFailed(task)) {
    return html`
      <${Notice} tone="failed" title="It was not compressed">
        <p class="task-reason">${sentence(task.error ?? task.reason)}</p>
        <p>The source is as it was.</p>
      <//>
    `;
  }
  if (task.status === "processed") return html`<${Saved} task=${task} />`;
  const reasons = receipt ? leftBecause(receipt) : [];
  const twin = twinOf(task);
  const [reason, ...more] = reasons.length > 0 ? reasons : [task.reason];
  return html`
    <p class="task-reason">${sentence(reason)}</p>
    ${more.map((text) => html`<p key=${text} class="quiet-text small">${sentence(text)}</p>`)}
    ${twin && html`<p><${Link} href="/tasks/${encodeURIComponent(twin)}">The file with the same content<//></p>`}
    ${task.status === "skipped" && html`<p class="quiet-text small">The source is as it was.</p>`}
  `;
};

const Saved = ({ task }) => html`
  <p class="task-saving">
    <span class="number">${bytes(task.size_before_bytes)}</span>
    <span aria-label="became">→</span>
    <span class="number">${bytes(task.size_after_bytes)}</span>
    <strong class="task-saved number">${change(task.size_before_bytes, task.size_after_bytes)}</strong>
  </p>
  <p class="quiet-text small">${beyondSizes(task.summary)}</p>
`;

const Running = ({ task, isQueueFrozen }) => {
  const progress = task.progress ?? {};
  const tone = task.frozen ? "waiting" : "running";
  const before = task.size_before_bytes;
  const projected = progress.projected_bytes;
  const between =
    progress.low_bytes && progress.high_bytes ? ` (${bytes(progress.low_bytes)} to ${bytes(progress.high_bytes)})` : "";
  return html`
    <${Film} pieces=${progress.pieces ?? null} percent=${progress.percent ?? null} label="Encoded" tone=${tone} />
    <dl class="task-numbers">
      <div><dt>${stage(progress.stage)}</dt><dd class="number">${percent(progress.percent, 1)}</dd></div>
      <div><dt>Frames</dt><dd class="number">${fps(progress.fps)}</dd></div>
      <div><dt>Speed</dt><dd class="number">${speed(progress.speed)}</dd></div>
      <div><dt>Left</dt><dd class="number">${task.frozen ? "stands still" : duration(progress.seconds_left)}</dd></div>
      <div><dt>Written</dt><dd class="number">${bytes(progress.written_bytes)}</dd></div>
      <div class="wide"><dt>Will be${between}</dt><dd class="number">
        ${
          projected
            ? html`${bytes(before)} → ${bytes(projected)} <span class="task-saved">${change(before, projected)}</span>`
            : "not known yet"
        }
      </dd></div>
    </dl>
    ${
      task.frozen &&
      html`<p class="quiet-text small">
      It stands still with all that it has, until somebody lets ${isQueueFrozen ? "the queue" : "it"} go on.
    </p>`
    }
  `;
};

/** More before it are not counted. */
const COUNTED = 500;

/** How many are begun before this one; null: more than are counted. */
const placeOf = async (id, signal) => {
  const { tasks } = await api.get("/tasks", { query: { status: "queued", sort: "turn", limit: COUNTED }, signal });
  const at = tasks.findIndex((task) => task.id === id);
  return at < 0 ? null : at;
};

const Waiting = ({ task }) => {
  const { text, wayOut, twin } = waitOf(task);
  const queue = useStore(live, (known) => known.queue);
  const queued = queue?.counts?.queued ?? 0;
  const { data: before } = useAnswer((signal) => placeOf(task.id, signal), [task.id, task.priority, queued]);
  const isFarBack = before === null && queued > COUNTED;
  const place = task.waiting_for ? null : placeInWords(before ?? null);
  return html`
    <p class="task-reason">${text} ${place ?? (isFarBack ? `More than ${COUNTED} are before it.` : "")}</p>
    ${wayOut && html`<p>${wayOut}</p>`}
    ${twin && html`<p><${Link} href="/tasks/${encodeURIComponent(twin)}">The file with the same content<//></p>`}
    ${queue?.paused_since && html`
      <p>The queue is paused: nothing is begun. <${Link} href="/queue">To the queue<//></p>
    `}
    ${queue?.hours_begin && html`<p>It is outside the hours of the schedule.</p>`}
  `;
};
