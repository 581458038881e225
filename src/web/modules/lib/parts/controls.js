// What people press, fill in and choose from.
// Promises: everything has a name for screen readers, and is reached by keys; what was pressed is shown as busy until
// it is done, and says when it failed.
// Never in here: requests.

import { sentence } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "../icons.js";
import { Link } from "../route.js";
import { toast } from "../toasts.js";

/** Runs `handler`; while what it returns is not done, it is busy. A failure is shown as a toast. */
const useBusy = (handler) => {
  const [isBusy, setIsBusy] = useState(false);
  const isThere = useRef(true);
  useEffect(
    () => () => {
      isThere.current = false;
    },
    [],
  );
  const run = async (event) => {
    if (isBusy) return event.preventDefault();
    const done = handler?.(event);
    if (typeof done?.then !== "function") return undefined;
    setIsBusy(true);
    try {
      await done;
    } catch (problem) {
      toast(sentence(problem.message), { tone: "failed" });
    }
    if (isThere.current) setIsBusy(false);
    return undefined;
  };
  return [isBusy, run];
};

/**
 * `tone`: "plain", "primary" (one on a page), "danger" or "quiet". `icon`: a name of icons.js. `href`: it is a link.
 * `onClick` may answer with a promise: the button is busy until that is done, and a failure is shown.
 */
export const Button = ({ tone = "plain", icon, href, busy = false, onClick, class: more = "", children, ...rest }) => {
  const [isBusy, run] = useBusy(onClick);
  const content = html`${icon && html`<${Icon} name=${icon} />`}<span>${children}</span>`;
  if (href) return html`<${Link} class="button ${tone} ${more}" href=${href} ...${rest}>${content}<//>`;
  const waits = busy || isBusy;
  return html`
    <button type="button" class="button ${tone} ${more}" aria-busy=${waits} aria-disabled=${waits} onClick=${run}
      ...${rest}>
      ${content}
    </button>
  `;
};

/** A button that is a picture; `label` is its name. `tone`: "quiet" or "danger". */
export const IconButton = ({ icon, label, tone = "quiet", onClick, class: more = "", ...rest }) => {
  const [isBusy, run] = useBusy(onClick);
  return html`
    <button type="button" class="icon-button ${tone} ${more}" aria-label=${label} title=${label}
      aria-busy=${isBusy} aria-disabled=${isBusy} onClick=${run} ...${rest}>
      <${Icon} name=${icon} />
    </button>
  `;
};

let lastId = 0;
/** A name for an element that another one points at. */
export const useId = () => {
  const id = useRef(null);
  if (id.current === null) {
    lastId += 1;
    id.current = `field-${lastId}`;
  }
  return id.current;
};

/**
 * A line to fill in, with its name above. `hint` stands below, `error` in its place. All else is handed to the input
 * (`type`, `value`, `onInput`, `autocomplete`, …); `multiline`: a textarea. `children(props)`: another control, which
 * takes these props.
 */
export const Field = ({ label, hint, error, multiline = false, children, class: more = "", ...rest }) => {
  const id = useId();
  const props = {
    id,
    "aria-describedby": hint || error ? `${id}-hint` : undefined,
    "aria-invalid": Boolean(error),
    ...rest,
  };
  const control = () => {
    if (typeof children === "function") return children(props);
    if (multiline) return html`<textarea class="input" ...${props}></textarea>`;
    return html`<input class="input" ...${props} />`;
  };
  return html`
    <div class="field ${more}">
      <label for=${id}>${label}</label>
      ${control()}
      ${(error || hint) && html`<p id="${id}-hint" class=${error ? "field-error" : "field-hint"}>${error || hint}</p>`}
    </div>
  `;
};

/** `options`: [{value, text}]. `label` is shown above, or only told when `bare`. */
export const Select = ({ label, options, value, onChange, bare = false, hint, error, ...rest }) => {
  const select = (props) => html`
    <select class="input" value=${value} onChange=${(event) => onChange(event.currentTarget.value)} ...${props}>
      ${options.map((option) => html`<option key=${option.value} value=${option.value}>${option.text}</option>`)}
    </select>
  `;
  if (bare) return select({ "aria-label": label, ...rest });
  return html`<${Field} label=${label} hint=${hint} error=${error} ...${rest}>${select}<//>`;
};

/** A box to tick. `onChange(isChecked)`. `bare`: its name is only told. `mixed`: some of many are ticked. */
export const Check = ({ label, checked, onChange, bare = false, mixed = false, ...rest }) => {
  const input = useRef(null);
  useEffect(() => {
    input.current.indeterminate = mixed;
  }, [mixed]);
  const box = html`
    <input ref=${input} type="checkbox" checked=${checked} aria-label=${bare ? label : undefined}
      onChange=${(event) => onChange(event.currentTarget.checked)} ...${rest} />
  `;
  return html`<label class="check">${box}${!bare && html`<span>${label}</span>`}</label>`;
};

/** Something that is on or off at once. `onChange(isOn)`. */
export const Switch = ({ label, checked, onChange, ...rest }) => html`
  <label class="check switch">
    <input type="checkbox" role="switch" checked=${checked}
      onChange=${(event) => onChange(event.currentTarget.checked)} ...${rest} />
    <span>${label}</span>
  </label>
`;

/** Places beside each other. `tabs`: [{href, text, count}]; `current`: the href of the one that is shown. */
export const Tabs = ({ label, tabs, current }) => html`
  <nav class="tabs" aria-label=${label}>
    ${tabs.map(
      (tab) => html`
      <${Link} key=${tab.href} class="tab" href=${tab.href} aria-current=${tab.href === current ? "page" : undefined}>
        ${tab.text}${tab.count !== undefined && html`<span class="tab-count">${tab.count}</span>`}
      <//>
    `,
    )}
  </nav>
`;
