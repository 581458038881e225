// What is asked before chosen tasks get another priority or resolution.
// Never in here: what is then done (`orders.js`).

import { api } from "../../lib/api.js";
import { counted } from "../../lib/format.js";
import { html, useAnswer, useEffect, useRef, useState } from "../../lib/html.js";
import { Button, Dialog, Failure, Field, Select, Skeleton, toast } from "../../lib/parts.js";
import { moveTo, setPriority } from "./orders.js";
import { countOf, possibleTasks } from "./target.js";

const SUGGESTED = [
  { value: 10, text: "Before others" },
  { value: 0, text: "Usual" },
  { value: -10, text: "After others" },
];
/** What the API takes. */
const HIGHEST = 2_147_483_647;

const files = (target, action) => counted(countOf(target, action), "file");

/** Asks for a priority. `target`: of target.js. */
export function PriorityDialog({ target, onClose }) {
  const tasks = possibleTasks(target, "priority");
  const [text, setText] = useState(String(tasks?.length === 1 ? tasks[0].priority : 0));
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
  const actions = html`
    <${Button} onClick=${onClose}>Leave it<//>
    <${Button} tone="primary" onClick=${save}>Set priority<//>
  `;
  return html`
    <${Dialog} open title="Priority of ${files(target, "priority")}" onClose=${onClose} actions=${actions}>
      <form onSubmit=${submit}>
        <${Field} label="Priority" type="number" step="1" value=${text}
          onInput=${(event) => setText(event.currentTarget.value)}
          hint="Higher is encoded first; 0 is usual." error=${isValid ? null : "A whole number, as 10 or -5"} />
      </form>
      <div class="suggested">
        ${SUGGESTED.map(
          (one) => html`
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
export function HeightDialog({ target, onClose }) {
  const choices = useAnswer((signal) => api.get("/choices", { signal }), []);
  const [height, setHeight] = useState(null);
  const [progress, setProgress] = useState(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const heights = choices.data?.resolutions.map((one) => one.height) ?? [];
  const chosen = height ?? heights[0];
  const move = async () => {
    try {
      await moveTo(target, chosen, (done, all) => setProgress({ done, all }), stop.current.signal);
    } finally {
      onClose();
    }
  };
  const actions = html`
    <${Button} onClick=${onClose}>${progress ? "Stop" : "Leave it"}<//>
    <${Button} tone="primary" busy=${!choices.data} onClick=${move}>Move<//>
  `;
  const options = heights.map((one) => ({ value: String(one), text: String(one) }));
  return html`
    <${Dialog} open title="Another resolution for ${files(target, "move")}" onClose=${onClose} actions=${actions}>
      ${choices.problem && html`<${Failure} problem=${choices.problem} onRetry=${choices.reload} />`}
      ${!choices.data && !choices.problem && html`<${Skeleton} lines=${2} height=${36} />`}
      ${
        choices.data &&
        html`
        <${Select} label="Resolution" options=${options} value=${String(chosen)}
          onChange=${(text) => setHeight(Number(text))} />
        <p class="small quiet-text">The source moves into that folder of input and becomes a new task there.</p>
      `
      }
      <p role="status">${progress && `Moved ${progress.done} of ${progress.all}`}</p>
    <//>
  `;
}
