// What a receipt says in short: what was checked, changed and lost, how near the result is, how it was made.
//
// Never in here: what a receipt means (`receipt`).

import { shownPath } from "../../lib/format.js";
import { html } from "../../lib/html.js";
import { Button, Panel, toast } from "../../lib/parts.js";
import { changes, comparisons, complaints, losses, making, quality, VERSION } from "./receipt.js";

export const Findings = ({ receipt }) =>
  receipt.version === VERSION &&
  html`
    <${Checked} receipt=${receipt} />
    <${Quality} receipt=${receipt} />
    <${Making} receipt=${receipt} />
  `;

const List = ({ title, texts }) =>
  texts.length > 0 &&
  html`
    <h3>${title}</h3>
    <ul class="receipt-list">${texts.map((text, index) => html`<li key=${index}>${text}</li>`)}</ul>
  `;

/** What was checked, changed and lost. */
const Checked = ({ receipt }) => {
  const compared = comparisons(receipt);
  const lost = losses(receipt);
  if (!receipt.output) return null;
  return html`
    <${Panel} title="Checked">
      <p class="quiet-text small">The result got its name only after the service had checked it against its source.</p>
      <dl class="checks">${compared.map(
        ({ name, text, same }) => html`
        <div key=${name} class=${same ? "same" : "differs"}><dt>${name}</dt><dd>${text}</dd></div>
      `,
      )}</dl>
      ${
        lost.length > 0 &&
        html`
        <h3>Not in the result</h3>
        <ul class="receipt-list">${lost.map(
          (one, index) => html`
          <li key=${index} class=${one.weight}>
            ${one.what}: ${one.reason} <span class="quiet-text">(${one.weightText.toLowerCase()})</span>
          </li>
        `,
        )}</ul>
      `
      }
      <${List} title="Changed, and why" texts=${changes(receipt)} />
      <${List} title="Remarks of the check" texts=${receipt.remarks} />
      <${List} title="The source's decoder said" texts=${complaints(receipt)} />
    <//>
  `;
};

const Quality = ({ receipt }) => {
  const { figures, on, search } = quality(receipt);
  const samples = receipt.quality?.samples ?? [];
  if (!receipt.quality && !receipt.output) return null;
  return html`
    <${Panel} title="How near it is">
      <dl class="quality">${figures.map(
        ({ name, value, meaning }) => html`
        <div key=${name}>
          <dt>${name}</dt><dd class="number">${value}</dd><dd class="quality-meaning">${meaning}</dd>
        </div>
      `,
      )}</dl>
      <p class="quiet-text small">${on[0].toUpperCase() + on.slice(1)}.</p>
      <${Samples} samples=${samples} />
      <${List} title="The search for it" texts=${search} />
    <//>
  `;
};

const SSIM_FLOOR_DB = 5;
const SSIM_CEILING_DB = 25;

/** Where in the film it is how near. */
const Samples = ({ samples }) => {
  if (samples.length < 2) return null;
  const worst = samples.reduce((least, one) => (one.ssim_db < least.ssim_db ? one : least));
  const height = ({ ssim_db: db }) =>
    `${Math.min(100, Math.max(4, ((db - SSIM_FLOOR_DB) / (SSIM_CEILING_DB - SSIM_FLOOR_DB)) * 100))}%`;
  return html`
    <div class="samples" role="img"
      aria-label="SSIM of ${samples.length} samples through the film; least ${worst.ssim_db.toFixed(1)} dB">
      ${samples.map(
        (one, index) => html`
        <span key=${index} class=${one === worst ? "worst" : ""} style=${{ height: height(one) }}
          title="${one.ssim_db.toFixed(1)} dB from second ${Math.round(one.start_seconds)}"></span>
      `,
      )}
    </div>
  `;
};

const copy = async (text) => {
  await navigator.clipboard.writeText(text);
  toast("Copied");
};

const Making = ({ receipt }) => {
  const command = receipt.encoder?.command;
  return html`
    <${Panel} title="How it was made">
      <dl class="making">
        ${making(receipt).map(({ name, value }) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
      ${
        command &&
        html`
        <details class="receipt-more">
          <summary>The command</summary>
          <pre tabindex="0">${shownPath(command)}</pre>
          ${navigator.clipboard && html`<${Button} icon="copy" onClick=${() => copy(command)}>Copy the command<//>`}
        </details>
      `
      }
    <//>
  `;
};
