// What becomes of the connection that brings what changes: pure decisions for live.js.
// Never in here: DOM, EventSource, clocks.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;

/** How long to wait before the next try, in ms: doubled each time. `chance` in 0..1 spreads many pages. */
export const waitMs = (tries, chance) => {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10));
  return Math.round(whole * (0.75 + chance / 4));
};

export const begun = {
  state: "connecting",
  since: null,
  heardAt: null,
  queue: null,
  encodes: [],
};

/** What the page knows after an event; `at` is the time in ms. */
export const after = (known, event, at) => {
  switch (event.kind) {
    case "open":
      return { ...known, state: "live", since: null, heardAt: at };
    case "lost":
      return known.state === "lost" ? known : { ...known, state: "lost", since: known.heardAt ?? at };
    case "live":
      return { ...heard(known, at), encodes: event.data.encodes };
    case "queue":
      return { ...heard(known, at), queue: event.data };
    default:
      return heard(known, at);
  }
};

const heard = (known, at) => ({ ...known, heardAt: at });

/**
 * Whether a connection that looks open is dead: the service says something at least every `beatMs`, once it has begun
 * to.
 */
export const isSilent = (known, at, beatMs) =>
  known.state === "live" && beatMs !== null && at - known.heardAt > 2.5 * beatMs;
