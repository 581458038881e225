// A long list in a view: its filter from the address, its rows live, and the place where one was.
//
// Promises: one who comes back finds the list as it was, at the same place, and then as it is now.
// Never in here: how rows look, what is done with them.

import { api } from "../../lib/api.js";
import { useEffect, useLayoutEffect, useMemo, useState, useStore } from "../../lib/html.js";
import { live } from "../../lib/live.js";
import { go, useRoute } from "../../lib/route.js";
import { addressOf, filterOf, whichTasks } from "./filter.js";
import { createSource } from "./source.js";

const CLOCK_MS = 30_000;

const clock = {
  now: () => performance.now(),
  wait: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
};

/** What a view keeps while it is not shown. `path`: its address. `archived`: its list has the archives too. */
export function createKept({ path, tabs, archived }) {
  const fetchPage = async (filter, { offset, limit }, signal) => {
    // What changes before the stream is open is in the answer then, and what changes after it in the stream.
    await live.opened();
    const query = { ...whichTasks(filter), sort: filter.sort, offset, limit, archived: archived || null };
    return api.get("/tasks", { query, signal });
  };
  return { path, tabs, source: createSource(fetchPage, clock), scrolledPx: 0 };
}

/** `{filter, state, setFilter, address}`: `state` is that of the source's store; `address(filter)`. */
export function useList(kept) {
  const { path, tabs, source } = kept;
  const { query } = useRoute();
  const state = useStore(source.store);
  const search = new URLSearchParams(query).toString();
  const filter = useMemo(() => filterOf(search, tabs), [search]);
  useEffect(() => source.show(filter), [filter]);
  useEffect(() => {
    const ends = [live.onTask(source.taskChanged), live.onRemoved(source.changed), live.onReset(source.changed)];
    return () => {
      for (const end of ends) end();
      source.rest();
    };
  }, []);
  useKeptPlace(kept, state.list.total !== null);
  const address = (changed) => addressOf(path, changed, tabs);
  const setFilter = (changed) => {
    if (window.scrollY > 0) window.scrollTo(0, 0);
    go(address(changed), { replace: true, stay: true });
  };
  return { filter, state, setFilter, address };
}

/** Scrolls to where one was as soon as there are rows. */
function useKeptPlace(kept, hasRows) {
  useLayoutEffect(() => {
    if (!hasRows) return undefined;
    if (kept.scrolledPx > 0) window.scrollTo(0, kept.scrolledPx);
    // Elsewhere the page scrolls to its own top while this view is still being taken down.
    const keep = () => {
      if (location.pathname === kept.path) kept.scrolledPx = window.scrollY;
    };
    // Before rows are drawn by the same event: asking where one is would then lay out the page once more.
    window.addEventListener("scroll", keep, { passive: true, capture: true });
    return () => window.removeEventListener("scroll", keep, { capture: true });
  }, [hasRows]);
}

/** The time, in ms, often enough for "5 min ago". */
export function useNow() {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), CLOCK_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
