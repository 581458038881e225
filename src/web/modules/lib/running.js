// Which encodes run and what ended last, kept from tasks as they change: pure.
// Never in here: DOM, requests.

const ENDED = [
  "processed",
  "skipped",
  "cancelled",
  "failed",
  "error_missing_input",
  "error_no_resolution",
  "error_exception",
];
export const ENDED_QUERY = ENDED.join(",");
export const MOST_ENDED = 5;

export const hasEnded = (task) => ENDED.includes(task.status);

/** `{running: [task], ended: [task]}` after a task has become another one. */
export const withTask = ({ running, ended }, task) => {
  const others = running.filter((one) => one.id !== task.id);
  const before = ended.filter((one) => one.id !== task.id);
  if (task.status === "processing") {
    const known = running.some((one) => one.id === task.id);
    return {
      running: known ? running.map((one) => (one.id === task.id ? task : one)) : [...running, task],
      ended: before,
    };
  }
  if (!hasEnded(task)) return { running: others, ended: before };
  const latest = [task, ...before].sort((one, other) => String(other.ended).localeCompare(String(one.ended)));
  return { running: others, ended: latest.slice(0, MOST_ENDED) };
};

/**
 * Tasks with the latest progress: `encodes` of live.js know more than a task that came once, but not all of its names.
 */
export const withProgress = (running, encodes) =>
  running.map((task) => {
    const encode = encodes.find((one) => one.id === task.id);
    return encode ? { ...task, frozen: encode.frozen, progress: encode.progress } : task;
  });
