import { Q, Icon, Button, bytes, fe, Panel, counted, shownPath, Name, IconButton, Time, confirm, percent, count, useStore, sending, rate, duration, G, J, Notice, d, Link, sentence, live, change, Status, Select, Heading, useAnswer, Failure, Skeleton, api, onHandedOver, toast } from './app.js';
import { ofInput, keepsFiles, pick, asBegun, refusedInWords, MOST_FILES, withNews, sortOut, freeFor } from './files.js';
import { Bar } from './film.js';
import { terminate, drawn, wakeable, wake, agree, pause, resume, dismiss, mayBe, cancel, tasks, outbox, add } from './sender.js';
import './allowed.js';

// Where files are dropped or chosen. The whole window takes drops (`frame`); this is what shows it.
//
// Never in here: what becomes of the files.


/** `onFound(promise of what was found)`, as `files` describes it, answers with a promise. */
const DropZone = ({ isReading, onFound, extensions, maxBytes }) => {
  const files = Q(null);
  const folder = Q(null);
  const choose = (kind, input) => {
    // With a handle an upload goes on by itself after a reload.
    if (keepsFiles()) return onFound(pick(kind));
    return input.click();
  };
  const changed = ({ currentTarget: input }) => {
    const found = ofInput(input);
    input.value = "";
    onFound(Promise.resolve(found));
  };
  return fe`
    <div class="drop-zone ${isReading ? "reading" : ""}">
      <${Icon} name="add" size=${32} />
      <p class="drop-title">${isReading ? "Looking through the folders" : "Drop files or folders here"}</p>
      <div class="drop-buttons">
        <${Button} tone="primary" icon="file" onClick=${() => choose("files", files.current)}>Choose files<//>
        <${Button} icon="folder" onClick=${() => choose("folder", folder.current)}>Choose a folder<//>
      </div>
      <p class="drop-hint">${extensions.join(", ")}, up to ${bytes(maxBytes)} each. Folders keep their structure.</p>
      <input ref=${files} type="file" multiple hidden aria-label="Files" onChange=${changed} />
      <input ref=${folder} type="file" webkitdirectory hidden aria-label="Folder" onChange=${changed} />
    </div>
  `;
};

// Unfinished uploads that the service has and this tab does not send: of other people, programs and browsers.
//
// Never in here: those of this tab (`list`).


const ADDRESS = "/api/v1/uploads";

const STATES = {
  waiting: { text: "Stopped", tone: "waiting" },
  receiving: { text: "Being sent", tone: "running" },
  placing: { text: "Checked in", tone: "done" },
};

const Elsewhere = ({ uploads, rows, onChange }) => {
  const own = new Set(rows.flatMap(({ url, mark }) => [url, mark]));
  const isOwn = ({ id, mark }) => own.has(`${ADDRESS}/${id}`) || own.has(mark);
  const others = uploads.filter((upload) => upload.state !== "placed" && !isOwn(upload));
  if (others.length === 0) return null;
  const canGoOn = others.some((upload) => asBegun(upload) !== null);
  return fe`
    <${Panel} title="Unfinished, from elsewhere" class="outbox">
      <p class="quiet-text small">
        ${counted(others.length, "upload")} begun by another browser, person or program.
        ${canGoOn && " Those that stopped go on here when you choose the same file."}
      </p>
      <ul class="outbox-rows">
        ${others.map((upload) => fe`<${Upload} key=${upload.id} upload=${upload} onChange=${onChange} />`)}
      </ul>
    <//>
  `;
};

