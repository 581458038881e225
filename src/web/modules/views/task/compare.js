// Source and result at the same moment, one over the other, with a line to draw across.
//
// Promises: both pictures change in the same instant, after both are decoded; the newest moment asked for is the one
// shown in the end; mouse, touch and keys can do all of it.
// Never in here: which moment is meant (`moments`).

import { address, problemOf } from "../../lib/api.js";
import { bytes, count } from "../../lib/format.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../lib/html.js";
import { Button, IconButton, Notice, Panel } from "../../lib/parts.js";
import { exactTime, filmOf, firstLook, frameByKey, newestFirst, secondsOf, widthFor } from "./moments.js";
import { framesPerSecond } from "./receipt.js";

/** A server that makes other pictures is asked again. */
const TRIES = 5;
const LONGEST_WAIT_SECONDS = 5;
const NO_PICTURE = "The film is over by then, or the file is not in its place any more.";
/** A side that is narrower says nothing of what it is. */
const LABEL_PERCENT = 15;

const pause = (seconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** One picture, decoded; throws a Problem. */
const pictureOf = async (id, query, signal, tries = TRIES) => {
  const asked = { ...query, missing: "empty" };
  const response = await fetch(address(`/tasks/${encodeURIComponent(id)}/frames`, asked), { signal });
  if (response.status === 204) throw problemOf(404, null, { detail: NO_PICTURE });
  if (response.ok) return createImageBitmap(await response.blob());
  const problem = problemOf(
    response.status,
    response.headers.get("Retry-After"),
    await response.json().catch(() => null),
  );
  if (problem.status !== 503 || tries <= 1) throw problem;
  await pause(Math.min(problem.retryAfterSeconds ?? 1, LONGEST_WAIT_SECONDS), signal);
  return pictureOf(id, query, signal, tries - 1);
};

/** Of a side whose film is gone. */
const isGone = (side, other) => side.problem?.status === 404 && other.picture !== null;

/** `{picture, problem}` of each side; a source that was gone is not asked for again. */
const sidesOf = async (id, query, signal, before) => {
  const side = (name) =>
    pictureOf(id, { ...query, side: name }, signal).then(
      (picture) => ({ picture, problem: null }),
      (problem) => ({ picture: null, problem }),
    );
  const isSourceGone = before !== null && isGone(before.source, before.output);
  const [source, output] = await Promise.all([isSourceGone ? before.source : side("source"), side("output")]);
  return { source, output };
};

const mainVideo = ({ streams }) => streams.find(({ kind }) => kind === "video");

export const Compare = ({ task, receipt }) => {
  const video = mainVideo(receipt.source);
  const film = useMemo(
    () =>
      filmOf(
        video?.duration_seconds ?? receipt.source.duration_seconds,
        framesPerSecond(video?.frame_rate),
        receipt.source.frames,
      ),
    [receipt],
  );
  if (!film) return null;
  return html`<${Pictures} key=${`${task.id} ${task.ended}`} id=${task.id} film=${film} receipt=${receipt} />`;
};

const draw = (canvas, picture) => {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
};

const Pictures = ({ id, film, receipt }) => {
  const [frame, setFrame] = useState(() => firstLook(film));
  const [sides, setSides] = useState(null);
  const [split, setSplit] = useState(50);
  const [isLarge, setIsLarge] = useState(false);
  const figure = useRef(null);
  const canvases = { source: useRef(null), output: useRef(null) };
  const work = useRef(null);

  useEffect(() => {
    let before = null;
    const show = async ({ seconds, width }, signal) => {
      try {
        before = { ...(await sidesOf(id, { at_seconds: seconds.toFixed(3), width }, signal, before)), seconds };
        setSides(before);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    };
    work.current = newestFirst(show);
    return () => work.current.end();
  }, [id]);
  useEffect(() => {
    const width = widthFor((figure.current?.clientWidth ?? 640) * window.devicePixelRatio);
    work.current.ask({ seconds: secondsOf(film, frame), width });
  }, [film, frame, isLarge]);
  useLayoutEffect(() => {
    if (!sides) return;
    for (const name of ["source", "output"]) {
      const { picture } = sides[name];
      if (picture) draw(canvases[name].current, picture);
    }
  }, [sides]);
  useEffect(() => {
    const changed = () => setIsLarge(document.fullscreenElement === figure.current);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);

  const turnLarge = () => (document.fullscreenElement ? document.exitFullscreen() : figure.current.requestFullscreen());
  const one = sides?.source.picture ?? sides?.output.picture;
  const ratio = one ? one.width / one.height : 16 / 9;
  const problem = sides?.source.problem ?? sides?.output.problem;
  const shown = exactTime(sides?.seconds ?? secondsOf(film, frame));
  const canCompare = Boolean(sides?.source.picture && sides?.output.picture);
  /** Of the picture, how much is the source. */
  const seenPercent = canCompare ? split : sides?.source.picture ? 100 : 0;
  const style = { "--split": `${seenPercent}%`, "--ratio": String(ratio) };
  return html`
    <${Panel} title="Before and after" class="compare">
      <figure ref=${figure} class="compare-figure ${sides ? "" : "loading"}" style=${style}>
        <div class="compare-stage">
          <canvas ref=${canvases.output} class="compare-output" role="img" aria-label="The result at ${shown}"
            hidden=${!sides?.output.picture}></canvas>
          <canvas ref=${canvases.source} class="compare-source" role="img" aria-label="The source at ${shown}"
            hidden=${!sides?.source.picture}></canvas>
          ${seenPercent >= LABEL_PERCENT && html`
            <span class="compare-label source">Source, ${bytes(receipt.source.size_bytes)}</span>
          `}
          ${sides && seenPercent <= 100 - LABEL_PERCENT && html`
            <span class="compare-label output">Result, ${bytes(receipt.output.size_bytes)}</span>
          `}
          ${
            canCompare &&
            html`
            <span class="compare-line" aria-hidden="true"></span>
            <input type="range" class="compare-slider" min="0" max="100" step="0.5" value=${split}
              aria-label="How much of the source is shown"
              aria-valuetext="${Math.round(split)} % source at the left"
              onInput=${(event) => setSplit(Number(event.currentTarget.value))} />
          `
          }
        </div>
        <${Scrubber} film=${film} frame=${frame} onChange=${setFrame} isLarge=${isLarge} onLarge=${turnLarge} />
      </figure>
      ${problem && html`<${Missing} sides=${sides} onRetry=${() => setFrame((at) => (at > 0 ? at - 1 : at + 1))} />`}
    <//>
  `;
};

const Missing = ({ sides, onRetry }) => {
  const { source, output } = sides;
  if (isGone(source, output)) {
    return html`
      <${Notice} tone="info" title="The source is not in its place any more">
        <p>It was moved, deleted or replaced since it was compressed. So there is nothing to compare with, and here is
          the result alone.</p>
      <//>
    `;
  }
  const problem = source.problem ?? output.problem;
  const again = html`<${Button} icon="retry" onClick=${onRetry}>Try beside it<//>`;
  return html`<${Notice} tone="waiting" title="There is no picture to compare here" actions=${again}>
    <p>${problem.detail ?? problem.message}</p>
  <//>`;
};

/** The choice of the moment. */
const Scrubber = ({ film, frame, onChange, isLarge, onLarge }) => {
  const second = Math.max(1, Math.round(film.framesPerSecond));
  const last = film.frames - 1;
  const step = (by) => onChange(Math.min(last, Math.max(0, frame + by)));
  const press = (event) => {
    const to = event.ctrlKey || event.metaKey || event.altKey ? null : frameByKey(film, frame, event);
    if (to === null) return;
    event.preventDefault();
    onChange(to);
  };
  const time = exactTime(secondsOf(film, frame));
  return html`
    <figcaption class="scrubber">
      <input type="range" class="scrubber-range" min="0" max=${last} step="1" value=${frame}
        aria-label="Moment of the film" aria-valuetext="${time}, frame ${frame}"
        onInput=${(event) => onChange(Number(event.currentTarget.value))} onKeyDown=${press} />
      <span class="scrubber-time number">
        ${time} <span class="quiet-text">of ${exactTime(film.durationSeconds)}, frame ${count(frame)}</span>
      </span>
      <span class="scrubber-buttons">
        <${Button} tone="quiet" aria-label="−1 s, back" onClick=${() => step(-second)}>−1 s<//>
        <${IconButton} icon="left" label="A frame back" onClick=${() => step(-1)} />
        <${IconButton} icon="right" label="A frame on" onClick=${() => step(1)} />
        <${Button} tone="quiet" aria-label="+1 s, on" onClick=${() => step(second)}>+1 s<//>
        ${document.fullscreenEnabled && html`
          <${Button} tone="quiet" icon=${isLarge ? "cancel" : "external"} onClick=${onLarge}>
            ${isLarge ? "Close" : "Full screen"}
          <//>
        `}
      </span>
    </figcaption>
  `;
};
