// One task as a row of the queue or the history.
//
// Promises: a row is drawn anew only when something of it has changed; it has no handlers of its own: the grid has
// them, and finds a row by `data-row`; what can be pressed says in `data-does` what it does.
// Never in here: what is done when it is pressed.

import { change, bytes, duration, fps, percent, sentence, shownPath, stage, when } from "../../lib/format.js";
import { Component, html, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Bar, Name, Status } from "../../lib/parts.js";
import { isStandingStill } from "../../lib/trouble.js";

const shallowEqual = (one, other) =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every((key) => Object.is(one[key], other[key]));

/** As `data-does` of what a row has. */
export const DOES = { choose: "choose", menu: "menu", drag: "drag" };

/** An encode that runs, in the place of a status: how far it is, at once when that changes. */
function Running({ task }) {
  const encode = useStore(live, ({ encodes }) => encodes.find(({ id }) => id === task.id));
  const progress = encode?.progress ?? task.progress;
  const isAllStill = useStore(live, ({ queue }) => isStandingStill(queue));
  const isFrozen = isAllStill || (encode?.frozen ?? task.frozen);
  const isKnown = progress?.percent != null;
  return html`
    <span class="running ${isFrozen ? "frozen" : ""}">
      <${Bar} percent=${progress?.percent ?? null} label="Encoded" tone=${isFrozen ? "waiting" : "running"} />
      <span class="detail number">
        ${isFrozen ? "Frozen " : html`<span class=${isKnown ? "wide-only" : ""}>${stage(progress?.stage)} </span>`}
        ${isKnown && percent(progress.percent)}
        ${!isFrozen && progress?.fps != null && html`<span class="wide-only"> · ${fps(progress.fps)}</span>`}
        ${!isFrozen && progress?.seconds_left != null && ` · ${duration(progress.seconds_left)} left`}
      </span>
    </span>
  `;
}

/** Why a task is as it is, in words; null when there is nothing to say. */
const reasonOf = (task) => {
  const text = task.error ?? task.reason;
  return text ? sentence(shownPath(text)) : null;
};

const State = ({ task }) => {
  if (task.status === "processing") return html`<${Running} task=${task} />`;
  const reason = reasonOf(task);
  return html`<${Status} task=${task} />${reason && html`<span class="detail" title=${reason}>${reason}</span>`}`;
};

/** The moment of a task that matters: when it ended, began, or came. */
const momentOf = (task) => task.ended ?? task.started ?? task.added;

const Sizes = ({ task }) => {
  const { size_before_bytes: before, size_after_bytes: after } = task;
  if (task.status !== "processed" || after === null) return html`<span class="number">${bytes(before)}</span>`;
  return html`
    <span class="number"><span class="was">${bytes(before)} → </span>${bytes(after)}</span>
    <span class="number ${after < before ? "saved" : ""}">${change(before, after)}</span>
  `;
};

const Cells = ({ task, isChosen, mayChoose, hasMenu, hasGrip, nowMs }) => {
  const name = shownPath(task.path);
  const moment = momentOf(task);
  // What came after the clock's last beat is no thing of the future.
  const { text, title } = when(moment, Math.max(nowMs, Date.parse(moment) || 0));
  return html`
    ${
      mayChoose &&
      html`
      <div class="cell cell-choose" role="gridcell">
        <input type="checkbox" tabIndex="-1" data-does=${DOES.choose} checked=${isChosen} aria-label="Choose ${name}" />
      </div>
    `
    }
    <div class="cell cell-name" role="gridcell">
      <a href="/tasks/${encodeURIComponent(task.id)}" tabIndex="-1"><${Name} path=${task.path} /></a>
    </div>
    <div class="cell cell-state" role="gridcell"><${State} task=${task} /></div>
    <div class="cell cell-priority number" role="gridcell">
      ${task.priority !== 0 && html`<span title="Priority">${task.priority > 0 && "+"}${task.priority}</span>`}
    </div>
    <div class="cell cell-height number" role="gridcell">${task.resolution ?? "–"}</div>
    <div class="cell cell-size" role="gridcell"><${Sizes} task=${task} /></div>
    <div class="cell cell-time number" role="gridcell" title=${title}>${text}</div>
    <div class="cell cell-does" role="gridcell">
      ${hasGrip && html`<span class="grip" data-does=${DOES.drag} title="Drag to reorder"></span>`}
      ${
        hasMenu &&
        html`
        <button type="button" class="icon-button quiet dots" tabIndex="-1" data-does=${DOES.menu} aria-haspopup="menu"
          aria-label="What to do with ${name}" title="More"></button>
      `
      }
    </div>
  `;
};

const Unread = () => html`
  <div class="cell cell-name" role="gridcell">
    <span class="skeleton"></span><span class="visually-hidden">Not read yet</span>
  </div>
`;

/**
 * `task`: null while it is not known. `mayChoose`: it has a box to choose it; `hasMenu`, `hasGrip`: a button for its
 * menu, and something to drag it by. `nowMs`: the clock, for "5 min ago".
 */
export class Row extends Component {
  shouldComponentUpdate(next) {
    return !shallowEqual(this.props, next);
  }

  render({ number, topPx, isActive, isDragged = false, ...cells }) {
    const { task, isChosen = false, mayChoose } = cells;
    const kinds = { unread: task === null, chosen: isChosen, dragged: isDragged };
    const classes = Object.keys(kinds).filter((kind) => kinds[kind]);
    return html`
      <div class="row ${classes.join(" ")}" role="row" aria-rowindex=${number + 2}
        aria-selected=${mayChoose ? isChosen : undefined}
        tabIndex=${isActive ? 0 : -1} data-row=${number} style=${{ transform: `translateY(${topPx}px)` }}>
        ${
          task === null
            ? html`<${Unread} />`
            : html`<${Cells} ...${cells} />`
        }
      </div>
    `;
  }
}
