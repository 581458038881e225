// What the service's log says of a task, in the order in which it happened.

import { api } from "../../lib/api.js";
import { moment } from "../../lib/format.js";
import { html, useAnswer, useEffect, useLayoutEffect, useRef } from "../../lib/html.js";
import { Failure, Panel, Skeleton } from "../../lib/parts.js";
import { isRunning } from "./actions.js";

const LINES = 500;
/** While it is encoded. */
const LOOK_EVERY_MS = 5000;

const TONES = { ERROR: "failed", WARN: "waiting" };

export const Log = ({ task }) => {
  const load = (signal) => api.get(`/tasks/${encodeURIComponent(task.id)}/log`, { query: { lines: LINES }, signal });
  const { data, problem, reload } = useAnswer(load, [task.id, task.status, task.attempts]);
  const grows = isRunning(task);
  useEffect(() => {
    if (!grows) return undefined;
    const timer = setInterval(reload, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [grows]);
  return html`
    <${Panel} title="Log" class="task-log">
      ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && html`<${Skeleton} lines=${3} />`}
      ${
        data &&
        (data.entries.length > 0
          ? html`<${Entries} entries=${data.entries} path=${task.path} />`
          : html`
        <p class="quiet-text">The log has nothing about this file. Older entries are removed when the log is long.</p>
      `)
      }
    <//>
  `;
};

/** What an entry says of this file: its path is known here. */
const short = (message, path) => (message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);

const Entries = ({ entries, path }) => {
  const list = useRef(null);
  // How it ended, or where it is, comes last.
  useLayoutEffect(() => {
    list.current.scrollTop = list.current.scrollHeight;
  }, [entries.length]);
  return html`
    <ol ref=${list} class="log-entries" tabindex="0" aria-label="Entries of the log">
      ${[...entries].reverse().map(
        (entry, index) => html`
        <li key=${index} class=${TONES[entry.level?.toUpperCase()] ?? ""}>
          <time datetime=${entry.time}>${moment(entry.time)}</time>
          <span class="log-level">${entry.level}</span>
          <span class="log-message">${short(entry.message, path)}</span>
        </li>
      `,
      )}
    </ol>
  `;
};
