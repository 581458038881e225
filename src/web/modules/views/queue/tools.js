// What stands above a list: its tabs, search, resolution and order; and what is done with chosen rows.
// Never in here: what a filter means (`filter.js`), what is done (`orders.js`).

import { count, counted } from "../../lib/format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../lib/html.js";
import { Button, IconButton, Menu, Select, Tabs } from "../../lib/parts.js";
import { inTab } from "./filter.js";
import { cancel, retry } from "./orders.js";
import { isPossible } from "./target.js";

const ALL_HEIGHTS = "all";

/** `counts`: how many a tab has, by its key; null while that is not known. */
export const StateTabs = ({ tabs, filter, address, counts }) => html`
  <${Tabs} label="States" current=${address(filter)} tabs=${tabs.map((tab) => ({
    href: address(tab === filter.tab ? filter : inTab(filter, tab)),
    text: tab.title,
    count: counts ? count(counts[tab.key]) : undefined,
  }))} />
`;

/** `heights`: resolutions to choose from; `sorts`: of filter.js; `children`: further choices. */
export function FilterLine({ filter, setFilter, heights, sorts, children }) {
  const search = useRef(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (new URLSearchParams(location.search).has("search")) search.current.focus();
  }, []);
  const heightOptions = [
    { value: ALL_HEIGHTS, text: "Every resolution" },
    ...heights.map((height) => ({ value: String(height), text: String(height) })),
  ];
  const sortOptions = sorts.map(({ key, title }) => ({ value: key, text: title }));
  const chooseHeight = (value) => setFilter({ ...filter, height: value === ALL_HEIGHTS ? null : Number(value) });
  return html`
    <div class="list-filter ${isOpen ? "open" : ""}">
      <input class="input list-search" type="search" ref=${search} placeholder="Search"
        aria-label="Search by name or folder" value=${filter.text}
        onInput=${(event) => setFilter({ ...filter, text: event.currentTarget.value })} />
      <${IconButton} icon="filter" label="Resolution and order" aria-expanded=${isOpen}
        onClick=${() => setOpen(!isOpen)} />
      <${Select} bare label="Resolution" options=${heightOptions} value=${String(filter.height ?? ALL_HEIGHTS)}
        onChange=${chooseHeight} />
      <${Select} bare label="Order" options=${sortOptions} value=${filter.sort}
        onChange=${(sort) => setFilter({ ...filter, sort })} />
      ${children}
    </div>
  `;
}

/** What sticks to the top of the screen above a list; `--tools-height` is its height. */
export function StickyTools({ children }) {
  const tools = useRef(null);
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => style.setProperty("--tools-height", `${tools.current.offsetHeight}px`));
    observer.observe(tools.current);
    return () => observer.disconnect();
  }, []);
  return html`<div class="list-tools" ref=${tools}>${children}</div>`;
}

/**
 * What can be done with chosen rows, in the place of the filter. `chosen`: how many; `total`: of the list; `items`: of
 * the menu.
 */
export function ChosenBar({ chosen, total, isAll, target, items, onAll, onNone }) {
  const is = (action) => isPossible(target, action);
  return html`
    <div class="chosen-bar" role="region" aria-label="Chosen files">
      <${IconButton} icon="cancel" label="Choose none" onClick=${onNone} />
      <p role="status"><b class="number">${counted(chosen, "file")}</b> chosen</p>
      ${!isAll &&
      chosen < total &&
      html`<${Button} tone="quiet" class="wide-only" onClick=${onAll}>Choose all ${count(total)}<//>`}
      <span class="chosen-does">
        ${is("retry") && html`<${Button} icon="retry" onClick=${() => retry(target)}>Encode again<//>`}
        ${is("cancel") && html`<${Button} tone="danger" icon="cancel" onClick=${() => cancel(target)}>Cancel<//>`}
        <${Menu} label="More for chosen files" items=${items} />
      </span>
    </div>
  `;
}
