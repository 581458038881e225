// What is typed and not saved: how much, and the way to save it or let it go.
// Promises: it is there whenever there is something, in every section; leaving the page asks first.
// Never in here: fields.

import { html, useEffect, useStore } from "../../lib/html.js";
import { go } from "../../lib/route.js";
import { Button, Notice, toast } from "../../lib/parts.js";
import { counted } from "../../lib/format.js";
import { idOf, isOfProfiles } from "./lib/groups.js";
import { discard, gathered, save, state } from "./store.js";

const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** The field may be in another section, or not be among those that a search has left. */
const focusOn = async (key) => {
  await drawn();
  if (!document.getElementById(idOf(key))) {
    // The field takes the focus, not the heading.
    go(isOfProfiles(key) ? "/settings/profiles" : `/settings?q=${encodeURIComponent(key)}`, { stay: true });
    await drawn();
  }
  const field = document.getElementById(idOf(key));
  field?.focus();
  field?.closest(".setting")?.scrollIntoView({ block: "center" });
};

const saveAll = async () => {
  const { saved, wrong } = await save();
  if (saved) toast(saved.text, { undo: saved.undo });
  else if (wrong) await focusOn(wrong);
};

export const SaveBar = () => {
  const { others } = useStore(state);
  const { keys } = gathered(state.get());
  const isThere = keys.length > 0;
  useEffect(() => {
    if (!isThere) return undefined;
    const ask = (event) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isThere]);
  useEffect(() => {
    if (!isThere) return undefined;
    const press = (event) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      saveAll();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [isThere]);
  if (!isThere) return null;
  return html`
    <div class="save-bar" role="region" aria-label="Changes that are not saved">
      ${others.length > 0 && html`
        <${Notice} tone="failed" title="Nothing was saved">${others.map((text) => html`<p key=${text}>${text}</p>`)}<//>
      `}
      <div class="save-bar-line">
        <p role="status"><strong class="number">${counted(keys.length, "change")}</strong> not saved
          <span class="save-bar-keys">${keys.join(", ")}</span></p>
        <${Button} onClick=${() => discard()}>Discard<//>
        <${Button} tone="primary" onClick=${saveAll}>Save<//>
      </div>
    </div>
  `;
};
