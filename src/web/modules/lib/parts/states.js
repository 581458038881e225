// How things are: headings, states, notices, nothing at all.
// Never in here: requests.

import { html, useEffect, useLayoutEffect, useState } from "../html.js";
import { bytes, count, pathParts, sentence, shownPath, status, when } from "../format.js";
import { Icon } from "../icons.js";
import { Button } from "./controls.js";

/** The heading of a view, which also is the title of the tab. `children` stand at its right: the view's actions. */
export const Heading = ({ title, detail, children }) => {
  useLayoutEffect(() => {
    document.title = `${shownPath(title)} – video-compressor`;
  }, [title]);
  return html`
    <header class="heading">
      <h1 tabIndex="-1">${title}</h1>
      ${detail && html`<p class="heading-detail">${detail}</p>`}
      ${children && html`<div class="heading-actions">${children}</div>`}
    </header>
  `;
};

/**
 * A part of a view with a heading of its own. `children` may be anything; `actions` stand at the right of the heading.
 */
export const Panel = ({ title, actions, class: more = "", children }) => html`
  <section class="panel ${more}">
    <header class="panel-head"><h2>${title}</h2>${actions}</header>
    ${children}
  </section>
`;

const NOTICE_ICONS = { info: "info", waiting: "alert", failed: "alert", done: "check" };

/** Something one should know. `tone`: "info", "waiting", "failed" or "done". `actions`: buttons. */
export const Notice = ({ tone = "info", icon, title, actions, children }) => html`
  <div class="notice ${tone}">
    <${Icon} name=${icon ?? NOTICE_ICONS[tone]} />
    <div class="notice-text">
      ${title && html`<p class="notice-title">${title}</p>`}
      ${children && html`<div>${children}</div>`}
    </div>
    ${actions && html`<div class="notice-actions">${actions}</div>`}
  </div>
`;

/** Nothing is here: why, and what to do. `actions`: buttons. */
export const Empty = ({ icon = "film", title, actions, children }) => html`
  <div class="empty">
    <${Icon} name=${icon} size=${32} />
    <p class="empty-title">${title}</p>
    ${children && html`<div class="empty-text">${children}</div>`}
    ${actions && html`<div class="empty-actions">${actions}</div>`}
  </div>
`;

/** A Problem, with a way to try again. */
export const Failure = ({ problem, onRetry }) => html`
  <${Notice} tone="failed" title=${problem.title ?? "Something failed"}
    actions=${onRetry && html`<${Button} icon="retry" onClick=${onRetry}>Try again<//>`}>
    <p>${sentence(problem.detail ?? problem.message)}</p>
  <//>
`;

/** What will be here soon, in its size. `height` in px. */
export const Skeleton = ({ lines = 1, height = 20 }) => html`
  <div class="skeletons" aria-hidden="true">
    ${Array.from(
      { length: lines },
      (_, index) => html`<span key=${index} class="skeleton" style=${{ height: `${height}px` }}></span>`,
    )}
  </div>
`;

/** What a task's state is called, with a mark in its colour. */
export const Status = ({ task }) => {
  const { text, tone } = status(task);
  return html`<span class="status ${tone}"><span class="status-mark" aria-hidden="true"></span>${text}</span>`;
};

/** A task's name, with its folder quiet before it; the whole path is its title. */
export const Name = ({ path }) => {
  const { root, folder, name } = pathParts(path);
  return html`
    <span class="name" title=${shownPath(path)}>
      <bdi class="name-file">${name}</bdi>
      <bdi class="name-folder">${[root, folder].filter(Boolean).join("/")}</bdi>
    </span>
  `;
};

const TICK_MS = 30_000;

/** A moment as "5 min ago"; its title has the whole of it. */
export const Time = ({ at }) => {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return html`<span class="number">–</span>`;
  const { text, title } = when(at, Math.max(now, Date.now()));
  return html`<time class="number" datetime=${new Date(at).toISOString()} title=${title}>${text}</time>`;
};

/** A size as "1.1 GB"; its title has all digits. */
export const Bytes = ({ count: size }) => {
  const exact = Number.isFinite(size) ? `${count(size)} bytes` : undefined;
  return html`<span class="number" title=${exact}>${bytes(size)}</span>`;
};
