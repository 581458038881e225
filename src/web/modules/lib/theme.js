// Light, dark, or as the system says; kept in this browser.
// Never in here: colours (style/tokens.css).

import { recall, remember } from "./remembered.js";
import { createStore } from "./store.js";

const KEY = "theme";
export const THEMES = ["system", "light", "dark"];

/** One of THEMES. */
export const theme = createStore(THEMES.includes(recall(KEY)) ? recall(KEY) : "system");

export const chooseTheme = (name) => {
  const root = document.documentElement;
  if (name === "system") delete root.dataset.theme;
  else root.dataset.theme = name;
  remember(KEY, name);
  theme.set(name);
};
