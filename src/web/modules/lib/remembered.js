// What this browser remembers from one visit to the next; nothing where storage is off.
// Never in here: secrets, and what the service knows.

/** The text that was kept under a key, or null. `area`: "local", or "session" for as long as the tab is open. */
export const recall = (key, area = "local") => {
  try {
    return storage(area).getItem(key);
  } catch {
    return null;
  }
};

/** Keeps a text; null forgets it. */
export const remember = (key, text, area = "local") => {
  try {
    if (text === null) storage(area).removeItem(key);
    else storage(area).setItem(key, text);
  } catch {
    // It lasts as long as this page.
  }
};

const storage = (area) => (area === "session" ? sessionStorage : localStorage);
