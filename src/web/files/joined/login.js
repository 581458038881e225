import { useAnswer, Heading, Skeleton, fe, Failure, api, Field, address, G, Q, J, Button, Notice, sentence, counted } from './app.js';

// Logging in: by name and password, by another server's login, or as the first administrator.
// Promises: what is typed goes to the service alone and is kept nowhere; after it one is where one wanted to go; a form
// that was sent too often says when it may be sent again.
// Never in here: who may what.


/** Counts down to 0, a second at a time. */
const useSecondsLeft = () => {
  const [left, setLeft] = G(0);
  J(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return [left, setLeft];
};

/** A form that `send(values)` sends; what went wrong stands above its button. */
const Form = ({ action, send, children }) => {
  const [problem, setProblem] = G(null);
  const [isBusy, setBusy] = G(false);
  const [waitSeconds, setWaitSeconds] = useSecondsLeft();
  const form = Q(null);
  J(() => form.current.querySelector("input").focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    if (isBusy || waitSeconds > 0) return;
    const values = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    setProblem(null);
    try {
      await send(values);
    } catch (failed) {
      setProblem(failed);
      setWaitSeconds(failed.retryAfterSeconds ?? 0);
      setBusy(false);
    }
  };
  return fe`
    <form ref=${form} onSubmit=${submit}>
      ${children}
      <div role="alert">${problem && fe`<${Notice} tone="failed">${sentence(problem.message)}<//>`}</div>
      <${Button} type="submit" tone="primary" busy=${isBusy} disabled=${waitSeconds > 0}>
        ${waitSeconds > 0 ? `Wait ${counted(waitSeconds, "second")}` : action}
      <//>
    </form>
  `;
};

const logIn = ({ name, password }) => api.post("/login", { name, password });

const NAME = { name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: false, required: true };

const Login = ({ enter }) => fe`
  <${Form} action="Log in" send=${async (values) => enter(await logIn(values))}>
    <${Field} label="Name" ...${NAME} />
    <${Field} label="Password" name="password" type="password" autocomplete="current-password" required />
  <//>
`;

const SetUp = ({ enter }) => {
  const send = async ({ token, ...values }) => {
    await api.post("/setup", { token: token.trim(), ...values });
    enter(await logIn(values));
  };
  return fe`
    <p>There is no user yet. A token in the file <code>conf/setup-token</code> on the machine makes the first
    administrator.</p>
    <${Form} action="Begin" send=${send}>
      <${Field} label="Token" name="token" autocomplete="off" autocapitalize="none" spellcheck=${false} required />
      <${Field} label="Name" ...${NAME} />
      <${Field} label="Password" name="password" type="password" autocomplete="new-password" required
        minlength="10" maxlength="1024" hint="At least 10 characters." />
    <//>
  `;
};

const Elsewhere = ({ name, onLeave }) => fe`
  <a class="button" href=${address("/oidc/login")} onClick=${onLeave}>Log in with ${name ?? "single sign-on"}</a>
`;

/** `enter(person)`: someone has logged in. `comeBack(to)`: where to be after a login at another server. */
function LoginView({ route, enter, comeBack }) {
  const { data, problem, reload } = useAnswer((signal) => api.get("/login-options", { signal }), []);
  return fe`
    <p class="login-brand"><span class="brand-mark" aria-hidden="true"></span>video-compressor</p>
    <${Heading} title=${data?.setup ? "Set up" : "Log in"} />
    ${!data && !problem && fe`<${Skeleton} lines=${3} height=${36} />`}
    ${problem && !data && fe`<${Failure} problem=${problem} onRetry=${reload} />`}
    ${data?.setup && fe`<${SetUp} enter=${enter} />`}
    ${data && !data.setup && fe`<${Login} enter=${enter} />`}
    ${data?.oidc && !data.setup && fe`<${Elsewhere} name=${data.name} onLeave=${() => comeBack(route.query.to)} />`}
  `;
}

export { LoginView as default };
