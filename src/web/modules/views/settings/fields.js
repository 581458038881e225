// The field of a setting, by its kind.
// Promises: a field shows what is typed and tells what is typed, nothing else; each has the setting's name for screen
// readers; a secret that is set is never shown, only replaced.
// Never in here: what is allowed, saving.

import { html, useLayoutEffect, useRef } from "../../lib/html.js";
import { Button, Check } from "../../lib/parts.js";
import { sizeUnits, spanInWords } from "./lib/kind.js";

/**
 * `kind` as of `kindOf`; `typed` what stands in it; `onTyped(typed)`; `name` for screen readers; `isSet`, `isTyped`,
 * `isRemoved`, `onRemove`, `onKeep`: of a secret. All else is handed to the control.
 */
export const SettingField = ({ kind, ...rest }) => {
  const Control = CONTROLS[kind.type];
  return html`<${Control} kind=${kind} ...${rest} />`;
};

const OnOff = ({ typed, onTyped, name, ...rest }) => html`
  <label class="check switch">
    <input type="checkbox" role="switch" aria-label=${name} checked=${typed}
      onChange=${(event) => onTyped(event.currentTarget.checked)} ...${rest} />
    <span aria-hidden="true">${typed ? "On" : "Off"}</span>
  </label>
`;

const Choice = ({ kind, typed, onTyped, name, ...rest }) => {
  // A value of the file that is no choice any more (a profile that is gone) is still shown.
  const options = kind.options.includes(typed) ? kind.options : [typed, ...kind.options];
  return html`
    <select class="input" aria-label=${name} value=${typed}
      onChange=${(event) => onTyped(event.currentTarget.value)} ...${rest}>
      ${options.map((option) => html`<option key=${option} value=${option}>${option}</option>`)}
    </select>
  `;
};

const Several = ({ kind, typed, onTyped, name, ...rest }) => {
  const { id, onBlur, ...described } = rest;
  const isAll = kind.options.every((option) => typed.includes(option));
  const change = (option, isOn) =>
    onTyped(kind.options.filter((other) => (other === option ? isOn : typed.includes(other))));
  return html`
    <div class="setting-several" role="group" id=${id} tabIndex="-1" aria-label=${name} ...${described}>
      <${Check} label="All" checked=${isAll} mixed=${!isAll && typed.length > 0}
        onChange=${(isOn) => onTyped(isOn ? kind.options : [])} onBlur=${onBlur} />
      ${kind.options.map((option) => html`
        <${Check} key=${option} label=${option.replaceAll("_", " ")} checked=${typed.includes(option)}
          onChange=${(isOn) => change(option, isOn)} onBlur=${onBlur} />
      `)}
    </div>
  `;
};

const MOST_LINES = 6;

const List = ({ kind: _, typed, onTyped, name, ...rest }) => html`
  <textarea class="input" aria-label="${name}, one on each line" placeholder="One on each line"
    spellcheck="false" autocapitalize="off" value=${typed.join("\n")}
    rows=${Math.min(MOST_LINES, Math.max(2, typed.length + 1))}
    onInput=${(event) => onTyped(event.currentTarget.value.split("\n"))} ...${rest}></textarea>
`;

const Size = ({ kind: _, typed, onTyped, name, ...rest }) => html`
  <span class="setting-size">
    <input class="input number" type="text" inputmode="decimal" autocomplete="off" aria-label=${name}
      value=${typed.amount} onInput=${(event) => onTyped({ ...typed, amount: event.currentTarget.value })} ...${rest} />
    <select class="input" aria-label="Unit of ${name}" value=${typed.unit}
      onChange=${(event) => onTyped({ ...typed, unit: event.currentTarget.value })}>
      ${sizeUnits().map((unit) => html`<option key=${unit} value=${unit}>${unit}</option>`)}
    </select>
  </span>
`;

const Amount = ({ kind, typed, onTyped, name, ...rest }) => {
  const words = spanInWords(kind, typed);
  return html`
    <span class="setting-amount">
      <input class="input number" type="text" inputmode=${kind.isWhole ? "numeric" : "decimal"} autocomplete="off"
        aria-label=${kind.unit ? `${name} in ${kind.unit}` : name} value=${typed}
        onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
      <span class="setting-unit" aria-hidden="true">${kind.unit}${words && ` = ${words}`}</span>
    </span>
  `;
};

const Text = ({ kind, typed, onTyped, name, id, ...rest }) => html`
  <input class="input" type="text" id=${id} aria-label=${name} value=${typed}
    spellcheck="false" autocapitalize="off" autocomplete="off"
    list=${kind.suggestions.length > 0 ? `${id}-choices` : undefined}
    onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
  ${kind.suggestions.length > 0 && html`
    <datalist id="${id}-choices">
      ${kind.suggestions.map((word) => html`<option key=${word} value=${word}></option>`)}
    </datalist>
  `}
`;

const SecretText = ({ kind: _, typed, onTyped, name, id, isSet, isTyped, isRemoved, onRemove, onKeep, ...rest }) => {
  if (isRemoved) {
    return html`
      <span class="setting-secret">Will be removed <${Button} tone="quiet" onClick=${onKeep}>Keep it<//></span>
    `;
  }
  if (isSet && !isTyped) {
    return html`
      <span class="setting-secret" id=${id} tabIndex="-1">
        <span>Set</span>
        <${Button} tone="quiet" aria-label="Replace ${name}" onClick=${() => onTyped("")}>Replace<//>
        <${Button} tone="quiet" aria-label="Remove ${name}" onClick=${onRemove}>Remove<//>
      </span>
    `;
  }
  const input = { ...rest, type: "password", id, autocomplete: "new-password", value: typed };
  return html`
    <span class="setting-secret">
      <${SecretInput} ...${input} isNew=${isSet} name=${name} onTyped=${onTyped} />
      ${isSet && html`<${Button} tone="quiet" onClick=${onKeep}>Keep the old one<//>`}
    </span>
  `;
};

/** `isNew`: it has come in the place of a button, and goes on with its focus. */
const SecretInput = ({ isNew, name, onTyped, ...rest }) => {
  const input = useRef(null);
  useLayoutEffect(() => {
    if (isNew) input.current.focus();
  }, []);
  return html`
    <input class="input" ref=${input} aria-label=${isNew ? `${name}, the new one` : name}
      placeholder=${isNew ? "The new one" : "Not set"}
      onInput=${(event) => onTyped(event.currentTarget.value)} ...${rest} />
  `;
};

const CONTROLS = {
  switch: OnOff,
  choice: Choice,
  several: Several,
  list: List,
  size: Size,
  number: Amount,
  text: Text,
  secret: SecretText,
};
