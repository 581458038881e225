// How the machine is: processor, memory, temperature, disks.
// Promises: asked for only while someone sees it.

import { api } from "../../lib/api.js";
import { bytes, percent, sentence, UNKNOWN } from "../../lib/format.js";
import { html, useEffect, useState } from "../../lib/html.js";
import { disksOf, hottestOf, memoryOf } from "../../lib/machine.js";
import { Meter } from "../../lib/parts.js";

const EVERY_MS = 2500;
/** Rows that are there before the answer, so that nothing moves when it comes. */
const WAITED_FOR = {
  cpu: { percent: null, core_percent: [] },
  memory: null,
  disks: [{ folder: "input", total_bytes: 0, free_bytes: 0 }],
  temperatures: [],
};

/** `{load, problem}` of GET /system, read again while the page is visible. */
const useSystem = () => {
  const [state, setState] = useState({ load: null, problem: null });
  useEffect(() => {
    const left = new AbortController();
    let timer = null;
    const next = () => {
      clearTimeout(timer);
      if (!left.signal.aborted) timer = setTimeout(look, EVERY_MS);
    };
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        setState({ load: await api.get("/system", { signal: left.signal }), problem: null });
      } catch (problem) {
        if (!left.signal.aborted) setState(({ load }) => ({ load, problem }));
      }
      next();
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      left.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return state;
};

const Row = ({ label, value, detail, children }) => html`
  <div class="machine-row">
    <dt>${label}</dt>
    <dd class="machine-value">${value}${detail && html` <span class="quiet-text">${detail}</span>`}</dd>
    <dd class="machine-meter">${children}</dd>
  </div>
`;

const MOST_CORES = 64;

const Cores = ({ cores }) => html`
  <span class="cores" aria-hidden="true">
    ${cores.slice(0, MOST_CORES).map(
      (one, index) => html`
      <span key=${index} class="core">
        <span class="core-fill" style=${{ transform: `scaleY(${Math.min(100, one) / 100})` }}></span>
      </span>
    `,
    )}
  </span>
`;

export const Machine = () => {
  const { load, problem } = useSystem();
  const shown = load ?? WAITED_FOR;
  const memory = shown.memory && memoryOf(shown.memory);
  const hottest = hottestOf(shown.temperatures);
  return html`
    <dl class="machine ${problem ? "old" : ""}">
      <${Row} label="Processor" value=${percent(shown.cpu.percent)}><${Cores} cores=${shown.cpu.core_percent} /><//>
      <${Row} label="Memory" value=${memory ? bytes(memory.usedBytes) : UNKNOWN}
        detail=${memory && `of ${bytes(memory.totalBytes)}`}>
        <${Meter} label="Memory in use" percent=${memory?.usedPercent} />
      <//>
      ${
        hottest &&
        html`<${Row} label="Temperature" value="${Math.round(hottest.celsius)} °C" detail=${hottest.sensor} />`
      }
      ${disksOf(shown.disks).map(
        (disk) => html`
        <${Row} key=${disk.names[0]} label=${disk.names.length > 3 ? "Disk" : disk.names.join(", ")}
          value=${load ? `${bytes(disk.freeBytes)} free` : UNKNOWN} detail=${load && `of ${bytes(disk.totalBytes)}`}>
          <${Meter} label="Disk of ${disk.names.join(", ")}, in use" percent=${disk.usedPercent}
            tone=${disk.isFull ? "waiting" : "quiet"} />
        <//>
      `,
      )}
    </dl>
    ${problem && html`<p class="small quiet-text">${sentence(problem.detail)}</p>`}
  `;
};
