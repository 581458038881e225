// A value that others can watch.
// Promises: listeners are told after each change, in the order in which they came; the same value again tells nobody.
// Never in here: DOM, requests.

/** A store `{get, set, update, subscribe}`; `subscribe` answers with what ends it. */
export const createStore = (initial) => {
  let value = initial;
  const listeners = new Set();
  const set = (next) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of [...listeners]) listener(value);
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

/** Those who want to hear of something: `{tell(...about), listen(listener)}`; `listen` answers with what ends it. */
export const createSignal = () => {
  const listeners = new Set();
  return {
    tell: (...about) => {
      for (const listener of [...listeners]) listener(...about);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
