// What runs here, and where to read on.
// Never in here: keyboard shortcuts themselves (views/help.js lists them).

import { html, useAnswer } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { Failure, Link, Skeleton } from "../../lib/parts.js";
import { FILES } from "../../lib/version.js";
import { CopyButton } from "./copy.js";
import { Group } from "./group.js";
import { Test } from "./test.js";

export const About = ({ me }) => {
  const { data, problem, reload } = useAnswer((signal) => api.get("/version", { signal }), []);
  return html`
    <${Group} id="about" title="video-compressor" lead="Drop a video into a folder, get it back smaller and whole."
      actions=${data && html`<div><${CopyButton} text=${asText(facts(data))}>Copy for a report<//></div>`}>
      ${problem && html`<${Failure} problem=${problem} onRetry=${reload} />`}
      ${!data && !problem && html`<${Skeleton} lines=${5} height=${24} />`}
      ${data && html`
        <dl class="facts">
          ${facts(data).map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}
        </dl>
      `}
    <//>
    ${me.role === "admin" && html`
      <${Group} id="ffmpeg" title="ffmpeg" lead="A test encodes a made-up picture with the settings in force."
        actions=${html`<${Test} what="ffmpeg" text="Test ffmpeg" />`} />
    `}
    <${Group} id="read-on" title="Read on">
      <ul class="links">
        <li><${Link} href="/help">Help and keyboard shortcuts<//></li>
        <li><a href=${data?.documentation ?? "/api/docs"}>The API of this server, call by call</a></li>
        <li>On a terminal: <code>video-compressor help</code>, <code>man video-compressor</code>, and${" "}
          <code>video-compressor doctor</code> when something does not work</li>
      </ul>
    <//>
    <${Group} id="licences" title="Licences">
      <p>video-compressor is under the ${data?.license ?? "MIT"} licence. ffmpeg and x265 are programs of their own,
        under theirs. The page is made with work of others: <a href=${licenses}>their licences</a>.</p>
    <//>
  `;
};

const licenses = new URL("LICENSES.txt", FILES).pathname;

const facts = (data) => [
  ["Version", data.build === "release" ? data.version : `${data.version} (${data.build} build)`],
  ["ffmpeg", data.ffmpeg ?? "not found"],
  ["x265", data.x265 ?? "this ffmpeg has none, so it cannot encode H.265"],
  ["System", `${data.os}, ${data.arch}`],
];

const asText = (rows) => rows.map(([name, value]) => `${name}: ${value}`).join("\n");
