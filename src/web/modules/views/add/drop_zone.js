// Where files are dropped or chosen. The whole window takes drops (`frame`); this is what shows it.
//
// Never in here: what becomes of the files.

import { bytes } from "../../lib/format.js";
import { html, useRef } from "../../lib/html.js";
import { Button, Icon } from "../../lib/parts.js";
import { keepsFiles, ofInput, pick } from "./files.js";

/** `onFound(promise of what was found)`, as `files` describes it, answers with a promise. */
export const DropZone = ({ isReading, onFound, extensions, maxBytes }) => {
  const files = useRef(null);
  const folder = useRef(null);
  const choose = (kind, input) => {
    // With a handle an upload goes on by itself after a reload.
    if (keepsFiles()) return onFound(pick(kind));
    return input.click();
  };
  const changed = ({ currentTarget: input }) => {
    const found = ofInput(input);
    input.value = "";
    onFound(Promise.resolve(found));
  };
  return html`
    <div class="drop-zone ${isReading ? "reading" : ""}">
      <${Icon} name="add" size=${32} />
      <p class="drop-title">${isReading ? "Looking through the folders" : "Drop files or folders here"}</p>
      <div class="drop-buttons">
        <${Button} tone="primary" icon="file" onClick=${() => choose("files", files.current)}>Choose files<//>
        <${Button} icon="folder" onClick=${() => choose("folder", folder.current)}>Choose a folder<//>
      </div>
      <p class="drop-hint">${extensions.join(", ")}, up to ${bytes(maxBytes)} each. Folders keep their structure.</p>
      <input ref=${files} type="file" multiple hidden aria-label="Files" onChange=${changed} />
      <input ref=${folder} type="file" webkitdirectory hidden aria-label="Folder" onChange=${changed} />
    </div>
  `;
};
