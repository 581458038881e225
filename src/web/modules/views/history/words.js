// What was saved, in words, as charts and headings say it.
// Never in here: the DOM.

import { bytes, change, count, counted } from "../../lib/format.js";

const files = (number) => counted(number, "file");

/** "12.4 TB became 5.1 TB: 7.3 TB saved in 8,231 files", for a sum of the report. */
export function inWords({ files: number, before_bytes: before, after_bytes: after, saved_bytes: saved }) {
  if (number === 0) return "nothing compressed";
  const outcome = saved >= 0 ? `${bytes(saved)} saved` : `${bytes(-saved)} more`;
  return `${bytes(before)} became ${bytes(after)}: ${outcome} in ${files(number)}`;
}

/** What there is beside: "312 left as they are, 4 failed", or "". */
export function besides({ skipped, failed, cancelled }) {
  const parts = [
    [skipped, `left as ${skipped === 1 ? "it is" : "they are"}`],
    [failed, "failed"],
    [cancelled, "cancelled"],
  ];
  return parts
    .filter(([number]) => number > 0)
    .map(([number, text]) => `${count(number)} ${text}`)
    .join(", ");
}

/** As "−59 %", for a sum of the report. */
export const inPercent = ({ before_bytes: before, after_bytes: after }) => change(before, after);
