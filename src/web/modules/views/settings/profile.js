// One profile: its fields, and beside them what the service would run with them.
// Promises: the preview is of what is typed, a moment after it was typed, and an older answer never replaces a newer
// one.
// Never in here: how arguments are made (the service).

import { html, useAnswer, useEffect, useState } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { go } from "../../lib/route.js";
import { Button, Failure, Field, Notice, Select, toast } from "../../lib/parts.js";
import { shownPath } from "../../lib/format.js";
import { CopyButton } from "./copy.js";
import { errorsOf, sentence } from "./lib/draft.js";
import {
  METRICS,
  PRESETS,
  PROFILE_KEYS,
  commandLines,
  copyName,
  errorsOfPreview,
  errorsOfProfile,
  keysOfTyped,
  nameProblem,
  renamingChanges,
  saidOf,
  savingChanges,
  typedOfProfile,
} from "./lib/profiles.js";
import { send } from "./store.js";

const SOUNDS = [
  { value: "aac", text: "AAC, 64 kbit/s a channel" },
  { value: "copy", text: "As it is" },
];

const LIST = "/settings/profiles";

/** `way`: "edit" or "copy" of `former`. */
export const ProfileEditor = ({ way, former, profiles, rows }) => {
  const [name, setName] = useState(() => (way === "edit" ? former.name : copyName(former.name, profiles)));
  const [typed, setTyped] = useState(() => typedOfProfile(former.keys));
  const [refused, setRefused] = useState({ byField: {}, others: [] });
  const judged = keysOfTyped(typed);
  const wrongName = nameProblem(name, profiles, way === "edit" ? former.name : null);
  const users = way === "edit" ? former.usedBy.join(", ") : "";
  const isWhole = Object.keys(judged.errors).length === 0;
  const [task, setTask] = useState(MADE_UP);
  const previewed = usePreview(way === "edit" ? former.name : null, judged.keys, isWhole, task);
  const errors = { ...(isWhole ? errorsOfPreview(previewed.preview) : {}), ...refused.byField, ...judged.errors };
  const change = (field, value) => {
    setTyped((before) => ({ ...before, [field]: value }));
    setRefused({ byField: {}, others: [] });
  };
  const text = (field) => ({
    value: typed[field],
    error: errors[field],
    autocomplete: "off",
    onInput: (event) => change(field, event.currentTarget.value),
  });
  const save = async (event) => {
    event.preventDefault();
    if (!isWhole || wrongName !== null) return event.currentTarget.querySelector("[aria-invalid=true]")?.focus();
    const { keys } = judged;
    const isRenamed = way === "edit" && name !== former.name;
    const changes = isRenamed
      ? renamingChanges(name, keys, former, rows)
      : savingChanges(name, keys, way === "edit" ? former : null);
    try {
      if (Object.keys(changes).length > 0) await send(changes);
      toast(way === "edit" ? `The profile ${name} is saved.` : `The profile ${name} is made.`);
      return go(LIST);
    } catch (problem) {
      const { others } = errorsOf(problem, PROFILE_KEYS.map((key) => `profiles.${name}.${key}`));
      return setRefused({ byField: errorsOfProfile(problem.errors ?? [], name), others });
    }
  };
  return html`
    <div class="profile-editor">
      <form onSubmit=${save} aria-labelledby="profile-title">
        <h2 id="profile-title">${way === "edit" ? former.name : `A copy of ${former.name}`}</h2>
        <${Field} label="Name" value=${name} error=${wrongName} autocomplete="off" spellcheck="false"
          hint=${users && `Used by ${users}; they take a new name along.`}
          onInput=${(event) => setName(event.currentTarget.value)} />
        <${Select} label="Preset" value=${typed.preset} error=${errors.preset}
          hint="How thoroughly x265 searches: slower ones make smaller files and take longer."
          options=${PRESETS.map((preset) => ({ value: preset, text: preset }))}
          onChange=${(preset) => change("preset", preset)} />
        <fieldset class="profile-quality">
          <legend>Quality</legend>
          <${Way} way="crf" typed=${typed} onChange=${change} text="One CRF for every film" />
          <${Way} way="target" typed=${typed} onChange=${change}
            text="The CRF that reaches a quality, searched for each film" />
          ${typed.way === "crf"
            ? html`
              <${Field} label="CRF" inputmode="decimal" class="short"
                hint="0 to 51; lower is better and bigger. 20 to 28 is usual." ...${text("crf")} />
            `
            : html`<${Aim} typed=${typed} text=${text} onChange=${change} />`}
        </fieldset>
        <${Select} label="Sound" value=${typed.audio} error=${errors.audio} options=${SOUNDS}
          onChange=${(audio) => change("audio", audio)} />
        <${Field} label="x265 options" multiline rows="3" spellcheck="false" autocapitalize="off"
          hint="name=value with colons between them, or nothing" ...${text("x265_params")} />
        ${refused.others.length > 0 && html`
          <${Notice} tone="failed" title="Nothing was saved">
            ${refused.others.map((other) => html`<p key=${other}>${other}</p>`)}
          <//>
        `}
        <div class="form-actions">
          <button class="button primary" type="submit">
            <span>${way === "edit" ? "Save the profile" : "Make the profile"}</span>
          </button>
          <${Button} onClick=${() => go(LIST)}>Cancel<//>
        </div>
      </form>
      <${Preview} state=${previewed} isWhole=${isWhole} task=${task} onTask=${setTask} />
    </div>
  `;
};

