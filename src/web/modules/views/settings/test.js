// Tries something out for real, with the settings in force, and says in words how it went.
// Never in here: what is tried (the service).

import { html, useState } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { Button, Failure, Notice } from "../../lib/parts.js";
import { sentence } from "./lib/draft.js";
import { tookInWords } from "./lib/alerts.js";

const PATIENCE_MS = 90_000;

/** `what` as the API names it; `text` of the button; `hint`: why it would not try what is typed. */
export const Test = ({ what, text, hint = null, icon = "play" }) => {
  const [state, setState] = useState({ results: null, problem: null });
  const run = async () => {
    setState({ results: null, problem: null });
    try {
      setState({ results: await api.post("/settings/test", { what }, { timeoutMs: PATIENCE_MS }), problem: null });
    } catch (problem) {
      setState({ results: null, problem });
    }
  };
  return html`
    <div class="test">
      <${Button} icon=${icon} onClick=${run}>${text}<//>
      ${hint && html`<p class="field-hint">${hint}</p>`}
      <div class="test-results" role="status">
        ${state.problem && html`<${Failure} problem=${state.problem} />`}
        ${state.results?.map((result) => html`<${Result} key=${result.target} result=${result} />`)}
      </div>
    </div>
  `;
};

const Result = ({ result }) => {
  const title = `${result.target}: ${result.ok ? "works" : "does not work"}, ${tookInWords(result.took_ms)}`;
  return html`
    <${Notice} tone=${result.ok ? "done" : "failed"} title=${title}>
      ${result.detail && html`<p>${sentence(result.detail)}</p>`}
      ${result.way_out && html`<p>${sentence(result.way_out)}</p>`}
    <//>
  `;
};
