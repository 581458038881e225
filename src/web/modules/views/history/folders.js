// What each folder has saved, as a table with lying bars.
// Never in here: which folders there are.

import { bytes, count, shownPath } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { linear, parts } from "./scale.js";
import { inPercent } from "./words.js";

const BAR_PERCENT = 100;

/** `rows`: of `largestFolders`. `onChoose(folder)`: shows the files of one. */
export function Folders({ rows, onChoose }) {
  // Many small folders together would make all bars of single ones short.
  const single = rows.filter(({ folder }) => folder !== null);
  const highest = Math.max(...single.map((row) => Math.max(row.before_bytes, row.after_bytes)), 0);
  const toLength = linear(highest, BAR_PERCENT);
  const name = ({ folder }) => {
    if (folder === null) return "All other folders";
    if (folder === "") return "Beside the folders";
    const choose = () => onChoose(folder);
    return html`<button type="button" class="folder-name" onClick=${choose}>${shownPath(folder)}</button>`;
  };
  return html`
    <table class="table folders">
      <thead>
        <tr><th scope="col">Folder</th><th scope="col" class="folder-bar"><span class="visually-hidden">Bar</span></th>
          <th class="number wide-only" scope="col">Files</th><th class="number wide-only" scope="col">Before</th>
          <th class="number wide-only" scope="col">After</th><th class="number" scope="col">Saved</th>
          <th class="number wide-only" scope="col">%</th></tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`
          <tr key=${row.folder}>
            <th scope="row" title=${row.folder === null ? undefined : shownPath(row.folder)}>${name(row)}</th>
            <td class="folder-bar">${row.folder !== null && html`<${LyingBar} sum=${row} toLength=${toLength} />`}</td>
            <td class="number wide-only">${count(row.files)}</td>
            <td class="number wide-only">${bytes(row.before_bytes)}</td>
            <td class="number wide-only">${bytes(row.after_bytes)}</td>
            <td class="number ${row.saved_bytes > 0 ? "saved" : ""}">${bytes(row.saved_bytes)}</td>
            <td class="number wide-only">${inPercent(row)}</td>
          </tr>
        `,
        )}
      </tbody>
    </table>
  `;
}

const LyingBar = ({ sum, toLength }) => {
  const { left, saved, grown } = parts(sum);
  return html`
    <svg width="100%" height="12" aria-hidden="true">
      <rect class="chart-left" width="${toLength(left)}%" height="12" />
      <rect class="chart-saved" x="${toLength(left)}%" width="${toLength(saved)}%" height="12" />
      <rect class="chart-grown" x="${toLength(left)}%" width="${toLength(grown)}%" height="12" />
    </svg>
  `;
};
