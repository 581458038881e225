// Alerts: by which ways they go, what is told, and a test of each way.
// Never in here: single fields, what a test does.

import { html, useStore } from "../../lib/html.js";
import { alertParts } from "./lib/alerts.js";
import { gathered, kindsOf, state } from "./store.js";
import { Setting } from "./setting.js";
import { Test } from "./test.js";

const TEXTS = { ntfy: "Send a test", email: "Send a test mail", webhook: "Post a test" };

export const Alerts = () => {
  const { answer } = useStore(state);
  const kind = kindsOf(answer.settings);
  const { general, channels } = alertParts(answer.settings);
  const { keys } = gathered(state.get());
  const hint = (rows) => (rows.some((row) => keys.includes(row.key)) ? "It tries what is saved, not what is typed." : null);
  return html`
    <div class="settings-groups">
      ${channels.map((channel) => html`
        <section key=${channel.what} class="settings-group" aria-labelledby="alerts-${channel.what}">
          <header class="settings-group-head">
            <div>
              <h2 id="alerts-${channel.what}">${channel.title}</h2>
              <p>${channel.isOn ? "On. " : "Off. "}${channel.lead}</p>
            </div>
            ${channel.isOn && html`<${Test} what=${channel.what} text=${TEXTS[channel.what]} icon="bell" hint=${hint(channel.rows)} />`}
          </header>
          ${channel.rows.map((row) => html`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`)}
        </section>
      `)}
      <section class="settings-group" aria-labelledby="alerts-general">
        <header class="settings-group-head"><div><h2 id="alerts-general">What is told</h2><p>By all ways alike.</p></div></header>
        ${general.map((row) => html`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`)}
      </section>
    </div>
  `;
};
