// The list of files that are sent, with what may be done with each and with all.
//
// Never in here: how a row changes (`outbox`), sending (`sender`).

import { bytes, change, count, duration, percent, rate, sentence, shownPath } from "../../lib/format.js";
import { Component, html, useEffect, useState, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Bar, Button, confirm, IconButton, Link, Name, Notice, Panel, Status } from "../../lib/parts.js";
import { sending } from "../../lib/sending.js";
import { drawn, mayBe } from "./outbox.js";
import { agree, cancel, dismiss, pause, resume, tasks, wake, wakeable } from "./sender.js";

const HIDDEN = { sent: "sent", failed: "refused", asks: "that ask", waiting: "that wait or are paused" };

const idsOf = (rows) => rows.map(({ id }) => id);

/** `onCancelled()`: what the service had of some is gone. */
export const List = ({ rows, onCancelled }) => {
  const { rows: shown, hidden } = drawn(rows);
  const unseen = Object.entries(HIDDEN)
    .filter(([kind]) => hidden[kind] > 0)
    .map(([kind, words]) => `${count(hidden[kind])} ${words}`);
  return html`
    <${Panel} title="Files" class="outbox" actions=${html`<${ForAll} rows=${rows} onCancelled=${onCancelled} />`}>
      <${Total} />
      <${Asleep} rows=${rows.filter(({ state }) => state === "asleep")} />
      <ul class="outbox-rows">
        ${shown.map((row) => html`<${Row} key=${row.id} row=${row} onCancelled=${onCancelled} />`)}
      </ul>
      ${unseen.length > 0 && html`<p class="outbox-unseen">Not shown: ${unseen.join(", ")}.</p>`}
    <//>
  `;
};

