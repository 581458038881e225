// Keys for programs: made, shown once, revoked.
// Promises: a key's text is nowhere but in the dialog that follows its making.
// Never in here: what a key opens.

import { html, useAnswer, useState } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { moment, shownPath } from "../../lib/format.js";
import {
  Button,
  Dialog,
  Empty,
  Failure,
  Field,
  Notice,
  Select,
  Skeleton,
  Time,
  confirm,
  toast,
} from "../../lib/parts.js";
import { CopyButton } from "./copy.js";
import { Group } from "./group.js";
import { LIFETIMES, ROLES, expiryAfter, keyState, rolesUpTo } from "./lib/people.js";

const titleOf = (role) => ROLES.find((known) => known.role === role)?.title ?? role;

/** `users`: those an administrator may make keys for. */
export const Keys = ({ me, users }) => {
  const [isNew, setIsNew] = useState(false);
  const { data, problem, reload } = useAnswer((signal) => api.get("/keys", { signal }), []);
  const isAdmin = me.role === "admin";
  // Keys belong to accounts, and not everybody who may log in has one.
  const owners = isAdmin ? users.map(({ name }) => name) : me.has_account ? [me.name] : [];
  const close = () => {
    setIsNew(false);
    reload();
  };
  return html`
    <${Group} id="keys" title="Keys"
      lead="For programs that use the API. Each has a role of its own, and can be revoked by itself."
      actions=${owners.length > 0 && html`<${Button} icon="plus" onClick=${() => setIsNew(true)}>Make a key<//>`}>
      ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && html`<${Skeleton} lines=${2} height=${44} />`}
      ${data?.keys.length === 0 && html`
        <${Empty} icon="key" title="There are no keys">A program needs one to use the API.<//>
      `}
      ${data?.keys.length > 0 && html`
        <table class="people">
          <thead><tr>
            <th scope="col">For</th>${isAdmin && html`<th scope="col">Of</th>`}<th scope="col">Role</th>
            <th scope="col">Last used</th><th scope="col">Expires</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr></thead>
          <tbody>
            ${data.keys.map((key) => html`<${Key} key=${key.id} entry=${key} isAdmin=${isAdmin} reload=${reload} />`)}
          </tbody>
        </table>
      `}
      ${isNew && html`<${NewKey} me=${me} owners=${owners} onClose=${close} />`}
    <//>
  `;
};

const Expiry = ({ entry }) => {
  const state = keyState(entry, new Date());
  if (state === "lasting") return "Never";
  return html`${state === "expired" && html`<strong class="expired">Expired</strong> `}<${Time} at=${entry.expires} />`;
};

const Key = ({ entry, isAdmin, reload }) => {
  const label = shownPath(entry.label);
  const revoke = async () => {
    const isSure = await confirm({
      title: `Revoke the key “${label}”?`,
      text: "The program that has it is refused from then on. That cannot be undone; a new key can be made.",
      action: "Revoke the key",
    });
    if (!isSure) return;
    await api.delete(`/keys/${encodeURIComponent(entry.id)}`);
    toast(`The key “${label}” is revoked.`);
    reload();
  };
  return html`
    <tr>
      <th scope="row">${label} <span class="mark"><code>${entry.id}</code></span></th>
      ${isAdmin && html`<td data-label="Of">${entry.user}</td>`}
      <td data-label="Role">${titleOf(entry.role)}</td>
      <td data-label="Last used">${entry.last_used ? html`<${Time} at=${entry.last_used} />` : "Never"}</td>
      <td data-label="Expires"><span><${Expiry} entry=${entry} /></span></td>
      <td class="row-actions">
        <${Button} tone="quiet" icon="trash" aria-label="Revoke the key ${label}" onClick=${revoke}>Revoke<//>
      </td>
    </tr>
  `;
};

const NewKey = ({ me, owners, onClose }) => {
  const [typed, setTyped] = useState({
    label: "",
    user: me.has_account ? me.name : owners[0],
    role: me.role === "viewer" ? "viewer" : "operator",
    days: "90",
  });
  const [problem, setProblem] = useState(null);
  const [made, setMade] = useState(null);
  if (made) return html`<${MadeKey} made=${made} onClose=${onClose} />`;
  const change = (part) => {
    setTyped({ ...typed, ...part });
    setProblem(null);
  };
  const lifetime = LIFETIMES.find(({ days }) => String(days) === typed.days);
  const make = async (event) => {
    event.preventDefault();
    const { label, user, role } = typed;
    const body = { label, role, expires: expiryAfter(lifetime.days, new Date()) };
    if (user !== me.name) body.user = user;
    try {
      setMade(await api.post("/keys", body));
    } catch (refusal) {
      setProblem(refusal);
    }
  };
  return html`
    <${Dialog} open title="Make a key" onClose=${onClose} actions=${html`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-key"><span>Make the key</span></button>
    `}>
      <form id="new-key" onSubmit=${make}>
        <${Field} label="What it is for" value=${typed.label} required maxlength="100" autocomplete="off"
          placeholder="Backup script" onInput=${(event) => change({ label: event.currentTarget.value })} />
        ${owners.length > 1 && html`
          <${Select} label="Whose it is" value=${typed.user}
            options=${owners.map((name) => ({ value: name, text: name }))} onChange=${(user) => change({ user })} />
        `}
        <${Select} label="Role" value=${typed.role} hint=${ROLES.find(({ role }) => role === typed.role).may}
          options=${rolesUpTo(me.role).map(({ role, title }) => ({ value: role, text: title }))}
          onChange=${(role) => change({ role })} />
        <${Select} label="Works for" value=${typed.days}
          options=${LIFETIMES.map(({ days, title }) => ({ value: String(days), text: title }))}
          onChange=${(days) => change({ days })} />
        ${problem && html`<${Failure} problem=${problem} />`}
      </form>
    <//>
  `;
};

const MadeKey = ({ made, onClose }) => html`
  <${Dialog} open title="The key “${shownPath(made.label)}”" onClose=${onClose} actions=${html`
    <${CopyButton} text=${made.secret} class="primary">Copy the key<//>
    <${Button} onClick=${onClose}>I have it<//>
  `}>
    <${Notice} tone="waiting" title="It is shown this once">
      Copy it to where it is needed. If it is lost, make another one.
    <//>
    <input class="input secret" readonly aria-label="The key" value=${made.secret}
      onFocus=${(event) => event.currentTarget.select()} />
    <p>${titleOf(made.role)} of ${made.user}; works until ${made.expires ? moment(made.expires) : "it is revoked"}.</p>
  <//>
`;
