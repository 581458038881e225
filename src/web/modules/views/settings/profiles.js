// Profiles and the folders that use them.
// Never in here: the fields of one profile (profile.js), ffmpeg's arguments.

import { html, useState, useStore } from "../../lib/html.js";
import { go } from "../../lib/route.js";
import { Button, Field, Menu, Select, toast } from "../../lib/parts.js";
import { DEFAULT } from "./lib/draft.js";
import { folderProblem, foldersOf, inWords, profilesOf, removingChanges, savingChanges } from "./lib/profiles.js";
import { idOf } from "./lib/groups.js";
import { Group } from "./group.js";
import { ProfileEditor } from "./profile.js";
import { send, state, typed } from "./store.js";

const address = (query) => `/settings/profiles?${new URLSearchParams(query)}`;

export const Profiles = ({ route }) => {
  const { answer } = useStore(state);
  const rows = answer.settings;
  const profiles = profilesOf(rows);
  const { edit, copy } = route.query;
  const chosen = profiles.find((profile) => profile.name === (edit ?? copy));
  if (chosen) {
    const way = edit && !chosen.isBuiltIn ? "edit" : "copy";
    const key = `${way} ${chosen.name}`;
    return html`<${ProfileEditor} key=${key} way=${way} former=${chosen} profiles=${profiles} rows=${rows} />`;
  }
  return html`
    <${Group} id="profiles" title="Ready-made and your own"
      lead="How a film is encoded. A ready-made one is changed by way of a copy.">
      <ul class="profiles">
        ${profiles.map((profile) => html`<${ProfileEntry} key=${profile.name} profile=${profile} />`)}
      </ul>
    <//>
    <${Folders} rows=${rows} profiles=${profiles} />
  `;
};

const remove = async (profile) => {
  await send(removingChanges(profile));
  const undo = () => send(savingChanges(profile.name, profile.keys, null));
  toast(profile.isBuiltIn ? `${profile.name} is as it was made.` : `${profile.name} is deleted.`, { undo });
};

const ProfileEntry = ({ profile }) => {
  const { name, isBuiltIn, isChanged, usedBy } = profile;
  const mark = isChanged ? "ready-made, changed in the file" : "ready-made";
  const copy = () => go(address({ copy: name }));
  const items = [{ text: "Edit a copy", icon: "copy", onSelect: copy }];
  if (!isBuiltIn) {
    const hint = usedBy.length > 0 ? "in use" : undefined;
    const isUsed = usedBy.length > 0;
    const onSelect = () => remove(profile);
    items.push({ text: "Delete", icon: "trash", tone: "danger", disabled: isUsed, hint, onSelect });
  }
  return html`
    <li class="profile">
      <div class="profile-about">
        <h3>${name} ${isBuiltIn && html`<span class="mark">${mark}</span>`}</h3>
        <p>${inWords(profile.keys)}</p>
        ${profile.keys.x265_params && html`<p><code>${profile.keys.x265_params}</code></p>`}
        <p>${usedBy.length === 0 ? "Used by no folder" : `Used by ${usedBy.join(", ")}`}</p>
      </div>
      <div class="profile-actions">
        ${isBuiltIn
          ? html`
            ${isChanged && html`
              <${Button} aria-label="As it was made: ${name}" onClick=${() => remove(profile)}>As it was made<//>
            `}
            <${Button} icon="copy" aria-label="Edit a copy of ${name}" onClick=${copy}>Edit a copy<//>
          `
          : html`
            <${Button} icon="edit" aria-label="Edit ${name}" onClick=${() => go(address({ edit: name }))}>Edit<//>
            <${Menu} label="More for ${name}" items=${items} />
          `}
      </div>
    </li>
  `;
};

/** A folder that follows the profile for all. */
const FOLLOWS = "";

const Folders = ({ rows, profiles }) => {
  const { draft, refused } = useStore(state);
  const common = rows.find((row) => row.key === "profile");
  const names = profiles.map((profile) => profile.name);
  const chosen = (row) => {
    const entry = draft[row.key];
    if (entry) return entry.typed === DEFAULT ? FOLLOWS : entry.typed;
    return row.key !== "profile" && row.source === "default" ? FOLLOWS : row.value;
  };
  const forAll = draft.profile && draft.profile.typed !== DEFAULT ? draft.profile.typed : common.value;
  const choose = (row, name) => typed(row, name === FOLLOWS ? DEFAULT : name);
  const options = names.map((name) => ({ value: name, text: name }));
  return html`
    <${Group} id="folders" title="Folders" lead="Which profile the films of a folder are encoded with.">
      <ul class="folders">
        <li>
          <label for=${idOf(common.key)}>Every folder without its own</label>
          <${Select} bare label="Profile of every folder without its own" id=${idOf(common.key)} options=${options}
            value=${chosen(common)} onChange=${(name) => choose(common, name)} />
          ${refused.profile && html`<p class="field-error">${refused.profile}</p>`}
        </li>
        ${foldersOf(rows).map(({ height, key }) => {
          const row = rows.find((row) => row.key === key);
          return html`
            <li key=${key}>
              <label for=${idOf(key)}>input/${height}</label>
              <${Select} bare label="Profile of input/${height}" id=${idOf(key)} value=${chosen(row)}
                options=${[{ value: FOLLOWS, text: `As all (${forAll})` }, ...options]}
                onChange=${(name) => choose(row, name)} />
              ${refused[key] && html`<p class="field-error">${refused[key]}</p>`}
            </li>
          `;
        })}
      </ul>
      <${NewFolder} profile=${common.value} folders=${foldersOf(rows)} />
    <//>
  `;
};

const NewFolder = ({ profile, folders }) => {
  const [typed, setTyped] = useState("");
  const [error, setError] = useState(null);
  const name = typed.trim();
  const add = async (event) => {
    event.preventDefault();
    const wrong = folderProblem(name, folders);
    setError(wrong);
    if (wrong) return;
    try {
      await send({ [`resolution.${name}.profile`]: profile });
      setTyped("");
      toast(`input/${name} is a folder for films now.`);
    } catch (problem) {
      setError(problem.errors?.[0]?.detail ?? problem.message);
    }
  };
  return html`
    <form class="new-folder" onSubmit=${add}>
      <${Field} label="Another folder" inputmode="numeric" autocomplete="off" placeholder="2160" value=${typed}
        error=${error} 
        hint="Its name is a height in pixels: even, 64 to 8640. Pictures are scaled down to fit it, never up."
        onInput=${(event) => setTyped(event.currentTarget.value)} />
      <button class="button plain" type="submit" disabled=${name === ""}>Add the folder</button>
    </form>
  `;
};
