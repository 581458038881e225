// Now: what is encoded, what waits, how the machine is, and what is wrong.

import { html, useStore } from "../lib/html.js";
import { live } from "../lib/live.js";
import { Heading } from "../lib/parts.js";

export default function Now() {
  const { queue } = useStore(live);
  return html`<${Heading} title="Now" /><p>${queue ? "Live" : "…"}</p>`;
}
