// What ended last.
// Never in here: requests.

import { bytes, change } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Link, Name, Status, Time } from "../../lib/parts.js";

/** What came of it: sizes, or why not. */
const Outcome = ({ task }) => {
  if (task.status === "processed" && task.size_after_bytes !== null) {
    return html`
      <span class="recent-sizes">
        <span>${bytes(task.size_before_bytes)}</span><span>${" → "}</span><span>${bytes(task.size_after_bytes)}</span>
      </span>
      <span class="recent-change">${change(task.size_before_bytes, task.size_after_bytes)}</span>
    `;
  }
  return html`<span class="recent-why">${task.error ?? task.reason ?? ""}</span>`;
};

export const Recent = ({ tasks }) => html`
  <ul class="recent">
    ${tasks.map(
      (task) => html`
      <li key=${task.id}>
        <${Link} class="recent-row" href="/tasks/${encodeURIComponent(task.id)}">
          <${Name} path=${task.path} />
          <${Status} task=${task} />
          <span class="recent-outcome"><${Outcome} task=${task} /></span>
          <span class="recent-when"><${Time} at=${task.ended} /></span>
        <//>
      </li>
    `,
    )}
  </ul>
`;
