// Logging in: by name and password, by another server's login, or as the first administrator.
// Promises: what is typed goes to the service alone and is kept nowhere; after it one is where one wanted to go.
// Never in here: who may what.

import { api } from "../lib/api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Button, Field, Heading, Notice } from "../lib/parts.js";

const NO_OPTIONS = { setup: false, oidc: false, name: "video-compressor" };

/** Sends a form; `{problem, isBusy, submit}`. Until `Retry-After` is over it is not sent again. */
const useForm = (send) => {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    const values = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    setProblem(null);
    try {
      await send(values);
    } catch (failed) {
      setProblem(failed);
      setBusy(false);
    }
  };
  return { problem, isBusy, submit };
};

const Login = ({ enter }) => {
  const { problem, isBusy, submit } = useForm(async ({ name, password }) => enter(await api.post("/login", { name, password })));
  return html`
    <form onSubmit=${submit}>
      <${Field} label="Name" name="name" autocomplete="username" autocapitalize="none" spellcheck=${false} required autofocus />
      <${Field} label="Password" name="password" type="password" autocomplete="current-password" required />
      ${problem && html`<div role="alert"><${Notice} tone="failed">${problem.detail}<//></div>`}
      <${Button} type="submit" tone="primary" busy=${isBusy}>Log in<//>
    </form>
  `;
};

const SetUp = ({ enter }) => {
  const { problem, isBusy, submit } = useForm(async ({ token, name, password }) => {
    await api.post("/setup", { token: token.trim(), name, password });
    enter(await api.post("/login", { name, password }));
  });
  return html`
    <form onSubmit=${submit}>
      <p>There is no user yet. The file <code>conf/setup-token</code> on the machine has a token that makes the first administrator.</p>
      <${Field} label="Token" name="token" autocomplete="off" spellcheck=${false} required autofocus />
      <${Field} label="Name" name="name" autocomplete="username" autocapitalize="none" spellcheck=${false} required />
      <${Field} label="Password" name="password" type="password" autocomplete="new-password" minlength="10" required
        hint="10 characters at least." />
      ${problem && html`<div role="alert"><${Notice} tone="failed">${problem.detail}<//></div>`}
      <${Button} type="submit" tone="primary" busy=${isBusy}>Make the administrator<//>
    </form>
  `;
};

export default function LoginView({ me: { enter } }) {
  const [options, setOptions] = useState(null);
  useEffect(() => {
    api.get("/login-options").then(setOptions, () => setOptions(NO_OPTIONS));
  }, []);
  return html`
    <${Heading} title=${options?.setup ? "Set up" : "Log in"} />
    ${options && (options.setup ? html`<${SetUp} enter=${enter} />` : html`<${Login} enter=${enter} />`)}
  `;
}