const Upload = ({ upload, onChange }) => {
  const name = shownPath(upload.name);
  const { text, tone } = STATES[upload.state] ?? { text: upload.state, tone: "quiet" };
  const part = upload.length_bytes > 0 ? (upload.offset_bytes / upload.length_bytes) * 100 : null;
  const remove = async () => {
    const isSure = await confirm({
      title: "Remove this upload",
      text: `${percent(part)} of ${name} has arrived. That is thrown away; the file itself stays where it came from.`,
      action: "Remove it",
    });
    if (!isSure) return;
    await terminate(`${ADDRESS}/${upload.id}`);
    onChange();
  };
  return fe`
    <li class="outbox-row">
      <span class="outbox-name"><${Name} path="${upload.resolution}/${upload.name}" /></span>
      <span class="outbox-bar"><${Bar} percent=${part} label="Sent of ${name}" tone=${tone} /></span>
      <span class="outbox-state">
        <span class="status ${tone}"><span class="status-mark" aria-hidden="true"></span>${text}</span>
      </span>
      <span class="outbox-bytes number">${bytes(upload.offset_bytes)} of ${bytes(upload.length_bytes)}</span>
      <span class="outbox-buttons">
        ${upload.state === "waiting" && fe`<${IconButton} icon="trash" label="Remove ${name}" onClick=${remove} />`}
      </span>
      ${upload.state === "waiting" && fe`
        <p class="outbox-reason">Removed by itself, if nothing more comes: <${Time} at=${upload.expires} /></p>
      `}
    </li>
  `;
};

// The list of files that are sent, with what may be done with each and with all.
//
// Never in here: how a row changes (`outbox`), sending (`sender`).


const HIDDEN = { sent: "sent", failed: "refused", asks: "that ask", waiting: "that wait or are paused" };

const idsOf = (rows) => rows.map(({ id }) => id);

