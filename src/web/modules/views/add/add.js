// The view Add files: what is chosen or dropped is checked, sent, and shown until it has become a task.
//
// Never in here: how files are sent (`sender`), which are wanted (`wanted`).

import { api } from "../../lib/api.js";
import { bytes, count } from "../../lib/format.js";
import { html, useAnswer, useEffect, useRef, useState, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Button, Failure, Heading, Notice, Panel, Skeleton, toast } from "../../lib/parts.js";
import { onHandedOver } from "../../lib/sending.js";
import { DropZone } from "./drop_zone.js";
import { Elsewhere } from "./elsewhere.js";
import { List } from "./list.js";
import { WhatWasLeftOut } from "./left_out.js";
import { add, outbox } from "./sender.js";
import { freeFor, sortOut, withNews } from "./wanted.js";
import { firstWish, keepWish, Wishes } from "./wishes.js";

export default function Add({ me }) {
  if (me.role === "viewer") {
    return html`
      <${Heading} title="Add files" />
      <${Notice} title="You may look, and not add files">
        <p>Adding needs the role operator. An administrator can give it to you in Settings, Users.</p>
      <//>
    `;
  }
  return html`<${Adding} />`;
}

const loadChoices = (signal) => api.get("/choices", { signal });

const DETAIL = "Yours stay where they are; a copy is sent to the service and compressed there.";

const Adding = () => {
  const { data: choices, problem, reload } = useAnswer(loadChoices, []);
  // One heading over all states: it has the focus of who came by keys.
  return html`
    <${Heading} title="Add files" detail=${DETAIL} />
    ${choices && html`<${Sending} choices=${choices} />`}
    ${!choices && problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
    ${!choices && !problem && html`<${Skeleton} lines=${4} height=${44} />`}
  `;
};

/** What the service has begun, kept up to date. */
const useUploads = () => {
  const { data, reload } = useAnswer((signal) => api.get("/uploads", { signal }), []);
  const [uploads, setUploads] = useState([]);
  useEffect(() => setUploads(data ?? []), [data]);
  useEffect(() => {
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
  const [wish, setWish] = useState(() => firstWish(choices));
  const [isReading, setIsReading] = useState(false);
  const [leftOut, setLeftOut] = useState(null);
  /** Dropped on another view: here one may first choose where they go. */
  const [held, setHeld] = useState(null);
  const { uploads, reload } = useUploads();
  const rows = useStore(outbox);
  const latestWish = useRef(wish);
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
  useEffect(() => onHandedOver(({ found, isChosenHere }) => take(found, isChosenHere).catch(tell)), []);

  return html`
    <${Wishes} choices=${choices} wish=${wish} onChange=${choose} />
    ${
      held
        ? html`<${Held} found=${held} wish=${wish} onSend=${() => {
            setHeld(null);
            return send(held);
          }} onLeave=${() => setHeld(null)} />`
        : html`<${DropZone} isReading=${isReading} onFound=${(found) => take(found, true)}
            extensions=${choices.extensions}
          maxBytes=${choices.upload_max_bytes} />`
    }
    <div class="told" aria-live="polite">
      ${leftOut && html`<${WhatWasLeftOut} ...${leftOut} onClose=${() => setLeftOut(null)} />`}
    </div>
    ${rows.length > 0 && html`<${List} rows=${rows} onCancelled=${reload} />`}
    <${Elsewhere} uploads=${uploads} rows=${rows} onChange=${reload} />
  `;
};

const Held = ({ found, wish, onSend, onLeave }) => {
  const size = found.files.reduce((total, file) => total + file.sizeBytes, 0);
  const files = found.files.length === 1 ? "1 file" : `${count(found.files.length)} files`;
  const actions = html`
    <${Button} tone="primary" icon="add" onClick=${onSend}>Send to ${wish.resolution}<//>
    <${Button} tone="quiet" onClick=${onLeave}>Leave out<//>
  `;
  return html`
    <${Panel} class="held" title="Ready to send">
      <${Notice} title="${files}, ${bytes(size)}" actions=${actions}>
        <p>Choose above where they go and how, then send them.</p>
      <//>
    <//>
  `;
};
