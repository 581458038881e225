// Alerts: by which ways they go, what is told, and a test of each way.
// Never in here: single fields, what a test does.

import { html, useStore } from "../../lib/html.js";
import { alertParts } from "./lib/alerts.js";
import { Group } from "./group.js";
import { gathered, kindsOf, state } from "./store.js";
import { Setting } from "./setting.js";
import { Test } from "./test.js";

const TEXTS = { ntfy: "Send a test", email: "Send a test mail", webhook: "Post a test" };

export const Alerts = () => {
  const { answer } = useStore(state);
  const kind = kindsOf(answer.settings);
  const { general, channels } = alertParts(answer.settings);
  const { keys } = gathered(state.get());
  const hint = (rows) =>
    rows.some((row) => keys.includes(row.key)) ? "It tries what is saved, not what is typed." : null;
  const fields = (rows) => rows.map((row) => html`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`);
  const test = ({ what, rows }) =>
    html`<${Test} what=${what} text=${TEXTS[what]} icon="bell" hint=${hint(rows)} />`;
  return html`
    <div class="settings-groups">
      ${channels.map((channel) => html`
        <${Group} key=${channel.what} id="alerts-${channel.what}" title=${channel.title}
          lead=${`${channel.isOn ? "On" : "Off"}. ${channel.lead}`} actions=${channel.isOn && test(channel)}>
          ${fields(channel.rows)}
        <//>
      `)}
      <${Group} id="alerts-general" title="What is told" lead="By all ways alike.">${fields(general)}<//>
    </div>
  `;
};
