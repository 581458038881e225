// A new password, typed twice; one's own with the one that it replaces.
// Promises: what was typed is forgotten when it was taken. Never in here: to whom it is given.

import { html, useState } from "../../lib/html.js";
import { Failure, Field } from "../../lib/parts.js";
import { passwordProblem } from "./lib/people.js";

const EMPTY = { current: "", next: "", repeated: "", wrongCurrent: null, wrong: null, problem: null };

/**
 * The state of the fields, and `send(request)`: calls `request(body)` when they are right, and answers whether that was
 * done.
 */
export const usePassword = ({ isOwn }) => {
  const [typed, setTyped] = useState(EMPTY);
  const send = async (request) => {
    const wrong = passwordProblem(typed.next, typed.repeated);
    if (wrong) {
      setTyped((before) => ({ ...before, wrong }));
      return false;
    }
    const body = { password: typed.next };
    if (isOwn) body.current_password = typed.current;
    try {
      await request(body);
      setTyped(EMPTY);
      return true;
    } catch (problem) {
      const isOfCurrent = isOwn && problem.detail?.includes("current_password");
      setTyped((before) => ({
        ...before,
        wrongCurrent: isOfCurrent ? "That is not your password." : null,
        problem: isOfCurrent ? null : problem,
      }));
      return false;
    }
  };
  return { isOwn, typed, setTyped, send };
};

export const PasswordFields = ({ password }) => {
  const { isOwn, typed, setTyped } = password;
  const text = (field, autocomplete) => ({
    type: "password",
    autocomplete,
    value: typed[field],
    required: true,
    onInput: (event) =>
      setTyped({ ...typed, [field]: event.currentTarget.value, wrongCurrent: null, wrong: null, problem: null }),
  });
  return html`
    ${isOwn && html`
      <${Field} label="The password until now" error=${typed.wrongCurrent} ...${text("current", "current-password")} />
    `}
    <${Field} label="New password" hint="At least 10 characters" error=${typed.wrong}
      ...${text("next", "new-password")} />
    <${Field} label="New password once more" ...${text("repeated", "new-password")} />
    ${typed.problem && html`<${Failure} problem=${typed.problem} />`}
  `;
};
