// A part of a section: a heading with what it is about, and what can be done with all of it.
// Never in here: what stands below it.

import { html } from "../../lib/html.js";

/** `lead`: what it is about; `actions`: buttons, and what they bring. */
export const Group = ({ id, title, lead, actions, children }) => html`
  <section class="settings-group" id=${id} aria-labelledby="${id}-title">
    <header class="settings-group-head">
      <div>
        <h2 id="${id}-title" tabIndex="-1">${title}</h2>
        ${lead && html`<p>${lead}</p>`}
      </div>
      ${actions}
    </header>
    ${children}
  </section>
`;
