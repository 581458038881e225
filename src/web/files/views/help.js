// Help: how it works, in short, and where to read more.
// Never in here: anything that changes something.

import { html } from "../lib/html.js";
import { Heading } from "../lib/parts.js";

export default function Help() {
  return html`<${Heading} title="Help" />`;
}
