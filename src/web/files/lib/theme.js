// Light, dark, or as the system says; kept in this browser.
// Never in here: colours (style/base.css).

import { createStore } from "./store.js";

const KEY = "theme";
export const THEMES = ["system", "light", "dark"];

const read = () => {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
};

/** One of THEMES. */
export const theme = createStore(read());

export const chooseTheme = (name) => {
  const root = document.documentElement;
  if (name === "system") delete root.dataset.theme;
  else root.dataset.theme = name;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // It lasts as long as this page.
  }
  theme.set(name);
};