const ForAll = ({ rows, onCancelled }) => {
  const those = (what) => idsOf(rows.filter((row) => mayBe(row)[what]));
  const [paused, resumed, cancelled, dismissed] = ["paused", "resumed", "cancelled", "dismissed"].map(those);
  const asked = idsOf(rows.filter(({ state }) => state === "asks"));
  const cancelAll = async () => {
    const isSure = await confirm({
      title: cancelled.length === 1 ? "Cancel this upload" : `Cancel ${count(cancelled.length)} uploads`,
      text: "What was sent of them is thrown away. Files that are sent stay.",
      action: "Cancel them",
    });
    if (!isSure) return;
    await cancel(cancelled);
    onCancelled();
  };
  return html`
    <div class="outbox-actions">
      ${asked.length > 1 && html`<${Button} tone="quiet" icon="add" onClick=${() => agree(asked)}>Send all anyway<//>`}
      ${paused.length > 0 && html`<${Button} tone="quiet" icon="pause" onClick=${() => pause(paused)}>Pause all<//>`}
      ${resumed.length > 0 && html`
        <${Button} tone="quiet" icon="play" onClick=${() => resume(resumed)}>Go on with all<//>
      `}
      ${cancelled.length > 1 && html`<${Button} tone="quiet" icon="cancel" onClick=${cancelAll}>Cancel all<//>`}
      ${dismissed.length > 0 && html`
        <${Button} tone="quiet" icon="check" onClick=${() => dismiss(dismissed)}>Clear sent<//>
      `}
    </div>
  `;
};

const TOTAL_TONES = {
  lost: "waiting",
  paused: "waiting",
  unfinished: "waiting",
  asks: "waiting",
  idle: "done",
  sending: "running",
};

const Total = () => {
  const all = useStore(sending);
  const part = all.totalBytes > 0 ? (all.sentBytes / all.totalBytes) * 100 : 0;
  return html`
    <div class="outbox-total">
      <${Bar} percent=${part} label="All files" tone=${TOTAL_TONES[all.state]} />
      <dl class="figures">
        <div><dt>Sent</dt><dd class="number">${all.doneFiles} of ${all.files}</dd></div>
        <div><dt>Bytes</dt><dd class="number">${bytes(all.sentBytes)} of ${bytes(all.totalBytes)}</dd></div>
        <div><dt>Rate</dt><dd class="number">${rate(all.bytesPerSecond)}</dd></div>
        <div><dt>Left</dt><dd class="number">${duration(all.secondsLeft)}</dd></div>
      </dl>
    </div>
  `;
};

/** Files of an earlier visit: what it takes to go on with them. */
const Asleep = ({ rows }) => {
  const [easy, setEasy] = useState(0);
  useEffect(() => {
    wakeable().then(setEasy);
  }, [rows.length]);
  if (rows.length === 0) return null;
  const files = rows.length === 1 ? "1 file" : `${count(rows.length)} files`;
  return html`
    <${Notice} tone="waiting" title="${files} of an earlier visit ${rows.length === 1 ? "is" : "are"} not sent yet"
      actions=${easy > 0 && html`<${Button} tone="primary" icon="play" onClick=${() => wake(true)}>Go on<//>`}>
      <p>${
        easy === rows.length
          ? "The browser asks whether the page may read them again."
          : "Choose or drop the same files or folders again: each goes on where it stopped."
      }</p>
    <//>
  `;
};

const WORDS = {
  waiting: "Waits for its turn",
  asks: "Asks you",
  sending: "Sending",
  lost: "Connection lost, goes on by itself",
  paused: "Paused",
  asleep: "Choose the file again",
  placing: "Checked in",
  sent: "Sent",
  failed: "Refused",
};
const TONES = {
  sending: "running",
  lost: "waiting",
  paused: "waiting",
  asleep: "waiting",
  asks: "waiting",
  placing: "done",
  sent: "done",
  failed: "failed",
  waiting: "quiet",
};

/** Drawn anew only when its row changes: there may be hundreds. */
class Row extends Component {
  shouldComponentUpdate({ row }) {
    return row !== this.props.row;
  }

  render({ row, onCancelled }) {
    return html`<${Content} row=${row} onCancelled=${onCancelled} />`;
  }
}

const Content = ({ row, onCancelled }) => {
  const task = useStore(tasks, (known) => known[row.task]);
  const href = row.task && `/tasks/${encodeURIComponent(row.task)}`;
  const name = html`<${Name} path=${row.placedPath ?? `${row.resolution}/${row.path}`} />`;
  return html`
    <li class="outbox-row ${row.state}">
      <span class="outbox-name">${href ? html`<${Link} href=${href}>${name}<//>` : name}</span>
      ${row.state === "sent" ? html`<${AsTask} row=${row} task=${task} />` : html`<${Progress} row=${row} />`}
      <${RowActions} row=${row} onCancelled=${onCancelled} />
      ${row.reason && html`<p class="outbox-reason">${sentence(row.reason)}</p>`}
    </li>
  `;
};

const Progress = ({ row }) => {
  const part = row.sizeBytes > 0 ? (row.sentBytes / row.sizeBytes) * 100 : 0;
  return html`
    <span class="outbox-bar">
      <${Bar} percent=${part} label="Sent of ${shownPath(row.path)}" tone=${TONES[row.state]} />
    </span>
    <span class="outbox-state"><${State} state=${row.state} /></span>
    <span class="outbox-bytes number">${bytes(row.sentBytes)} of ${bytes(row.sizeBytes)}</span>
  `;
};

/** A file that has been sent is followed until it is compressed. */
const AsTask = ({ row, task }) => {
  const encode = useStore(live, ({ encodes }) => encodes.find(({ id }) => id === row.task));
  const isRunning = task?.status === "processing";
  const frozen = encode?.frozen ?? false;
  const tone = frozen ? "waiting" : "running";
  const part = isRunning ? (encode?.progress.percent ?? task.progress?.percent ?? null) : null;
  const size = task?.size_after_bytes ? change(task.size_before_bytes, task.size_after_bytes) : bytes(row.sizeBytes);
  return html`
    <span class="outbox-bar">
      ${isRunning && html`<${Bar} percent=${part} label="Encoded of ${shownPath(row.path)}" tone=${tone} />`}
      ${task && !isRunning && html`
        <span class="outbox-summary">${task.summary ?? sentence(task.reason ?? task.error)}</span>
      `}
    </span>
    <span class="outbox-state">
      ${task ? html`<${Status} task=${{ ...task, frozen }} />` : html`<${State} state="sent" />`}
    </span>
    <span class="outbox-bytes number">${isRunning ? percent(part) : size}</span>
  `;
};

const State = ({ state }) => html`
  <span class="status ${TONES[state]}"><span class="status-mark" aria-hidden="true"></span>${WORDS[state]}</span>
`;

const RowActions = ({ row, onCancelled }) => {
  const may = mayBe(row);
  const ids = [row.id];
  const name = shownPath(row.path);
  return html`
    <span class="outbox-buttons">
      ${row.state === "asks" && html`<${Button} onClick=${() => agree(ids)}>Send anyway<//>`}
      ${may.paused && html`<${IconButton} icon="pause" label="Pause ${name}" onClick=${() => pause(ids)} />`}
      ${may.resumed && html`<${IconButton} icon="play" label="Go on with ${name}" onClick=${() => resume(ids)} />`}
      ${may.retried && html`<${IconButton} icon="retry" label="Try ${name} again" onClick=${() => resume(ids)} />`}
      ${may.cancelled && html`
        <${IconButton} icon="cancel" label="Cancel ${name}" onClick=${() => cancel(ids).then(onCancelled)} />
      `}
      ${may.dismissed && html`
        <${IconButton} icon="check" label="Take ${name} off the list" onClick=${() => dismiss(ids)} />
      `}
    </span>
  `;
};
