// What views are written with: Preact and htm, and what ties stores and style sheets to them.
// Never in here: what is shown.

import {
  Component,
  createContext,
  h,
  html,
  render,
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../vendor/preact-htm.js";
import { FILES } from "./version.js";

export {
  Component,
  createContext,
  h,
  html,
  render,
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
};

const itself = (value) => value;

/** What `select` takes of a store; the view is drawn anew when that becomes another value (`Object.is`). */
export const useStore = (store, select = itself) => {
  const selected = select(store.get());
  const [, drawAnew] = useState(0);
  const shown = useRef();
  shown.current = { selected, select };
  useLayoutEffect(() => {
    const look = () => {
      const { selected: before, select: latest } = shown.current;
      if (!Object.is(latest(store.get()), before)) drawAnew((count) => count + 1);
    };
    look();
    return store.subscribe(look);
  }, [store]);
  return selected;
};

/**
 * What a request answers: `{data, problem, loading, reload}`. `load(signal)` runs when a value of `inputs` changes;
 * what was there stays until the new answer is there, and a request that is not needed any more is ended.
 */
export const useAnswer = (load, inputs) => {
  const [state, setState] = useState({ data: null, problem: null, loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(ended.signal).then(
      (data) => !ended.signal.aborted && setState({ data, problem: null, loading: false }),
      (problem) => !ended.signal.aborted && setState((before) => ({ ...before, problem, loading: false })),
    );
    return () => ended.abort();
  }, [...inputs, round]);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  return { ...state, reload };
};

const styles = new Map();

/** Links style/NAME.css once; the promise is kept when it is there, or cannot be had. */
export const loadStyle = (name) => {
  if (!styles.has(name)) styles.set(name, linked(new URL(`style/${name}.css`, FILES)));
  return styles.get(name);
};

const linked = (address) => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address.href;
  const loaded = new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve;
  });
  document.head.append(link);
  return loaded;
};

/** For a part with a style sheet of its own; those of views are linked by app.js. */
export const useStyle = (name) => {
  useLayoutEffect(() => void loadStyle(name), [name]);
};
