// The view Task.

import { html } from "../../lib/html.js";
import { Heading } from "../../lib/parts.js";

export default function Task() {
  return html`<${Heading} title="Task" />`;
}
