// Files that a person drops or chooses, folders opened, with their paths. What browsers can do differs: handles
// outlive the tab (Chromium), entries open folders (all), plain files are the rest.
//
// Promises: a folder's files have paths that begin with its name; what cannot be read is counted and does not end the
// rest.
// Never in here: whether a file is sent (`wanted`), elements.
//
// A chosen file: {file: File, path, sizeBytes, modifiedMs, handle: FileSystemFileHandle|null}

import { cleanPath } from "./wanted.js";

/** More are not listed: a whole disk was dropped by mistake. */
export const MOST_FILES = 20_000;

const chosen = (file, path, handle = null) => ({
  file,
  path: cleanPath(path),
  sizeBytes: file.size,
  modifiedMs: file.lastModified,
  handle,
});

/** Gathers files up to the limit: `{files, unread, isCut}`. */
const gather = () => ({ files: [], unread: 0, isCut: false });

const isFull = (found) => {
  found.isCut ||= found.files.length >= MOST_FILES;
  return found.isCut;
};

const walkHandle = async (handle, folder, found) => {
  if (isFull(found)) return;
  try {
    if (handle.kind === "file") {
      found.files.push(chosen(await handle.getFile(), folder + handle.name, handle));
      return;
    }
    for await (const inner of handle.values()) await walkHandle(inner, `${folder}${handle.name}/`, found);
  } catch {
    found.unread += 1;
  }
};

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
const batchOf = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

const walkEntry = async (entry, folder, found) => {
  if (isFull(found)) return;
  try {
    if (entry.isFile) {
      found.files.push(chosen(await fileOf(entry), folder + entry.name));
      return;
    }
    const reader = entry.createReader();
    // It gives some at a time, and none at the end.
    for (let batch = await batchOf(reader); batch.length > 0; batch = await batchOf(reader)) {
      for (const inner of batch) await walkEntry(inner, `${folder}${entry.name}/`, found);
    }
  } catch {
    found.unread += 1;
  }
};

/** Whether something that is dragged has files. */
export const hasFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");

/**
 * What was dropped: a promise of `{files, unread, isCut}`. To be called in the event itself: later the browser
 * forgets.
 */
export const dropped = (transfer) => {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? null,
    entry: item.webkitGetAsEntry?.() ?? null,
    file: item.getAsFile(),
  }));
  return (async () => {
    const found = gather();
    for (const { handle: promised, entry, file } of taken) {
      const handle = await promised;
      if (handle) await walkHandle(handle, "", found);
      else if (entry) await walkEntry(entry, "", found);
      else if (file) found.files.push(chosen(file, file.name));
    }
    return found;
  })();
};

/** What an `<input type=file>` has. */
export const ofInput = (input) => {
  const all = [...input.files];
  const files = all.slice(0, MOST_FILES).map((file) => chosen(file, file.webkitRelativePath || file.name));
  return { files, unread: 0, isCut: all.length > MOST_FILES };
};

/** Whether chosen files can be kept over a visit. */
export const keepsFiles = () => typeof window.showOpenFilePicker === "function";

/** Lets a person choose, with handles; null when nothing was chosen. `kind`: "files" or "folder". */
export const pick = async (kind) => {
  const found = gather();
  try {
    const handles =
      kind === "folder" ? [await window.showDirectoryPicker()] : await window.showOpenFilePicker({ multiple: true });
    for (const handle of handles) await walkHandle(handle, "", found);
  } catch (error) {
    if (error.name === "AbortError") return null;
    throw error;
  }
  return found;
};
