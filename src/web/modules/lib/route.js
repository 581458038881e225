// Where one is in the page, and how to go elsewhere.
// Promises: the address bar, Back and Forward, and new tabs work as they do everywhere.
// Never in here: which view is where (app.js).

import { join, parse } from "./address.js";
import { html, useStore } from "./html.js";
import { createStore } from "./store.js";

const here = (isNew) => ({ ...parse(location.pathname + location.search), isNew });

// A page that was just opened leaves the focus where the browser has it.
const route = createStore(here(false));
window.addEventListener("popstate", () => route.set(here(true)));

/**
 * Goes to an address of the page, as `/queue?status=failed`. `replace`: Back does not come to where one is now.
 * `stay`: it is the same place in another state (a filter), so focus and scroll position stay.
 */
export const go = (address, { replace = false, stay = false } = {}) => {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route.set(here(!stay));
  if (!stay) window.scrollTo(0, 0);
};

/** Changes parts of the query, as a filter does; null takes one away. */
export const goWith = (query, { replace = true } = {}) => {
  const { path, query: before } = route.get();
  go(join(path, { ...before, ...query }), { replace, stay: true });
};

/** `{path, query: {name: text}, isNew}`; `isNew`: one has come from another place of the page. */
export const useRoute = () => useStore(route);

/** Where one is now. */
export const currentRoute = () => route.get();

const isPlainClick = (event) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey && !event.defaultPrevented;

/** A link into the page; all else is handed to the `a`. */
export const Link = ({ href, children, onClick, ...rest }) => {
  const follow = (event) => {
    onClick?.(event);
    if (!isPlainClick(event)) return;
    event.preventDefault();
    go(href);
  };
  return html`<a href=${href} onClick=${follow} ...${rest}>${children}</a>`;
};
