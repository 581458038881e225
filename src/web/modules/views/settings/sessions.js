// Who is logged in, on which device, since when; and the way to end it.
// Never in here: logins.

import { html, useAnswer } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { shownPath } from "../../lib/format.js";
import { Button, Failure, Skeleton, Time, confirm, toast } from "../../lib/parts.js";
import { Group } from "./group.js";
import { deviceOf, sessionsInOrder } from "./lib/people.js";

const end = (session) => api.delete(`/sessions/${encodeURIComponent(session.id)}`);

export const Sessions = ({ me }) => {
  const { data, problem, reload } = useAnswer((signal) => api.get("/sessions", { signal }), []);
  if (problem && !data) return html`<${Failure} problem=${problem} onRetry=${reload} />`;
  if (!data) return html`<${Skeleton} lines=${3} height=${56} />`;
  const sessions = sessionsInOrder(data.sessions);
  const own = sessions.filter((session) => session.name === me.name);
  const others = sessions.filter((session) => session.name !== me.name);
  const rest = own.filter((session) => !session.current);
  const endRest = async () => {
    const isSure = await confirm({
      title: "Log out everywhere else?",
      text: rest.length === 1 ? "Your other session ends at once." : `Your ${rest.length} other sessions end at once.`,
      action: "Log out everywhere else",
    });
    if (!isSure) return;
    await Promise.all(rest.map(end));
    toast("You are logged in here alone.");
    reload();
  };
  const list = (some, withName) => html`
    <ul class="sessions">
      ${some.map((one) => html`<${Session} key=${one.id} session=${one} reload=${reload} withName=${withName} />`)}
    </ul>
  `;
  return html`
    <${Group} id="own-sessions" title="Yours" lead="If one of them is not you, end it and change your password."
      actions=${rest.length > 0 && html`<${Button} icon="logout" onClick=${endRest}>Log out everywhere else<//>`}>
      ${list(own, false)}
    <//>
    ${others.length > 0 && html`<${Group} id="other-sessions" title="Of others">${list(others, true)}<//>`}
  `;
};

const Session = ({ session, reload, withName }) => {
  const device = shownPath(deviceOf(session.agent));
  const endIt = async () => {
    await end(session);
    toast(`The session on ${device} has ended.`);
    reload();
  };
  return html`
    <li class="session">
      <div>
        <h3 title=${shownPath(session.agent)}>
          ${withName && `${session.name}, `}${device}${" "}
          ${session.current && html`<span class="mark">this one</span>`}
        </h3>
        <p>
          From <span class="number">${session.address}</span> · logged in <${Time} at=${session.created} />${" "}
          · last used <${Time} at=${session.last_used} />
        </p>
      </div>
      ${!session.current && html`
        <${Button} aria-label="End the session on ${device} from ${session.address}" onClick=${endIt}>End<//>
      `}
    </li>
  `;
};
