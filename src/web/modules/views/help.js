// Help: how it works, what the states and marks mean, and where to read more.
// Never in here: anything that changes something.

import { html } from "../lib/html.js";
import { Film, Heading, Panel, Status } from "../lib/parts.js";

const STATES = [
  [{ status: "queued" }, "Waits for its turn. Drag it in the queue, or give it a priority, to change when that is."],
  [
    { status: "queued", waiting_for: "space" },
    "Its turn has come, but room on a disk, its folder or the encoder is missing. It begins when that is there.",
  ],
  [
    { status: "processing" },
    "Is being compressed. It can be frozen, which keeps all that is done, or cancelled, which throws that away.",
  ],
  [{ status: "processing", frozen: true }, "Stands still with all that is done, until you let it go on."],
  [{ status: "processed" }, "The result is in output, was compared with its source, and is whole."],
  [{ status: "skipped" }, "Would not have become smaller, or is HEVC already, or another reason; its page says which."],
  [{ status: "cancelled" }, "Stopped by a person, or its source went away. The source was not touched."],
  [{ status: "failed" }, "Could not be compressed. Its page says why, and what to do. The source was not touched."],
];

const CELLS = [
  ["done", "done"],
  ["running", "being encoded"],
  ["waiting", "still to come"],
];

export default function Help() {
  return html`
    <${Heading} title="Help" />
    <div class="help">
      <${Panel} title="How it works">
        <p>Put a film into a folder below <code>input</code>, as <code>input/720</code>, or send it by Add files. The
        folder's name is the resolution that it is scaled down to. It is compressed to H.265 and appears
        in <code>output</code> under the same name, with all of its sound tracks, subtitles and chapters.</p>
        <p>A result is checked against its source before it is published. If it would not be smaller, the source is left
        as it is. Sources stay unless the settings say otherwise.</p>
      <//>
      <${Panel} title="States">
        <dl class="help-list">${STATES.map(
          ([task, text]) => html`
          <div key=${text}><dt><${Status} task=${task} /></dt><dd>${text}</dd></div>
        `,
        )}</dl>
      <//>
      <${Panel} title="The bar of an encode">
        <p>Long films are encoded in pieces, several at once. The bar is the film from its beginning to its end, piece
        by piece.</p>
        <div class="help-film"><${Film} pieces="ddddddrddrrwwwwwwwww" percent=${45} label="An example" /></div>
        <ul class="help-legend">${CELLS.map(
          ([state, text]) => html`
          <li key=${state}><span class="film-cell ${state}" aria-hidden="true"></span>${text}</li>
        `,
        )}</ul>
      <//>
      <${Panel} title="More">
        <ul class="help-more">
          <li>Press <kbd>?</kbd> for the keys of this page.</li>
          <li>Everything here can be done by programs: <a href="/api/docs">the reference of the API</a>.</li>
          <li>The same in a terminal: <code>video-compressor top</code>, and <code>video-compressor help</code>.</li>
          <li>Something wrong with the installation? <code>video-compressor doctor</code> checks it and says how to
          mend it.</li>
        </ul>
      <//>
    </div>
  `;
}
