// What was chosen and is not sent, with the reasons.
//
// Never in here: the decision (`wanted`).

import { count, counted, shownPath } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Button, Notice } from "../../lib/parts.js";
import { MOST_FILES } from "./files.js";
import { refusedInWords } from "./wanted.js";

/** More are told of by their number. */
const LISTED = 50;

export const WhatWasLeftOut = ({ refused, unread, isCut, isEmpty, onClose }) => {
  if (refused.length === 0 && unread === 0 && !isCut && !isEmpty) return null;
  const close = html`<${Button} tone="quiet" onClick=${onClose}>Close<//>`;
  if (isEmpty && unread === 0) {
    return html`
      <${Notice} tone="waiting" title="There were no files in it" actions=${close}>
        <p>Choose videos, or a folder with videos.</p>
      <//>
    `;
  }
  const title = `${counted(refused.length + unread, "file is", "files are")} not sent`;
  return html`
    <${Notice} tone="waiting" title=${title} actions=${close}>
      <p>${[
        refusedInWords(refused),
        unread > 0 && `${unread} could not be read`,
        isCut && `only the first ${count(MOST_FILES)} were looked at`,
      ]
        .filter(Boolean)
        .join("; ")}.</p>
      ${
        refused.length > 0 &&
        html`
        <details class="left-out">
          <summary>Which, and why</summary>
          <ul>${refused.slice(0, LISTED).map(
            ({ file, reason }) => html`
            <li key=${file.path}><bdi class="left-out-name">${shownPath(file.path)}</bdi> <span>${reason}</span></li>
          `,
          )}</ul>
          ${refused.length > LISTED && html`<p>And ${refused.length - LISTED} more.</p>`}
        </details>
      `
      }
    <//>
  `;
};
