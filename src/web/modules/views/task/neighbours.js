// Which files stand before and after this one in the list it was opened from; else in the newest ones.
//
// Never in here: lists themselves.

import { api } from "../../lib/api.js";
import { html, useAnswer } from "../../lib/html.js";
import { useKeys } from "../../lib/keys.js";
import { around, keptNeighbours } from "../../lib/neighbours.js";
import { Icon, Link } from "../../lib/parts.js";
import { go } from "../../lib/route.js";

const NEWEST = 500;

const load = async (id, signal) => {
  const kept = around(keptNeighbours() ?? [], id);
  if (kept) return kept;
  const { tasks } = await api.get("/tasks", { query: { sort: "-added", limit: NEWEST }, signal });
  return around(
    tasks.map((task) => task.id),
    id,
  );
};

const address = (id) => `/tasks/${encodeURIComponent(id)}`;

const Step = ({ id, icon, label, hint }) =>
  id
    ? html`<${Link} class="icon-button quiet" href=${address(id)} aria-label=${label} title="${label} (${hint})">
        <${Icon} name=${icon} />
      <//>`
    : html`<span class="icon-button quiet nowhere" aria-hidden="true"><${Icon} name=${icon} /></span>`;

export const Neighbours = ({ id }) => {
  const { data } = useAnswer((signal) => load(id, signal), [id]);
  const leadTo = (other) => (other ? go(address(other)) : false);
  useKeys({ j: () => leadTo(data?.next), k: () => leadTo(data?.previous) });
  if (!data || data.of < 2) return null;
  return html`
    <nav class="neighbours" aria-label="Files beside this one">
      <${Step} id=${data.previous} icon="left" label="Previous file" hint="k" />
      <span class="number small quiet-text">${data.place} of ${data.of}</span>
      <${Step} id=${data.next} icon="right" label="Next file" hint="j" />
    </nav>
  `;
};
