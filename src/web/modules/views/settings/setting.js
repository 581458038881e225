// One setting: its name and doc, its field, and where its value comes from.
// Promises: only what differs from its default, or is not saved, is marked; an error stands at its field, and is read
// out with it.
// Never in here: requests.

import { html, useStore } from "../../lib/html.js";
import { Button, Time } from "../../lib/parts.js";
import { formerTyped, waysBack } from "./lib/back.js";
import { DEFAULT, overtaken } from "./lib/draft.js";
import { SettingField } from "./fields.js";
import { idOf, isChanged, nameOf } from "./lib/groups.js";
import { allowedInWords, shown, typedOf } from "./lib/kind.js";
import { fixedReason, sourceInWords } from "./lib/source.js";
import { discard, gathered, leave, state, typed } from "./store.js";

/** `row` of GET /settings, `kind` of its field. */
export const Setting = ({ row, kind }) => {
  const { draft, refused, left } = useStore(state);
  const changes = gathered(state.get());
  const id = idOf(row.key);
  const isUnsaved = changes.keys.includes(row.key);
  const error = refused[row.key] ?? (left.includes(row.key) ? changes.errors[row.key] : undefined);
  const name = nameOf(row.key);
  return html`
    <div class="setting ${isUnsaved ? "unsaved" : ""} ${isChanged(row) ? "changed" : ""}" data-key=${row.key}>
      <div class="setting-about">
        <h3><label for=${id}>${name}</label> <code>${row.key}</code></h3>
        ${row.doc && html`<p class="setting-doc" id="${id}-doc">${row.doc.replaceAll("\n", " ")}</p>`}
      </div>
      <div class="setting-value">
        ${row.changed === "in_file_only"
          ? html`<${FileOnly} row=${row} kind=${kind} id=${id} />`
          : html`<${Editable} row=${row} kind=${kind} id=${id} name=${name} entry=${draft[row.key]} error=${error} />`}
        ${error && html`<p class="field-error" id="${id}-error">${error}</p>`}
        <${Notes} row=${row} kind=${kind} id=${id} isAllowedSaid=${Boolean(error)} />
        <${WaysBack} row=${row} kind=${kind} isUnsaved=${isUnsaved} />
        ${overtaken([row], draft).length > 0 && isUnsaved && html`
          <p class="setting-overtaken">
            Somebody changed it to ${shown(kind, row.value)} meanwhile. Saving replaces that.
          </p>
        `}
      </div>
    </div>
  `;
};

const FileOnly = ({ row, kind, id }) => {
  const value = row.is_secret ? "Set" : shown(kind, row.value);
  return html`<p class="setting-fixed" id=${id}>${isEmpty(row.value) ? "Not set" : value}</p>`;
};

const isEmpty = (value) => value === "" || (Array.isArray(value) && value.length === 0);

const Editable = ({ row, kind, id, name, entry, error }) => {
  const described = [row.doc && `${id}-doc`, error && `${id}-error`, `${id}-notes`].filter(Boolean).join(" ");
  const isDefault = entry?.typed === DEFAULT;
  const saved = typedOf(kind, isDefault ? row.default : row.value);
  const now = entry && !isDefault ? entry.typed : saved;
  return html`
    <${SettingField} kind=${kind} typed=${now} onTyped=${(value) => typed(row, value)} name=${name} id=${id}
      isSet=${row.is_secret && !isEmpty(row.value)} isTyped=${Boolean(entry)} isRemoved=${isDefault}
      onRemove=${() => typed(row, DEFAULT)} onKeep=${() => discard([row.key])} onBlur=${() => leave(row.key)}
      aria-describedby=${described} aria-invalid=${Boolean(error)} />
  `;
};

const Notes = ({ row, kind, id, isAllowedSaid }) => {
  const notes = [];
  const isInFileOnly = row.changed === "in_file_only";
  const allowed = allowedInWords(kind, row.allowed);
  if (isInFileOnly) notes.push(fixedReason(row));
  else if (allowed !== "" && !isAllowedSaid) notes.push(`Allowed: ${allowed}`);
  const hasDefault = row.default !== null && !row.is_secret && !isEmpty(row.default);
  if (hasDefault) notes.push(`Default: ${shown(kind, row.default)}`);
  const source = sourceInWords(row.source);
  if (row.overridden_by) notes.push(`From ${source}, which wins over the file: a change waits until that is gone`);
  else if (isChanged(row)) notes.push(`Set in ${source}`);
  if (row.needs_restart) notes.push("Takes effect after a restart");
  return html`
    <ul class="setting-notes" id="${id}-notes">${notes.map((note) => html`<li key=${note}>${note}</li>`)}</ul>
  `;
};

/** To what is saved, to what it was before, and to the default. */
const WaysBack = ({ row, kind, isUnsaved }) => {
  const ways = waysBack(row, isUnsaved);
  if (ways.length === 0) return null;
  return html`
    <div class="setting-back">${ways.map((way) => html`<${WAYS[way]} key=${way} row=${row} kind=${kind} />`)}</div>
  `;
};

const Undo = ({ row, kind }) => html`
  <span class="setting-unsaved">Not saved${row.is_secret ? "" : `; was ${shown(kind, row.value)}`}</span>
  <${Button} tone="quiet" aria-label="Undo the change of ${nameOf(row.key)}" onClick=${() => discard([row.key])}>
    Undo
  <//>
`;

const Former = ({ row, kind }) => html`
  <span>Was ${shown(kind, row.before.value)} until <${Time} at=${row.before.changed} /> (${row.before.by})</span>
  <${Button} tone="quiet" aria-label="Back to that: what ${nameOf(row.key)} was"
    onClick=${() => typed(row, formerTyped(row, kind))}>
    Back to that
  <//>
`;

const ToDefault = ({ row }) => html`
  <${Button} tone="quiet" aria-label="Back to the default of ${nameOf(row.key)}" onClick=${() => typed(row, DEFAULT)}>
    Back to the default
  <//>
`;

const ChangedSecret = ({ row }) => html`<span>Changed <${Time} at=${row.before.changed} /> (${row.before.by})</span>`;

const WAYS = { undo: Undo, former: Former, default: ToDefault, secret: ChangedSecret };
