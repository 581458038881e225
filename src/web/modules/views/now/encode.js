// One encode that runs.
// Never in here: other encodes.

import { api } from "../../lib/api.js";
import { bytes, change, duration, fps, pathParts, percent, shownPath, speed, stage } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { confirm, Film, IconButton, Link, Thumbnail } from "../../lib/parts.js";

const ask = (id, what) => api.post(`/tasks/${encodeURIComponent(id)}/${what}`);

const cancel = async (task, name) => {
  const isSure = await confirm({
    title: "Cancel this encode?",
    text: `${name}: what is done of it is thrown away. The source stays where it is.`,
    action: "Cancel the encode",
  });
  if (isSure) await ask(task.id, "cancel");
};

/** One that stands still because the whole queue does goes on with it. */
const FreezeButton = ({ task, name, isHeld }) => {
  if (task.frozen)
    return html`<${IconButton} icon="play" label="Go on with ${name}" onClick=${() => ask(task.id, "thaw")} />`;
  if (isHeld) return null;
  return html`<${IconButton} icon="freeze" label="Freeze ${name}" onClick=${() => ask(task.id, "freeze")} />`;
};

const Actions = ({ task, name, isHeld }) => html`
  <div class="encode-actions">
    <${FreezeButton} task=${task} name=${name} isHeld=${isHeld} />
    <${IconButton} icon="cancel" label="Cancel ${name}" tone="danger" onClick=${() => cancel(task, name)} />
  </div>
`;

/** The size of the source, and what the result's will be: "1.1 GB → 412 MB, 380 to 450 MB, −62 %". */
const Projection = ({ before, progress }) => {
  const { projected_bytes: projected, low_bytes: low, high_bytes: high } = progress;
  const isKnown = typeof projected === "number";
  const hasInterval = isKnown && typeof low === "number" && typeof high === "number" && bytes(low) !== bytes(high);
  return html`
    <span class="encode-size ${isKnown ? "" : "unknown"}">
      <span>${bytes(before)}</span>
      <span class="encode-arrow">→</span>
      <span class="encode-after">${isKnown && bytes(projected)}</span>
      <span class="encode-interval">${hasInterval && `${bytes(low)} to ${bytes(high)}`}</span>
      <span class="encode-change ${projected > before ? "more" : ""}">${isKnown && change(before, projected)}</span>
    </span>
  `;
};

const known = (value, text) => (typeof value === "number" ? text(value) : "");

/** How long it takes still, or what it does. */
const remaining = (isStill, progress) => {
  if (isStill) return "Frozen";
  return typeof progress.seconds_left === "number" ? `${duration(progress.seconds_left)} left` : stage(progress.stage);
};

const NO_PROGRESS = { stage: "", percent: null, pieces: null };

/** `isHeld`: the whole queue stands still. */
export const Encode = ({ task, isHeld, mayChange }) => {
  const progress = task.progress ?? NO_PROGRESS;
  const { root, folder, name } = pathParts(task.path);
  const isStill = task.frozen || isHeld;
  const tone = isStill ? "waiting" : "running";
  return html`
    <li class="encode ${tone}">
      <${Thumbnail} id=${task.id} resolution=${task.resolution} />
      <div class="encode-title">
        <${Link} class="encode-name" href="/tasks/${encodeURIComponent(task.id)}" title=${shownPath(task.path)}>
          <bdi>${name}</bdi>
        <//>
        <p class="encode-where"><bdi>${[root, folder].filter(Boolean).join("/")}</bdi></p>
      </div>
      ${mayChange && html`<${Actions} task=${task} name=${name} isHeld=${isHeld} />`}
      <div class="encode-bar">
        <${Film} pieces=${progress.pieces} percent=${progress.percent} label="Progress of ${name}" tone=${tone} />
      </div>
      <div class="encode-numbers">
        <span class="encode-percent">${percent(progress.percent)}</span>
        <span class="encode-left">${remaining(isStill, progress)}</span>
        <span class="encode-fps">${isStill ? "" : known(progress.fps, fps)}</span>
        <span class="encode-speed">${isStill ? "" : known(progress.speed, speed)}</span>
        <${Projection} before=${task.size_before_bytes} progress=${progress} />
      </div>
    </li>
  `;
};
