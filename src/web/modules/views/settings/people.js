// One's own account, the accounts of others, and keys for programs.
// Promises: a key's text is shown once and kept nowhere. Never in here: who may what (the API says so).

import { html, useAnswer } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { toast } from "../../lib/parts.js";
import { ROLES } from "./lib/people.js";
import { Group } from "./group.js";
import { Keys } from "./keys.js";
import { PasswordFields, usePassword } from "./password.js";
import { Users } from "./users.js";

export const People = ({ me }) => {
  const isAdmin = me.role === "admin";
  const users = useAnswer((signal) => (isAdmin ? api.get("/users", { signal }) : Promise.resolve(null)), [isAdmin]);
  return html`
    <${OwnAccount} me=${me} />
    ${isAdmin && html`<${Users} me=${me} answer=${users} />`}
    <${Keys} me=${me} users=${users.data?.users ?? []} />
  `;
};

const OwnAccount = ({ me }) => {
  const { title, may } = ROLES.find(({ role }) => role === me.role);
  return html`
    <${Group} id="you" title="You" lead=${html`<strong>${me.name}</strong>, ${title.toLowerCase()}. ${may}`}>
      ${me.has_account
        ? html`<${OwnPassword} me=${me} />`
        : html`<p>Your login server has your password. Keys are for accounts of this server.</p>`}
    <//>
  `;
};

const OwnPassword = ({ me }) => {
  const password = usePassword({ isOwn: true });
  const change = async (event) => {
    event.preventDefault();
    const isDone = await password.send((body) => api.patch(`/users/${encodeURIComponent(me.name)}`, body));
    if (isDone) toast("The password is changed. All your other sessions have ended.");
  };
  return html`
    <details class="own-password">
      <summary>Change the password</summary>
      <form onSubmit=${change}>
        <input type="text" name="username" autocomplete="username" value=${me.name} hidden readonly />
        <${PasswordFields} password=${password} />
        <div class="form-actions">
          <button class="button plain" type="submit"><span>Change the password</span></button>
        </div>
      </form>
    </details>
  `;
};
