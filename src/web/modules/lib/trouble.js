// What is wrong with the service, in words with the way out.
// Promises: nothing that is merely a wish of a person (a pause, the hours) is called wrong.
// Never in here: DOM, requests.

import { count } from "./format.js";

/** `[{kind, about, message, way_out, since}]` of a queue as GET /queue has it; null: it is not known yet. */
export const problemsOf = (queue) => queue?.problems ?? [];

const MILD = ["sweep_only", "alerts_stuck", "settings_mistake", "no_tls"];

/** "failed" where work stands still, "waiting" where it goes on. */
export const toneOf = ({ kind }) => (MILD.includes(kind) ? "waiting" : "failed");

/** Paused, with all that runs. */
export const isStandingStill = (queue) => Boolean(queue?.paused_since && queue.frozen);

/** Why nothing is begun although nothing is wrong: `{title, text}`, or null. `at(time)` puts a time into words. */
export const restOf = (queue, at) => {
  if (!queue) return null;
  const waiting = queue.counts.queued ?? 0;
  const files =
    waiting === 0 ? "New files wait" : waiting === 1 ? "1 file waits" : `${count(waiting)} files wait`;
  if (queue.paused_since) {
    const running = isStandingStill(queue) ? "What was running stands still" : "What is running goes on to its end";
    return {
      kind: "paused",
      title: `Paused since ${at(queue.paused_since)}`,
      text: `${files} until you go on. ${running}.`,
    };
  }
  if (queue.hours_begin) {
    return {
      kind: "hours",
      title: `Quiet hours until ${at(queue.hours_begin)}`,
      text: `${files} until then, by the schedule in the settings.`,
    };
  }
  return null;
};

/** What all is about in one line: "2 encodes run, 6 files wait". */
export const summaryOf = (queue) => {
  if (!queue) return "";
  const { processing = 0, queued = 0 } = queue.counts;
  const parts = [];
  const [one, many] = isStandingStill(queue) ? ["stands still", "stand still"] : ["runs", "run"];
  if (processing > 0) parts.push(processing === 1 ? `1 encode ${one}` : `${processing} encodes ${many}`);
  if (queued > 0) parts.push(queued === 1 ? "1 file waits" : `${count(queued)} files wait`);
  if (queue.settling > 0)
    parts.push(queue.settling === 1 ? "1 file is arriving" : `${queue.settling} files are arriving`);
  return parts.join(", ") || "Nothing waits";
};
