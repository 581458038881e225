// Every setting but profiles, in groups, with a search.
// Never in here: single fields.

import { html, useStore } from "../../lib/html.js";
import { go, goWith } from "../../lib/route.js";
import { Button, Check, Empty, Field, Link } from "../../lib/parts.js";
import { grouped, idOf, isChanged } from "./lib/groups.js";
import { Group } from "./group.js";
import { kindsOf, state } from "./store.js";
import { Setting } from "./setting.js";
import { Test } from "./test.js";

/** Groups whose work can be tried out. */
const TESTS = { Encode: { what: "ffmpeg", text: "Test ffmpeg" } };

export const AllSettings = ({ route }) => {
  const { answer } = useStore(state);
  const { q = "", only = "" } = route.query;
  const kind = kindsOf(answer.settings);
  const wanted = only === "changed" ? answer.settings.filter(isChanged) : answer.settings;
  const groups = grouped(wanted, q);
  return html`
    <div class="settings-search" role="search">
      <${Field} label="Search the settings" type="search" value=${q} placeholder="Name, words, value"
        onInput=${(event) => goWith({ q: event.currentTarget.value || null })} />
      <${Check} label="Only what differs from its default" checked=${only === "changed"}
        onChange=${(isOn) => goWith({ only: isOn ? "changed" : null })} />
    </div>
    <div class="settings-columns">
      <nav class="settings-index" aria-label="Groups of settings">
        ${groups.map((group) => html`<${IndexEntry} key=${group.heading} group=${group} />`)}
      </nav>
      <div class="settings-groups">
        ${groups.length === 0 && html`
          <${Empty} icon="search" title="No setting is like that"
            actions=${html`<${Button} onClick=${() => go("/settings")}>Show all settings<//>`}>
            Profiles and folders are in <${Link} href="/settings/profiles">Profiles<//>.
          <//>
        `}
        ${groups.map((group) => html`
          <${Group} key=${group.heading} id=${groupId(group)} title=${group.title} lead=${group.lead}
            actions=${TESTS[group.title] && html`<${Test} ...${TESTS[group.title]} />`}>
            ${group.rows.map((row) => html`<${Setting} key=${row.key} row=${row} kind=${kind(row)} />`)}
          <//>
        `)}
        ${groups.length > 0 && html`
          <p class="settings-file">
            These settings stand in <code>${answer.file}</code>, with comments that stay. Profiles and folders have
            ${" "}<${Link} href="/settings/profiles">a page of their own<//>.
          </p>
        `}
      </div>
    </div>
  `;
};

const groupId = (group) => idOf(`group.${group.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`);

const IndexEntry = ({ group }) => {
  const jump = (event) => {
    event.preventDefault();
    const title = document.getElementById(`${groupId(group)}-title`);
    title.scrollIntoView({ block: "start" });
    title.focus({ preventScroll: true });
  };
  return html`
    <a href="#${groupId(group)}" onClick=${jump}>${group.title} <span class="number">${group.rows.length}</span></a>
  `;
};
