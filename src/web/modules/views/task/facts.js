// The few facts of a task that are there without a receipt: times, sizes, wishes.

import { bytes, duration } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Panel, Time } from "../../lib/parts.js";

const secondsBetween = (from, to) => (from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null);

export const Facts = ({ task }) => {
  const took = task.started && task.ended ? secondsBetween(task.started, task.ended) : null;
  const facts = [
    ["Source", html`<span class="number">${bytes(task.size_before_bytes)}</span>`],
    ["Resolution", task.resolution === null ? "none" : `${task.resolution}p`],
    ["Profile", task.profile ?? "that of its folder"],
    ["Priority", task.priority === 0 ? "normal" : String(task.priority)],
    ["Added", html`<${Time} at=${task.added} />`],
    ["Begun", html`<${Time} at=${task.started} />`],
    ["Ended", html`<${Time} at=${task.ended} />`],
    ["Took", html`<span class="number">${duration(took)}</span>`],
    ["Encodes begun", html`<span class="number">${task.attempts}</span>`],
  ];
  return html`
    <${Panel} title="Facts" class="facts">
      <dl class="fact-list">
        ${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
    <//>
  `;
};