const Way = ({ way, typed, onChange, text }) => html`
  <label class="check">
    <input type="radio" name="way" value=${way} checked=${typed.way === way} onChange=${() => onChange("way", way)} />
    <span>${text}</span>
  </label>
`;

const Aim = ({ typed, text, onChange }) => {
  const metric = METRICS[typed.metric];
  const choose = (name) => {
    onChange("metric", name);
    onChange("aim", String(METRICS[name].usual));
  };
  return html`
    <div class="profile-aim">
      <${Select} label="Measure" value=${typed.metric} onChange=${choose}
        options=${Object.entries(METRICS).map(([value, { title }]) => ({ value, text: title }))} />
      <${Field} label=${metric.unit ? `Aim in ${metric.unit}` : "Aim"} inputmode="decimal"
        hint="${metric.min} to ${metric.max}" ...${text("aim")} />
      <${Field} label="Lowest CRF" inputmode="decimal" ...${text("crf_min")} />
      <${Field} label="Highest CRF" inputmode="decimal" ...${text("crf_max")} />
    </div>
  `;
};

const TYPING_MS = 250;
const MADE_UP = "";

/** What the service says of a draft, a moment after it was typed: `{preview, problem}`, null until it has said it. */
const usePreview = (name, keys, isWhole, task) => {
  const [state, setState] = useState({ preview: null, problem: null });
  const said = JSON.stringify(saidOf(keys));
  useEffect(() => {
    if (!isWhole) return undefined;
    const ended = new AbortController();
    const ask = async () => {
      const body = { name, profile: JSON.parse(said), task: task === MADE_UP ? null : task };
      try {
        setState({ preview: await api.post("/profiles/preview", body, { signal: ended.signal }), problem: null });
      } catch (problem) {
        if (!ended.signal.aborted) setState({ preview: null, problem });
      }
    };
    const timer = setTimeout(ask, TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [name, said, isWhole, task]);
  return state;
};

const Preview = ({ state, isWhole, task, onTask }) => {
  const films = useAnswer((signal) => api.get("/tasks", { query: { limit: 20, sort: "-added" }, signal }), []);
  const options = [
    { value: MADE_UP, text: "A film of 1080p, made up" },
    ...(films.data?.tasks ?? []).map(({ id, path }) => ({ value: id, text: shownPath(path) })),
  ];
  const { preview, problem } = state;
  return html`
    <section class="profile-preview" aria-labelledby="preview-title">
      <h2 id="preview-title">What would be run</h2>
      <${Select} label="For" value=${task} options=${options} onChange=${onTask} />
      ${problem && html`<${Failure} problem=${problem} />`}
      ${!isWhole && html`<p class="field-hint">Mend what is marked, and it goes on.</p>`}
      ${isWhole && preview && html`<${Command} preview=${preview} />`}
    </section>
  `;
};

const Command = ({ preview }) => html`
  ${preview.errors.filter(({ key }) => !PROFILE_KEYS.includes(key)).map(({ detail }) => html`
    <p key=${detail} class="field-error">${sentence(detail)}</p>
  `)}
  ${preview.summary && html`<p>${sentence(preview.summary)}</p>`}
  ${preview.command && html`
    ${preview.preparations.map((command) => html`
      <pre key=${command} class="command" tabIndex="0" aria-label="A command before it">${command}</pre>
    `)}
    <pre class="command" tabIndex="0" aria-label="The command">${commandLines(preview.words)}</pre>
    <div><${CopyButton} text=${preview.command}>Copy the command<//></div>
  `}
  ${preview.notes.length > 0 && html`
    <ul class="preview-notes">${preview.notes.map((note) => html`<li key=${note}>${sentence(note)}</li>`)}</ul>
  `}
`;
