// The service's log: newest first, filtered, followed while somebody looks.
// Promises: it asks for nothing while the tab is hidden; what is shown does not move under somebody who reads further
// down.
// Never in here: what is logged, secrets (the service blots them out).

import { html, useCallback, useEffect, useRef, useState } from "../../lib/html.js";
import { api } from "../../lib/api.js";
import { moment, shownPath } from "../../lib/format.js";
import { goWith } from "../../lib/route.js";
import { Button, Empty, Failure, Field, Select, Skeleton, Switch } from "../../lib/parts.js";
import { CopyButton } from "./copy.js";
import { LEVELS, asText, logQuery, withNewest } from "./lib/log.js";

const POLL_MS = 2000;
const TYPING_MS = 250;
/** Of more than these, a follower is given the newest page alone. */
const MOST_ENTRIES = 3000;
const NOTHING = { entries: null, next: null, problem: null };

export const Log = ({ route }) => {
  const { level = "info", text = "" } = route.query;
  const [state, setState] = useState(NOTHING);
  const [isFollowed, setIsFollowed] = useState(true);
  const wanted = useRef(null);
  const read = useCallback(
    async (signal) => {
      try {
        const page = await api.get("/logs", { query: logQuery({ level, text }), signal });
        setState((before) => joined(before, page));
      } catch (problem) {
        if (!signal.aborted) setState((before) => ({ ...before, problem }));
      }
    },
    [level, text],
  );
  useEffect(() => {
    const ended = new AbortController();
    wanted.current = ended.signal;
    setState(NOTHING);
    const timer = setTimeout(() => read(ended.signal), text === "" ? 0 : TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [read]);
  useEffect(() => {
    if (!isFollowed) return undefined;
    const ended = new AbortController();
    let timer = null;
    const poll = async () => {
      clearTimeout(timer);
      if (document.visibilityState !== "visible") return;
      await read(ended.signal);
      if (!ended.signal.aborted) timer = setTimeout(poll, POLL_MS);
    };
    timer = setTimeout(poll, POLL_MS);
    document.addEventListener("visibilitychange", poll);
    return () => {
      clearTimeout(timer);
      ended.abort();
      document.removeEventListener("visibilitychange", poll);
    };
  }, [isFollowed, read]);
  const readOlder = async () => {
    const signal = wanted.current;
    const page = await api.get("/logs", { query: logQuery({ level, text }, state.next), signal });
    if (signal.aborted) return;
    setState((before) => ({ ...before, entries: [...before.entries, ...page.entries], next: page.next ?? null }));
  };
  const { entries, next, problem } = state;
  return html`
    <div class="log-tools" role="search">
      <${Field} label="Search the log" type="search" value=${text} maxlength="200"
        placeholder="A word, a path, a task's id"
        onInput=${(event) => goWith({ text: event.currentTarget.value || null })} />
      <${Select} label="Level" value=${level}
        options=${LEVELS.map((known) => ({ value: known.level, text: known.title }))}
        onChange=${(chosen) => goWith({ level: chosen === "info" ? null : chosen })} />
      <${Switch} label="Follow" checked=${isFollowed} onChange=${setIsFollowed} />
      <${CopyButton} text=${() => asText(entries ?? [])}>Copy what is shown<//>
    </div>
    ${problem && html`<${Failure} problem=${problem} onRetry=${() => read(wanted.current)} />`}
    ${!entries && !problem && html`<${Skeleton} lines=${12} height=${24} />`}
    ${entries?.length === 0 && !next && html`
      <${Empty} icon="search" title="Nothing in the log is like that"
        actions=${html`<${Button} onClick=${() => goWith({ text: null, level: null })}>Show the whole log<//>`} />
    `}
    ${entries && html`
      <ol class="log" aria-label="Entries of the log, newest first">
        ${entries.map((entry, index) => html`<${Entry} key=${entries.length - index} entry=${entry} />`)}
      </ol>
      ${next && html`<div class="log-older"><${Button} onClick=${readOlder}>Older entries<//></div>`}
    `}
  `;
};

const joined = (before, page) => {
  const fresh = { entries: page.entries, next: page.next ?? null, problem: null };
  if (!before.entries) return fresh;
  const { entries, isWhole } = withNewest(before.entries, page.entries);
  const isTooLong = entries.length > MOST_ENTRIES && window.scrollY === 0;
  return isWhole && !isTooLong ? { ...before, entries, problem: null } : fresh;
};

const shownLines = (message) => message.split("\n").map(shownPath).join("\n");

const Entry = ({ entry }) => html`
  <li class="log-entry ${entry.level}">
    <time class="number" datetime=${entry.time}>${moment(entry.time)}</time>
    <span class="log-level">${entry.level}</span>
    <span class="log-message">${shownLines(entry.message)}</span>
  </li>
`;