/** `onCancelled()`: what the service had of some is gone. */
const List = ({ rows, onCancelled }) => {
  const { rows: shown, hidden } = drawn(rows);
  const unseen = Object.entries(HIDDEN)
    .filter(([kind]) => hidden[kind] > 0)
    .map(([kind, words]) => `${count(hidden[kind])} ${words}`);
  return fe`
    <${Panel} title="Files" class="outbox" actions=${fe`<${ForAll} rows=${rows} onCancelled=${onCancelled} />`}>
      <${Total} />
      <${Asleep} rows=${rows.filter(({ state }) => state === "asleep")} />
      <ul class="outbox-rows">
        ${shown.map((row) => fe`<${Row} key=${row.id} row=${row} onCancelled=${onCancelled} />`)}
      </ul>
      ${unseen.length > 0 && fe`<p class="outbox-unseen">Not shown: ${unseen.join(", ")}.</p>`}
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
  return fe`
    <div class="outbox-actions">
      ${asked.length > 1 && fe`<${Button} tone="quiet" icon="add" onClick=${() => agree(asked)}>Send all anyway<//>`}
      ${paused.length > 0 && fe`<${Button} tone="quiet" icon="pause" onClick=${() => pause(paused)}>Pause all<//>`}
      ${resumed.length > 0 && fe`
        <${Button} tone="quiet" icon="play" onClick=${() => resume(resumed)}>Go on with all<//>
      `}
      ${cancelled.length > 1 && fe`<${Button} tone="quiet" icon="cancel" onClick=${cancelAll}>Cancel all<//>`}
      ${dismissed.length > 0 && fe`
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
  return fe`
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
  const [easy, setEasy] = G(0);
  J(() => {
    wakeable().then(setEasy);
  }, [rows.length]);
  if (rows.length === 0) return null;
  const files = rows.length === 1 ? "1 file" : `${count(rows.length)} files`;
  return fe`
    <${Notice} tone="waiting" title="${files} of an earlier visit ${rows.length === 1 ? "is" : "are"} not sent yet"
      actions=${easy > 0 && fe`<${Button} tone="primary" icon="play" onClick=${() => wake(true)}>Go on<//>`}>
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
class Row extends d {
  shouldComponentUpdate({ row }) {
    return row !== this.props.row;
  }

  render({ row, onCancelled }) {
    return fe`<${Content} row=${row} onCancelled=${onCancelled} />`;
  }
}

const Content = ({ row, onCancelled }) => {
  const task = useStore(tasks, (known) => known[row.task]);
  const href = row.task && `/tasks/${encodeURIComponent(row.task)}`;
  const name = fe`<${Name} path=${row.placedPath ?? `${row.resolution}/${row.path}`} />`;
  return fe`
    <li class="outbox-row ${row.state}">
      <span class="outbox-name">${href ? fe`<${Link} href=${href}>${name}<//>` : name}</span>
      ${row.state === "sent" ? fe`<${AsTask} row=${row} task=${task} />` : fe`<${Progress} row=${row} />`}
      <${RowActions} row=${row} onCancelled=${onCancelled} />
      ${row.reason && fe`<p class="outbox-reason">${sentence(row.reason)}</p>`}
    </li>
  `;
};

const Progress = ({ row }) => {
  const part = row.sizeBytes > 0 ? (row.sentBytes / row.sizeBytes) * 100 : 0;
  return fe`
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
  return fe`
    <span class="outbox-bar">
      ${isRunning && fe`<${Bar} percent=${part} label="Encoded of ${shownPath(row.path)}" tone=${tone} />`}
      ${task && !isRunning && fe`
        <span class="outbox-summary">${task.summary ?? sentence(task.reason ?? task.error)}</span>
      `}
    </span>
    <span class="outbox-state">
      ${task ? fe`<${Status} task=${{ ...task, frozen }} />` : fe`<${State} state="sent" />`}
    </span>
    <span class="outbox-bytes number">${isRunning ? percent(part) : size}</span>
  `;
};

const State = ({ state }) => fe`
  <span class="status ${TONES[state]}"><span class="status-mark" aria-hidden="true"></span>${WORDS[state]}</span>
`;

const RowActions = ({ row, onCancelled }) => {
  const may = mayBe(row);
  const ids = [row.id];
  const name = shownPath(row.path);
  return fe`
    <span class="outbox-buttons">
      ${row.state === "asks" && fe`<${Button} onClick=${() => agree(ids)}>Send anyway<//>`}
      ${may.paused && fe`<${IconButton} icon="pause" label="Pause ${name}" onClick=${() => pause(ids)} />`}
      ${may.resumed && fe`<${IconButton} icon="play" label="Go on with ${name}" onClick=${() => resume(ids)} />`}
      ${may.retried && fe`<${IconButton} icon="retry" label="Try ${name} again" onClick=${() => resume(ids)} />`}
      ${may.cancelled && fe`
        <${IconButton} icon="cancel" label="Cancel ${name}" onClick=${() => cancel(ids).then(onCancelled)} />
      `}
      ${may.dismissed && fe`
        <${IconButton} icon="check" label="Take ${name} off the list" onClick=${() => dismiss(ids)} />
      `}
    </span>
  `;
};

// What was chosen and is not sent, with the reasons.
//
// Never in here: the decision (`wanted`).


/** More are told of by their number. */
const LISTED = 50;

const WhatWasLeftOut = ({ refused, unread, isCut, isEmpty, onClose }) => {
  if (refused.length === 0 && unread === 0 && !isCut && !isEmpty) return null;
  const close = fe`<${Button} tone="quiet" onClick=${onClose}>Close<//>`;
  if (isEmpty && unread === 0) {
    return fe`
      <${Notice} tone="waiting" title="There were no files in it" actions=${close}>
        <p>Choose videos, or a folder with videos.</p>
      <//>
    `;
  }
  const title = `${counted(refused.length + unread, "file is", "files are")} not sent`;
  return fe`
    <${Notice} tone="waiting" title=${title} actions=${close}>
      <p>${[
        refusedInWords(refused),
        unread > 0 && `${unread} could not be read`,
        isCut && `only the first ${count(MOST_FILES)} were looked at`,
      ]
        .filter(Boolean)
        .join("; ")}.</p>
      ${
        refused.length > 0 &&
        fe`
        <details class="left-out">
          <summary>Which, and why</summary>
          <ul>${refused.slice(0, LISTED).map(
            ({ file, reason }) => fe`
            <li key=${file.path}><bdi class="left-out-name">${shownPath(file.path)}</bdi> <span>${reason}</span></li>
          `,
          )}</ul>
          ${refused.length > LISTED && fe`<p>And ${refused.length - LISTED} more.</p>`}
        </details>
      `
      }
    <//>
  `;
};

// What is wanted of files that are added: folder, profile, priority.
//
// Never in here: files.


const KEY = "wish";
const USUAL = 720;

const PRIORITIES = [
  { value: "10", text: "High: before all others" },
  { value: "0", text: "Normal" },
  { value: "-10", text: "Low: when nothing else waits" },
];

const lastWish = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
};

/** Where and how files went last time, as far as that is still there to choose. */
const firstWish = ({ resolutions, profiles }) => {
  const last = lastWish();
  const heights = resolutions.map(({ height }) => height);
  const usual = heights.includes(USUAL) ? USUAL : (heights[0] ?? USUAL);
  return {
    resolution: heights.includes(last.resolution) ? last.resolution : usual,
    profile: profiles.some(({ name }) => name === last.profile) ? last.profile : null,
    priority: 0,
  };
};

const keepWish = ({ resolution, profile }) => {
  try {
    localStorage.setItem(KEY, JSON.stringify({ resolution, profile }));
  } catch {
    // Then the usual ones are chosen next time.
  }
};

/** `wish`: {resolution, profile (null: that of the folder), priority}. */
const Wishes = ({ choices, wish, onChange }) => {
  const folder = choices.resolutions.find(({ height }) => height === wish.resolution);
  const heights = choices.resolutions.map(({ height }) => ({ value: String(height), text: `${height}p` }));
  const profiles = [
    { value: "", text: `${folder?.profile ?? choices.default_profile}, that of the folder` },
    ...choices.profiles.map(({ name }) => ({ value: name, text: name })),
  ];
  const profile = choices.profiles.find(({ name }) => name === (wish.profile ?? folder?.profile));
  return fe`
    <div class="wishes">
      <${Select} label="Resolution" options=${heights} value=${String(wish.resolution)}
        onChange=${(value) => onChange({ ...wish, resolution: Number(value) })} />
      <${Select} label="Profile" options=${profiles} value=${wish.profile ?? ""} hint=${profile?.summary}
        onChange=${(value) => onChange({ ...wish, profile: value || null })} />
      <${Select} label="Priority" options=${PRIORITIES} value=${String(wish.priority)}
        onChange=${(value) => onChange({ ...wish, priority: Number(value) })} />
    </div>
  `;
};

// The view Add files: what is chosen or dropped is checked, sent, and shown until it has become a task.
//
// Never in here: how files are sent (`sender`), which are wanted (`wanted`).


function Add({ me }) {
  if (me.role === "viewer") {
    return fe`
      <${Heading} title="Add files" />
      <${Notice} title="You may look, and not add files">
        <p>Adding needs the role operator. An administrator can give it to you in Settings, Users.</p>
      <//>
    `;
  }
  return fe`<${Adding} />`;
}

const loadChoices = (signal) => api.get("/choices", { signal });

const DETAIL = "Yours stay where they are; a copy is sent to the service and compressed there.";

const Adding = () => {
  const { data: choices, problem, reload } = useAnswer(loadChoices, []);
  // One heading over all states: it has the focus of who came by keys.
  return fe`
    <${Heading} title="Add files" detail=${DETAIL} />
    ${choices && fe`<${Sending} choices=${choices} />`}
    ${!choices && problem && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
    ${!choices && !problem && fe`<${Skeleton} lines=${4} height=${44} />`}
  `;
};

/** What the service has begun, kept up to date. */
const useUploads = () => {
  const { data, reload } = useAnswer((signal) => api.get("/uploads", { signal }), []);
  const [uploads, setUploads] = G([]);
  J(() => setUploads(data ?? []), [data]);
  J(() => {
    const ends = [live.onUploads((news) => setUploads((before) => withNews(before, news))), live.onReset(reload)];
    return () => ends.forEach((end) => end());
  }, [reload]);
  return { uploads, reload };
};

const tell = (error) => void toast(error.message, { tone: "failed" });

const limitsOf = async (choices, wish, uploads) => {
  const { disks } = await api.get("/system").catch(() => ({ disks: [] }));
  return {
    extensions: choices.extensions,
    maxBytes: choices.upload_max_bytes,
    freeBytes: freeFor(wish.resolution, disks, uploads, outbox.get()),
    size: bytes,
  };
};

const Sending = ({ choices }) => {
  const [wish, setWish] = G(() => firstWish(choices));
  const [isReading, setIsReading] = G(false);
  const [leftOut, setLeftOut] = G(null);
  /** Dropped on another view: here one may first choose where they go. */
  const [held, setHeld] = G(null);
  const { uploads, reload } = useUploads();
  const rows = useStore(outbox);
  const latestWish = Q(wish);
  latestWish.current = wish;

  const choose = (next) => {
    keepWish(next);
    setWish(next);
  };
  const send = async (found) => {
    const wanted = latestWish.current;
    const begun = await api.get("/uploads").catch(() => []);
    const sorted = sortOut(found.files, outbox.get(), begun, wanted.resolution, await limitsOf(choices, wanted, begun));
    setLeftOut({
      refused: sorted.refused,
      unread: found.unread,
      isCut: found.isCut,
      isEmpty: found.files.length === 0,
    });
    await add(sorted, wanted);
    reload();
  };
  const take = async (promised, isChosenHere) => {
    setIsReading(true);
    setLeftOut(null);
    const found = await promised.finally(() => setIsReading(false));
    if (found === null) return;
    if (isChosenHere || found.files.length === 0) await send(found);
    else setHeld(found);
  };
  J(() => onHandedOver(({ found, isChosenHere }) => take(found, isChosenHere).catch(tell)), []);

  return fe`
    <${Wishes} choices=${choices} wish=${wish} onChange=${choose} />
    ${
      held
        ? fe`<${Held} found=${held} wish=${wish} onSend=${() => {
            setHeld(null);
            return send(held);
          }} onLeave=${() => setHeld(null)} />`
        : fe`<${DropZone} isReading=${isReading} onFound=${(found) => take(found, true)}
            extensions=${choices.extensions}
          maxBytes=${choices.upload_max_bytes} />`
    }
    <div class="told" aria-live="polite">
      ${leftOut && fe`<${WhatWasLeftOut} ...${leftOut} onClose=${() => setLeftOut(null)} />`}
    </div>
    ${rows.length > 0 && fe`<${List} rows=${rows} onCancelled=${reload} />`}
    <${Elsewhere} uploads=${uploads} rows=${rows} onChange=${reload} />
  `;
};

const Held = ({ found, wish, onSend, onLeave }) => {
  const size = found.files.reduce((total, file) => total + file.sizeBytes, 0);
  const files = found.files.length === 1 ? "1 file" : `${count(found.files.length)} files`;
  const actions = fe`
    <${Button} tone="primary" icon="add" onClick=${onSend}>Send to ${wish.resolution}<//>
    <${Button} tone="quiet" onClick=${onLeave}>Leave out<//>
  `;
  return fe`
    <${Panel} class="held" title="Ready to send">
      <${Notice} title="${files}, ${bytes(size)}" actions=${actions}>
        <p>Choose above where they go and how, then send them.</p>
      <//>
    <//>
  `;
};

export { Add as default };
