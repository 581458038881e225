// The view History.

import { html } from "../../lib/html.js";
import { Heading } from "../../lib/parts.js";

export default function History() {
  return html`<${Heading} title="History" />`;
}
