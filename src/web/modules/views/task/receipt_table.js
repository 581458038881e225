// The receipt on the page, stream by stream, and all of it raw.
//
// Never in here: what a receipt means (`receipt`).

import { shownPath } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Notice, Panel } from "../../lib/parts.js";
import { outputTitle, table, VERSION } from "./receipt.js";

export const Receipt = ({ receipt }) => html`
  <${Panel} title="Receipt, stream by stream" class="receipt">
    ${
      receipt.version === VERSION
        ? html`<${Table} receipt=${receipt} />`
        : html`<${Notice} tone="waiting" title="This receipt is of another version">
          <p>The page knows version ${VERSION}, and it is of ${receipt.version}. Here it is as it stands.</p>
        <//>`
    }
    <${Raw} receipt=${receipt} />
  <//>
`;

const Table = ({ receipt }) => {
  const hasOutput = receipt.output !== null;
  return html`
    <div class="receipt-scroll">
      <table class="receipt-table">
        <thead>
          <tr>
            <th scope="col"><span class="visually-hidden">What</span></th>
            <th scope="col">Source</th>
            <th scope="col">${outputTitle(receipt)}</th>
          </tr>
        </thead>
        ${table(receipt).map(
          (group, index) => html`
          <tbody key=${index} class=${group.fate ?? "file"}>
            <tr class="receipt-group">
              <th colspan=${hasOutput ? 2 : 3} scope="rowgroup">${group.title}</th>
              ${hasOutput && html`<td class="receipt-fate">${group.fateText}</td>`}
            </tr>
            ${group.rows.map(
              (row) => html`
              <tr key=${row.name} class=${row.changed ? "changed" : ""}>
                <th scope="row">${row.name}</th>
                <td><bdi>${shownPath(row.source ?? "–")}</bdi></td>
                <td>
                  <bdi>${shownPath(row.output ?? "–")}</bdi>
                  ${row.changed && html`<span class="visually-hidden"> (changed)</span>`}
                </td>
              </tr>
            `,
            )}
          </tbody>
        `,
        )}
      </table>
    </div>
  `;
};

/** As it stands, but for what cannot be seen. */
const asText = (receipt) => JSON.stringify(receipt, null, 2).split("\n").map(shownPath).join("\n");

const Raw = ({ receipt }) => html`
  <details class="receipt-more">
    <summary>The receipt as JSON</summary>
    <pre tabindex="0">${asText(receipt)}</pre>
  </details>
`;
