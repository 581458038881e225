// The view Settings.

import { html } from "../../lib/html.js";
import { Heading } from "../../lib/parts.js";

export default function Settings() {
  return html`<${Heading} title="Settings" />`;
}
