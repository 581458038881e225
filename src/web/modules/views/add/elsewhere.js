// Unfinished uploads that the service has and this tab does not send: of other people, programs and browsers.
//
// Never in here: those of this tab (`list`).

import { bytes, counted, percent, shownPath } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Bar, confirm, IconButton, Name, Panel, Time } from "../../lib/parts.js";
import { terminate } from "./sender.js";
import { asBegun } from "./wanted.js";

const ADDRESS = "/api/v1/uploads";

const STATES = {
  waiting: { text: "Stopped", tone: "waiting" },
  receiving: { text: "Being sent", tone: "running" },
  placing: { text: "Checked in", tone: "done" },
};

export const Elsewhere = ({ uploads, rows, onChange }) => {
  const own = new Set(rows.flatMap(({ url, mark }) => [url, mark]));
  const isOwn = ({ id, mark }) => own.has(`${ADDRESS}/${id}`) || own.has(mark);
  const others = uploads.filter((upload) => upload.state !== "placed" && !isOwn(upload));
  if (others.length === 0) return null;
  const canGoOn = others.some((upload) => asBegun(upload) !== null);
  return html`
    <${Panel} title="Unfinished, from elsewhere" class="outbox">
      <p class="quiet-text small">
        ${counted(others.length, "upload")} begun by another browser, person or program.
        ${canGoOn && " Those that stopped go on here when you choose the same file."}
      </p>
      <ul class="outbox-rows">
        ${others.map((upload) => html`<${Upload} key=${upload.id} upload=${upload} onChange=${onChange} />`)}
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
  return html`
    <li class="outbox-row">
      <span class="outbox-name"><${Name} path="${upload.resolution}/${upload.name}" /></span>
      <span class="outbox-bar"><${Bar} percent=${part} label="Sent of ${name}" tone=${tone} /></span>
      <span class="outbox-state">
        <span class="status ${tone}"><span class="status-mark" aria-hidden="true"></span>${text}</span>
      </span>
      <span class="outbox-bytes number">${bytes(upload.offset_bytes)} of ${bytes(upload.length_bytes)}</span>
      <span class="outbox-buttons">
        ${upload.state === "waiting" && html`<${IconButton} icon="trash" label="Remove ${name}" onClick=${remove} />`}
      </span>
      ${upload.state === "waiting" && html`
        <p class="outbox-reason">Removed by itself, if nothing more comes: <${Time} at=${upload.expires} /></p>
      `}
    </li>
  `;
};
