// What may be done with a task: buttons, a menu, and the dialogs that ask for more.
//
// Never in here: which of them are offered (`actions`).

import { address, api } from "../../lib/api.js";
import { html, useAnswer, useState } from "../../lib/html.js";
import { Button, confirm, Dialog, Failure, Icon, Menu, Select, Skeleton, toast } from "../../lib/parts.js";
import { go } from "../../lib/route.js";
import { actionsFor, isFailed, isRunning, priorities } from "./actions.js";

const order = (task, what, query) => api.post(`/tasks/${encodeURIComponent(task.id)}/${what}`, {}, { query });

/** What each action is called, and does: `run(task, onChange)`, or `dialog`. */
const ACTIONS = {
  freeze: { text: "Freeze", icon: "freeze", run: async (task, onChange) => onChange(await order(task, "freeze")) },
  thaw: { text: "Go on", icon: "play", run: async (task, onChange) => onChange(await order(task, "thaw")) },
  retry: { text: "Encode again", icon: "retry", run: (task, onChange) => again(task, onChange, {}) },
  retry_forced: {
    text: "Take the result anyway",
    icon: "retry",
    run: (task, onChange) => again(task, onChange, { force: true }),
  },
  profile: { text: "Change the profile", icon: "settings", dialog: "profile" },
  priority: { text: "Change the priority", icon: "sort", dialog: "priority" },
  move: { text: "Move to another resolution", icon: "folder", dialog: "move" },
  cancel: { text: "Cancel", icon: "cancel", tone: "danger", run: (task, onChange) => cancel(task, onChange) },
};

/** Those that are buttons; the others are in the menu. */
const BUTTONS = ["freeze", "thaw", "retry", "retry_forced", "cancel"];

const again = async (task, onChange, query) => {
  const queued = await order(task, "retry", query);
  toast(queued.id === task.id ? "It is in the queue again" : "A new task does it again");
  if (queued.id === task.id) onChange(queued);
  else go(`/tasks/${encodeURIComponent(queued.id)}`);
};

const cancel = async (task, onChange) => {
  const text = isRunning(task)
    ? "What is encoded of it so far is thrown away. The source stays."
    : "It is not encoded. The source stays.";
  if (await confirm({ title: "Cancel this file", text, action: "Cancel it" })) onChange(await order(task, "cancel"));
};

export const Actions = ({ task, me, onChange }) => {
  const [dialog, setDialog] = useState(null);
  const offered = actionsFor(task, me.role);
  const orders = offered.filter((name) => name !== "download");
  const buttons = orders.filter((name) => BUTTONS.includes(name));
  const items = orders
    .filter((name) => !BUTTONS.includes(name))
    .map((name) => ({
      text: ACTIONS[name].text,
      icon: ACTIONS[name].icon,
      onSelect: () => setDialog(ACTIONS[name].dialog),
    }));
  const close = () => setDialog(null);
  const wanted = isFailed(task) ? "retry" : null;
  if (offered.length === 0) return null;
  return html`
    <div class="task-actions">
      ${
        offered.includes("download") &&
        html`
        <a class="button primary" href=${address(`/tasks/${encodeURIComponent(task.id)}/output`)} download>
          <${Icon} name="download" /><span>Download</span>
        </a>
      `
      }
      ${buttons.map(
        (name) => html`
        <${Button} key=${name} icon=${ACTIONS[name].icon}
          tone=${name === wanted ? "primary" : (ACTIONS[name].tone ?? "plain")}
          onClick=${() => ACTIONS[name].run(task, onChange)}>${ACTIONS[name].text}<//>
      `,
      )}
      ${items.length > 0 && html`<${Menu} icon="more" items=${items}>More<//>`}
    </div>
    ${dialog && html`<${Asking} kind=${dialog} task=${task} onClose=${close} onChange=${onChange} />`}
  `;
};

const TITLES = {
  profile: "Profile of this file",
  priority: "Priority of this file",
  move: "Move to another resolution",
};

const Asking = ({ kind, task, onClose, onChange }) => {
  const { data: choices, problem, reload } = useAnswer((signal) => api.get("/choices", { signal }), []);
  const Form = { profile: ProfileForm, priority: PriorityForm, move: MoveForm }[kind];
  if (choices) return html`<${Form} task=${task} choices=${choices} onClose=${onClose} onChange=${onChange} />`;
  return html`
    <${Dialog} open title=${TITLES[kind]} onClose=${onClose}>
      ${problem ? html`<${Failure} problem=${problem} onRetry=${reload} />` : html`<${Skeleton} lines=${2} />`}
    <//>
  `;
};

/** A dialog with one choice. `action`: the text of its button; `save(value)` may fail. */
const Choice = ({ kind, label, options, first, action, hint, save, onClose }) => {
  const [value, setValue] = useState(first);
  const done = async () => {
    await save(value);
    onClose();
  };
  const actions = html`
    <${Button} onClick=${onClose}>Keep as it is<//>
    <${Button} tone="primary" onClick=${done}>${action}<//>
  `;
  return html`
    <${Dialog} open title=${TITLES[kind]} onClose=${onClose} actions=${actions}>
      <${Select} label=${label} options=${options} value=${value} onChange=${setValue} hint=${hint?.(value)} />
    <//>
  `;
};

const change = (task, body) => api.patch(`/tasks/${encodeURIComponent(task.id)}`, body);

const ProfileForm = ({ task, choices, onClose, onChange }) => {
  const folder =
    choices.resolutions.find(({ height }) => height === task.resolution)?.profile ?? choices.default_profile;
  const options = [
    { value: "", text: `${folder}, that of its folder` },
    ...choices.profiles.map(({ name }) => ({ value: name, text: name })),
  ];
  const hint = (value) => {
    const summary = choices.profiles.find(({ name }) => name === (value || folder))?.summary ?? "";
    return isRunning(task) ? `${summary}. The encode begins again; what is done of it is thrown away.` : summary;
  };
  const save = async (value) => onChange(await change(task, { profile: value || null, restart: isRunning(task) }));
  return html`<${Choice} kind="profile" label="Profile" options=${options} first=${task.profile ?? ""}
    hint=${hint} save=${save}
    action=${isRunning(task) ? "Begin again with it" : "Change"} onClose=${onClose} />`;
};

const PriorityForm = ({ task, onClose, onChange }) => {
  const save = async (value) => onChange(await change(task, { priority: Number(value) }));
  const hint = () => "Higher ones are begun first; of the same priority those that came first.";
  return html`<${Choice} kind="priority" label="Priority" options=${priorities(task.priority)}
    first=${String(task.priority)} hint=${hint} save=${save} action="Change" onClose=${onClose} />`;
};

const MoveForm = ({ task, choices, onClose }) => {
  const others = choices.resolutions.filter(({ height }) => height !== task.resolution);
  const options = others.map(({ height, profile }) => ({
    value: String(height),
    text: `${height}p, profile ${profile}`,
  }));
  const save = async (value) => {
    // On another disk it takes as long as a copy.
    await api.post(`/tasks/${encodeURIComponent(task.id)}/move`, { resolution: Number(value) }, { timeoutMs: 0 });
    toast(`Moved to input/${value}, where it is a new task`);
  };
  const hint = (value) =>
    `The source, and files of its name beside it, go to input/${value}. A result that is there already stays.`;
  return html`<${Choice} kind="move" label="Resolution" options=${options} first=${options[0]?.value ?? ""} save=${save}
    hint=${hint}
    action="Move" onClose=${onClose} />`;
};
