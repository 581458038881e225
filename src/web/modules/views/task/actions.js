// What may be done with a task, and what a person should know of its state. Pure.
//
// Promises: an action is offered only where the service takes it, to those who may.
// Never in here: requests, elements.

import { isFailed, mayBe } from "../../lib/allowed.js";
import { count } from "../../lib/format.js";

export { isFailed };
export const isWaiting = ({ status }) => status === "queued";
export const isRunning = ({ status }) => status === "processing";

/** In the order in which they are shown. */
const ORDERS = ["freeze", "thaw", "retry", "retry_forced", "profile", "priority", "move", "cancel"];

/** A running encode takes another profile only by beginning again; its priority says nothing any more. */
const mayBeOrdered = (order, task) => {
  if (order === "profile") return isWaiting(task) || isRunning(task);
  if (order === "priority") return isWaiting(task);
  return mayBe(order, task);
};

/**
 * The names of the actions that are offered, the one that most people want first: `download`, then those of
 * `lib/allowed.js`, and `profile`.
 * @param {"viewer"|"operator"|"admin"} role
 */
export const actionsFor = (task, role) => {
  const orders = role === "viewer" ? [] : ORDERS.filter((order) => mayBeOrdered(order, task));
  return task.output ? ["download", ...orders] : orders;
};

/** What a task waits for: `{text, wayOut, twin}`; `twin` is the id of the task whose content is the same. */
export const waitOf = ({ waiting_for: waitingFor }) => {
  if (!waitingFor) return { text: "It waits for its turn.", wayOut: null, twin: null };
  const [, twin] = /^task (.+)$/.exec(waitingFor) ?? [];
  if (twin) {
    return {
      text: "Another file has the same content. This one takes over its result when that one is done.",
      wayOut: null,
      twin,
    };
  }
  const known = {
    space: {
      text: "It waits for room on the disk.",
      wayOut:
        "Make room where results go; it begins by itself then. " +
        "min_free_bytes in the settings says how much has to stay free.",
    },
    folder: {
      text: "It waits for its folder, which cannot be reached.",
      wayOut: "Mount the disk or share again; it begins by itself then.",
    },
    encoder: {
      text: "It waits for the encoder, which is missing or too old.",
      wayOut: "Install ffmpeg with x265, or set its path in the settings file; it begins by itself then.",
    },
  }[waitingFor];
  return { text: `It waits for: ${waitingFor}.`, wayOut: null, ...known, twin: null };
};

/**
 * The id of the task whose result stands for this one's, as the reason of a skipped one says; null where there is
 * none.
 */
export const twinOf = ({ status, reason }) =>
  (status === "skipped" && /^duplicate: .*\(task ([^)\s]+)\)/s.exec(reason ?? "")?.[1]) || null;

/** A task's summary without the sizes at its beginning, which stand beside it: `720p, SSIM 21.9 dB, 1 audio, 19 s`. */
export const beyondSizes = (summary) => (summary ?? "").replace(/^[^,(]+ → [^,(]+ \([^)]*\)(, |$)/, "");

/** "It is next." or "3 are before it."; null when that is not known. */
export const placeInWords = (before) => {
  if (before === null) return null;
  if (before === 0) return "It is next.";
  return before === 1 ? "One is before it." : `${count(before)} are before it.`;
};

const PRIORITIES = [
  [10, "High"],
  [0, "Normal"],
  [-10, "Low"],
];

/** Choices for a priority, with the one that it has: `[{value, text}]`. */
export const priorities = (current) => {
  const known = PRIORITIES.some(([value]) => value === current) ? [] : [[current, `${current}`]];
  return [...PRIORITIES, ...known]
    .sort(([one], [other]) => other - one)
    .map(([value, text]) => ({ value: String(value), text }));
};
