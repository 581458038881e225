// Which chosen files may be sent, and which of them were begun before. Pure: values in, values out.
//
// Promises: what the service would refuse by its name or size is refused here first, with the reason and the way out;
// a file goes on with an earlier upload only when name, size and time of change are the same.
// Never in here: reading files, requests, the page.

/** What programs append to the name of a file they are still writing; the service takes none of them. */
const UNFINISHED = [".part", ".partial", ".tmp", ".!qb", ".crdownload", ".download", "~"];
/** The service's own limits of a name. */
const PATH_LIMIT_BYTES = 2048;
const COMPONENTS_LIMIT = 16;
const FOLDER_LIMIT_BYTES = 255;
const MARK = "page";

const byteLength = (text) => new TextEncoder().encode(text).length;

/** The last part of a path with `/`. */
export const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

/** In lower case without the dot; "" when there is none. */
export function extensionOf(path) {
  const name = nameOf(path);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

/**
 * A path as the service takes it: parts joined by `/`, none empty, `.` or `..`.
 * What a browser gives (`webkitRelativePath`, an entry's `fullPath`) may begin with `/`.
 */
export const cleanPath = (path) =>
  path
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/");

function isUnfinished(part) {
  const name = part.toLowerCase();
  return UNFINISHED.some((ending) => name.endsWith(ending));
}

/**
 * Why a file is not sent: `{kind, reason}`, or null when it may be.
 * @param {{path: string, sizeBytes: number}} file
 * @param {{extensions: string[]|null, maxBytes: number|null, size: (bytes: number) => string}} limits
 *   null: not known here, the service decides; `size` writes a number of bytes.
 */
export function unfit({ path, sizeBytes }, { extensions, maxBytes, size }) {
  const parts = path.split("/");
  if (parts.some((part) => part.startsWith("."))) {
    return { kind: "hidden", reason: "Hidden: its name, or that of a folder around it, begins with a dot. Rename it." };
  }
  if (parts.some(isUnfinished)) {
    return {
      kind: "unfinished",
      reason: "Its name says that another program is still writing it. Wait, or rename it.",
    };
  }
  if (extensions && !extensions.includes(extensionOf(path))) {
    return { kind: "not-a-video", reason: `Not a video: the service takes ${extensions.join(", ")}.` };
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) {
    return { kind: "name", reason: "Its name has a control character. Rename it." };
  }
  const folders = parts.slice(0, -1);
  if (
    byteLength(path) > PATH_LIMIT_BYTES ||
    parts.length > COMPONENTS_LIMIT ||
    folders.some((folder) => byteLength(folder) > FOLDER_LIMIT_BYTES)
  ) {
    return { kind: "name", reason: "Its path is too long or too deep. Choose a folder further inside." };
  }
  if (sizeBytes === 0) {
    return { kind: "empty", reason: "It is empty. Copy it again from where it came." };
  }
  if (maxBytes !== null && sizeBytes > maxBytes) {
    return {
      kind: "too-large",
      reason:
        `Too large: ${size(sizeBytes)}, and one upload may have ${size(maxBytes)} (upload_max_gb). ` +
        "Copy it into the input folder instead.",
    };
  }
  return null;
}

/** Whether an upload that was begun earlier is of this file. */
export const isSameFile = (begun, file) =>
  nameOf(begun.path) === nameOf(file.path) &&
  begun.sizeBytes === file.sizeBytes &&
  begun.modifiedMs === file.modifiedMs;

/** By this the service's list tells again whose upload it is, also in another browser: `page.MODIFIED_MS.RANDOM`. */
export const markOf = (modifiedMs, random) => `${MARK}.${modifiedMs}.${random}`;

/** When the file of an upload had been changed, in milliseconds; null for an upload that was not begun by this page. */
export function modifiedOfMark(mark) {
  const [kind, modified, random] = (mark ?? "").split(".");
  return kind === MARK && random && /^\d+$/.test(modified) ? Number(modified) : null;
}

/** An upload in the service's list, in the terms of `isSameFile`; null when it cannot be gone on with from here. */
export function asBegun(upload) {
  const modifiedMs = modifiedOfMark(upload.mark);
  if (modifiedMs === null || upload.length_bytes === null || upload.state !== "waiting") {
    return null;
  }
  return { path: upload.name, sizeBytes: upload.length_bytes, modifiedMs };
}

/** The service's uploads after news of one: `{id, upload}`, null when it is gone. */
export function withNews(uploads, { id, upload }) {
  if (upload === null) {
    return uploads.filter((one) => one.id !== id);
  }
  const isKnown = uploads.some((one) => one.id === id);
  return isKnown ? uploads.map((one) => (one.id === id ? upload : one)) : [...uploads, upload];
}

/**
 * What becomes of chosen files.
 * @param files `{path, sizeBytes, modifiedMs}` and whatever else the caller keeps with them
 * @param rows those of the list
 * @param uploads the service's unfinished ones
 * @param resolution the chosen folder
 * @param limits those of `unfit`, and `freeBytes` that are left for uploads, or null
 * @returns `{again: [{row, file}], found: [{upload, file}], fresh: [file], refused: [{file, kind, reason}]}`: of rows
 *   that waited for their file, of uploads that the service still has, new ones, and those that are not sent
 */
export function sortOut(files, rows, uploads, resolution, limits) {
  const again = [];
  const found = [];
  const fresh = [];
  const refused = [];
  const asleep = rows.filter((row) => row.state === "asleep");
  const begun = uploads.map((upload) => ({ upload, file: asBegun(upload) })).filter(({ file }) => file !== null);
  const places = new Set(rows.filter((row) => row.state !== "sent").map((row) => `${row.resolution}/${row.path}`));
  let freeBytes = limits.freeBytes;
  for (const file of files) {
    const asleepAt = asleep.findIndex((row) => isSameFile(row, file));
    if (asleepAt >= 0) {
      again.push({ row: asleep.splice(asleepAt, 1)[0], file });
      continue;
    }
    const reason = unfit(file, limits);
    if (reason) {
      refused.push({ file, ...reason });
      continue;
    }
    const place = `${resolution}/${file.path}`;
    if (places.has(place)) {
      refused.push({ file, kind: "twice", reason: "It is in the list already, with the same name and folder." });
      continue;
    }
    const begunAt = begun.findIndex((candidate) => isSameFile(candidate.file, file));
    if (begunAt >= 0) {
      places.add(place);
      found.push({ upload: begun.splice(begunAt, 1)[0].upload, file });
      continue;
    }
    if (freeBytes !== null && file.sizeBytes > freeBytes) {
      refused.push({
        file,
        kind: "no-room",
        reason:
          `No room: it has ${limits.size(file.sizeBytes)}, and ${limits.size(Math.max(freeBytes, 0))} are free ` +
          "for uploads. Make room, then choose it again.",
      });
      continue;
    }
    places.add(place);
    freeBytes = freeBytes === null ? null : freeBytes - file.sizeBytes;
    fresh.push(file);
  }
  return { again, found, fresh, refused };
}

/**
 * How many bytes are free for new uploads to a folder: those of its disk, without what was promised to others. null:
 * unknown.
 * @param disks of GET /system
 * @param uploads of GET /uploads
 * @param rows those of the list
 */
export function freeFor(resolution, disks, uploads, rows) {
  const diskOf = (height) =>
    disks.find(({ folder }) => folder === `input/${height}`) ?? disks.find(({ folder }) => folder === "input") ?? null;
  const disk = diskOf(resolution);
  if (disk === null) {
    return null;
  }
  const isHere = (one) => diskOf(one.resolution) === disk;
  const sum = (all, of) => all.filter(isHere).reduce((total, one) => total + of(one), 0);
  const unfinished = uploads.filter(({ state }) => state !== "placed");
  const notBegun = rows.filter(({ state, url }) => state === "waiting" && url === null);
  return (
    disk.free_bytes -
    sum(unfinished, (upload) => Math.max(0, (upload.length_bytes ?? 0) - upload.offset_bytes)) -
    sum(notBegun, (row) => row.sizeBytes)
  );
}

/** How the kinds of refused files are called when several are told of at once. */
const KINDS = {
  "not-a-video": ["is not a video", "are not videos"],
  hidden: ["is hidden", "are hidden"],
  unfinished: ["is still being written", "are still being written"],
  "too-large": ["is too large", "are too large"],
  "no-room": ["finds no room", "find no room"],
  twice: ["is in the list already", "are in the list already"],
  empty: ["is empty", "are empty"],
  name: ["has a name that is not allowed", "have a name that is not allowed"],
};

/** As `2 are not videos (jpg, srt), 1 is too large`. */
export function refusedInWords(refused) {
  const kinds = [...new Set(refused.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const of = refused.filter((one) => one.kind === kind);
      const [one, several] = KINDS[kind];
      const endings = [...new Set(of.map(({ file }) => extensionOf(file.path) || "no ending"))].sort();
      const which = kind === "not-a-video" && endings.length <= 6 ? ` (${endings.join(", ")})` : "";
      return `${of.length} ${of.length === 1 ? one : several}${which}`;
    })
    .join(", ");
}
