// The settings: its sections, and what each needs before it is shown.
// Promises: nobody is shown a section that the API would refuse them; what is typed outlives a look at another section.
// Never in here: what a section shows.

import { html, loadStyle, useEffect, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { Failure, Heading, Notice, Skeleton, Tabs } from "../../lib/parts.js";
import { About } from "./about.js";
import { Alerts } from "./alerts.js";
import { AllSettings } from "./all.js";
import { Log } from "./log.js";
import { People } from "./people.js";
import { Profiles } from "./profiles.js";
import { Sessions } from "./sessions.js";
import { SaveBar } from "./savebar.js";
import { sectionAt, sectionsFor } from "./lib/people.js";
import { begin, load, state } from "./store.js";

// Here, so that nothing is drawn before it; and not by @import, which axe cannot read without styles in the document.
await Promise.all(["fields", "profiles", "people", "log"].map((name) => loadStyle(`settings/${name}`)));

const VIEWS = {
  "/settings": { View: AllSettings, needsSettings: true },
  "/settings/profiles": { View: Profiles, needsSettings: true },
  "/settings/alerts": { View: Alerts, needsSettings: true },
  "/settings/people": { View: People },
  "/settings/sessions": { View: Sessions },
  "/settings/log": { View: Log },
  "/settings/about": { View: About },
};

export default function View({ route, me }) {
  const isAdmin = me.role === "admin";
  begin(me.name);
  useEffect(() => {
    if (!isAdmin) return undefined;
    const ended = new AbortController();
    const read = () => load(ended.signal);
    read();
    const ends = [live.onSettings(read), live.onReset(read)];
    return () => {
      ended.abort();
      for (const end of ends) end();
    };
  }, [isAdmin, me.name]);
  const section = sectionAt(route.path, me.role);
  useEffect(() => {
    // On a small screen, not all tabs fit.
    document.querySelector(".settings > .tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [section.path]);
  const tabs = sectionsFor(me.role).map(({ path, title }) => ({ href: path, text: title }));
  const { View: Section, needsSettings } = VIEWS[section.path];
  const shown = html`<${Section} route=${route} me=${me} />`;
  return html`
    <div class="settings">
      <${Heading} title=${section.title} />
      <${Tabs} label="Sections of the settings" tabs=${tabs} current=${section.path} />
      ${needsSettings ? html`<${WithSettings}>${shown}<//>` : shown}
      ${isAdmin && html`<${SaveBar} />`}
    </div>
  `;
}

const WithSettings = ({ children }) => {
  const { answer, problem } = useStore(state);
  if (!answer && problem) return html`<${Failure} problem=${problem} onRetry=${() => load()} />`;
  if (!answer) return html`<${Skeleton} lines=${8} height=${56} />`;
  return html`
    ${answer.problems.length > 0 && html`
      <${Notice} tone="failed" title="The settings file has mistakes, so older settings are in force">
        <ul>${answer.problems.map((text) => html`<li key=${text}>${text}</li>`)}</ul>
        <p>Mend them in <code>${answer.file}</code>; it is read again when it is saved.</p>
      <//>
    `}
    ${children}
  `;
};
