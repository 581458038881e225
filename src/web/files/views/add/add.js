// The view Add.

import { html } from "../../lib/html.js";
import { Heading } from "../../lib/parts.js";

export default function Add() {
  return html`<${Heading} title="Add" />`;
}
