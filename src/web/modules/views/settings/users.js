// The accounts of this server, for administrators.
// Never in here: whether an account may go (the API keeps the last administrator).

import { html, useState } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import {
  Button,
  Dialog,
  Failure,
  Field,
  IconButton,
  Select,
  Skeleton,
  Time,
  confirm,
  toast,
} from "../../lib/parts.js";
import { Group } from "./group.js";
import { ROLES, passwordProblem } from "./lib/people.js";
import { PasswordFields, usePassword } from "./password.js";

const roleOptions = ROLES.map(({ role, title }) => ({ value: role, text: title }));
const path = (name) => `/users/${encodeURIComponent(name)}`;

/** `answer` as of `useAnswer` of GET /users. */
export const Users = ({ me, answer }) => {
  const [opened, setOpened] = useState(null);
  const { data, problem, reload } = answer;
  // Somebody of a login server may have the name of an account here.
  const isOwn = (user) => me.has_account && user.name === me.name;
  const close = () => setOpened(null);
  const done = () => {
    close();
    reload();
  };
  return html`
    <${Group} id="users" title="Users" lead="Who may log in here with a password."
      actions=${html`<${Button} icon="plus" onClick=${() => setOpened({ what: "new" })}>Add a user<//>`}>
      ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && html`<${Skeleton} lines=${3} height=${44} />`}
      ${data && html`
        <table class="people">
          <thead><tr>
            <th scope="col">Name</th><th scope="col">Role</th><th scope="col">Made</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr></thead>
          <tbody>${data.users.map((user) => html`
            <${User} key=${user.name} user=${user} isOwn=${isOwn(user)} reload=${reload}
              onPassword=${() => setOpened({ what: "password", user })} />
          `)}</tbody>
        </table>
      `}
      ${opened?.what === "new" && html`<${NewUser} onClose=${close} onDone=${done} />`}
      ${opened?.what === "password" && html`
        <${NewPassword} user=${opened.user} isOwn=${isOwn(opened.user)} onClose=${close} onDone=${done} />
      `}
    <//>
  `;
};

const User = ({ user, isOwn, reload, onPassword }) => {
  const changeRole = async (role) => {
    const isSure = !isOwn || await confirm({
      title: "Give up being an administrator?",
      text: "Settings, log and users are closed to you then, until another administrator gives the role back.",
      action: "Give it up",
    });
    try {
      if (isSure) await api.patch(path(user.name), { role });
      // Who one is, is known to the whole page.
      if (isSure && isOwn) return location.reload();
    } catch (problem) {
      toast(problem.message, { tone: "failed" });
    }
    return reload();
  };
  const remove = async () => {
    const isSure = await confirm({
      title: `Remove ${user.name}?`,
      text: "Keys and sessions of this user end at once. What they added to the queue stays.",
      action: `Remove ${user.name}`,
    });
    if (!isSure) return;
    await api.delete(path(user.name));
    toast(`${user.name} is removed.`);
    reload();
  };
  return html`
    <tr>
      <th scope="row">${user.name}${isOwn && html` <span class="mark">you</span>`}</th>
      <td data-label="Role">
        <${Select} bare label="Role of ${user.name}" options=${roleOptions} value=${user.role} onChange=${changeRole} />
      </td>
      <td data-label="Made"><${Time} at=${user.created} /></td>
      <td class="row-actions">
        <${Button} tone="quiet" icon="key" aria-label="New password for ${user.name}" onClick=${onPassword}>Password<//>
        <${IconButton} icon="trash" tone="danger" label="Remove ${user.name}" onClick=${remove} />
      </td>
    </tr>
  `;
};

const NewUser = ({ onClose, onDone }) => {
  const [typed, setTyped] = useState({ name: "", role: "viewer", password: "", wrong: null, problem: null });
  const change = (part) => setTyped({ ...typed, wrong: null, problem: null, ...part });
  const add = async (event) => {
    event.preventDefault();
    const { name, role, password } = typed;
    const wrong = passwordProblem(password, password);
    if (wrong) return change({ wrong });
    try {
      await api.post("/users", { name: name.trim(), role, password });
      toast(`${name.trim()} may log in now.`);
      return onDone();
    } catch (problem) {
      return change({ problem });
    }
  };
  return html`
    <${Dialog} open title="Add a user" onClose=${onClose} actions=${html`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-user"><span>Add the user</span></button>
    `}>
      <form id="new-user" onSubmit=${add}>
        <${Field} label="Name" value=${typed.name} required autocomplete="off" autocapitalize="off" spellcheck="false"
          onInput=${(event) => change({ name: event.currentTarget.value })} />
        <${Select} label="Role" options=${roleOptions} value=${typed.role}
          hint=${ROLES.find(({ role }) => role === typed.role).may} onChange=${(role) => change({ role })} />
        <${Field} label="Password" type="password" value=${typed.password} required autocomplete="new-password"
          error=${typed.wrong} hint="At least 10 characters. They can change it."
          onInput=${(event) => change({ password: event.currentTarget.value })} />
        ${typed.problem && html`<${Failure} problem=${typed.problem} />`}
      </form>
    <//>
  `;
};

const NewPassword = ({ user, isOwn, onClose, onDone }) => {
  const password = usePassword({ isOwn });
  const change = async (event) => {
    event.preventDefault();
    const isDone = await password.send((body) => api.patch(path(user.name), body));
    if (!isDone) return;
    toast(`${user.name} has a new password, and is logged out elsewhere.`);
    onDone();
  };
  return html`
    <${Dialog} open title="New password for ${user.name}" onClose=${onClose} actions=${html`
      <${Button} onClick=${onClose}>Cancel<//>
      <button class="button primary" type="submit" form="new-password"><span>Set the password</span></button>
    `}>
      <form id="new-password" onSubmit=${change}>
        <input type="text" name="username" autocomplete="username" value=${user.name} hidden readonly />
        <${PasswordFields} password=${password} />
      </form>
    <//>
  `;
};
