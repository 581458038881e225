// What is still to do, and what was saved so far.
// Never in here: requests.

import { bytes, counted, duration, UNKNOWN } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Link } from "../../lib/parts.js";

const BLANK = "\u00a0";

const Total = ({ label, value, detail, tone = "", href }) => html`
  <div class="total ${tone}">
    <dt>${href ? html`<${Link} href=${href}>${label}<//>` : label}</dt>
    <dd class="total-value">${value}</dd>
    <dd class="total-detail">${detail}</dd>
  </div>
`;

export const Totals = ({ queue }) => {
  const waiting = queue?.counts.queued ?? 0;
  const isBusy = waiting + (queue?.counts.processing ?? 0) > 0;
  const left = () => {
    if (!queue) return UNKNOWN;
    if (!isBusy) return "Nothing";
    return queue.left_seconds === null ? "…" : duration(queue.left_seconds);
  };
  const detail = () => {
    if (!queue) return BLANK;
    if (!isBusy) return "No file waits";
    const bytesLeft = `${bytes(queue.left_bytes)} left`;
    return waiting > 0 ? `${counted(waiting, "file")} waiting, ${bytesLeft}` : bytesLeft;
  };
  const isCounted = typeof queue?.saved_bytes === "number";
  return html`
    <dl class="totals">
      <${Total} label="To go" value=${left()} detail=${detail()} href="/queue" />
      <${Total} label="Saved so far" href="/history"
        value=${isCounted ? bytes(queue.saved_bytes) : UNKNOWN} tone=${queue?.saved_bytes > 0 ? "done" : ""}
        detail=${isCounted ? `by ${counted(queue.saved_files, "file")}` : BLANK} />
    </dl>
  `;
};
