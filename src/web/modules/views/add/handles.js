// Handles of files, kept over visits where the browser can, so that an upload goes on without its file being chosen
// again.
//
// Promises: what fails here only means that files have to be chosen again.
// Never in here: which file belongs to which upload's bytes (`wanted.isSameFile` decides).

const DATABASE = "video-compressor";
const TABLE = "handles";

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const open = () => {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  return done(request);
};

const inTable = async (mode, work) => {
  try {
    const database = await open();
    try {
      return await done(work(database.transaction(TABLE, mode).objectStore(TABLE)));
    } finally {
      database.close();
    }
  } catch {
    return null;
  }
};

export const keepHandle = (id, handle) => inTable("readwrite", (table) => table.put(handle, id));
export const forgetHandle = (id) => inTable("readwrite", (table) => table.delete(id));
export const handleOf = (id) => inTable("readonly", (table) => table.get(id));

/**
 * The file of a handle; null when the browser does not let it be read. `ask`: a person has just pressed something, so
 * they may be asked.
 */
export const fileOfHandle = async (handle, ask) => {
  try {
    let permission = await handle.queryPermission({ mode: "read" });
    if (permission === "prompt" && ask) permission = await handle.requestPermission({ mode: "read" });
    return permission === "granted" ? await handle.getFile() : null;
  } catch {
    return null;
  }
};
