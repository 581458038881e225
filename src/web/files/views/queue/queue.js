// The view Queue.

import { html } from "../../lib/html.js";
import { Heading } from "../../lib/parts.js";

export default function Queue() {
  return html`<${Heading} title="Queue" />`;
}
