// What runs here, and where to read on.
// Never in here: keyboard shortcuts themselves (views/help.js lists them).

import { html, useAnswer } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { Failure, Link, Skeleton } from "../../lib/parts.js";
import { CopyButton } from "./copy.js";
import { Test } from "./test.js";

const UNKNOWN = "unknown";

export const About = ({ me }) => {
  const { data, problem, reload } = useAnswer((signal) => api.get("/version", { signal }), []);
  return html`
    <section class="settings-group" aria-labelledby="about-title">
      <header class="settings-group-head">
        <div><h2 id="about-title">video-compressor</h2><p>Drop a video into a folder, get it back smaller and whole.</p></div>
        ${data && html`<${CopyButton} text=${asText(facts(data))}>Copy for a report<//>`}
      </header>
      ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && html`<${Skeleton} lines=${5} height=${24} />`}
      ${data && html`
        <dl class="facts">${facts(data).map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}</dl>
      `}
    </section>
    ${me.role === "admin" && html`
      <section class="settings-group" aria-labelledby="ffmpeg-title">
        <header class="settings-group-head">
          <div><h2 id="ffmpeg-title">ffmpeg</h2><p>A short test encodes a made-up film with the settings in force.</p></div>
          <${Test} what="ffmpeg" text="Test ffmpeg" />
        </header>
      </section>
    `}
    <section class="settings-group" aria-labelledby="help-title">
      <header class="settings-group-head"><div><h2 id="help-title">Read on</h2></div></header>
      <ul class="links">
        <li><${Link} href="/help">Help and keyboard shortcuts<//></li>
        <li><a href=${data?.documentation ?? "/api/docs"}>The API of this server, call by call</a></li>
        <li>On a terminal: <code>video-compressor help</code>, <code>man video-compressor</code>, and${" "}
          <code>video-compressor doctor</code> when something does not work</li>
      </ul>
    </section>
    <section class="settings-group" aria-labelledby="licenses-title">
      <header class="settings-group-head"><div><h2 id="licenses-title">Licences</h2></div></header>
      <p>video-compressor is under the ${data?.license ?? "MIT"} licence. ffmpeg and x265 are programs of their own under theirs.
        The page is made with Preact and htm (<a href=${licenses}>their licences</a>).</p>
    </section>
  `;
};

const licenses = new URL("../../vendor/LICENSES.txt", import.meta.url).pathname;

const facts = (data) => [
  ["Version", data.build === "release" ? data.version : `${data.version} (${data.build} build)`],
  ["ffmpeg", data.ffmpeg ?? "not found"],
  ["x265", data.x265 ?? "this ffmpeg has none, so it cannot encode H.265"],
  ["System", [data.os, data.arch].filter(Boolean).join(", ") || UNKNOWN],
];

const asText = (rows) => rows.map(([name, value]) => `${name}: ${value}`).join("\n");
