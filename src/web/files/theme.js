/* Before anything is painted: light or dark, as chosen in this browser. A plain script, so that it comes first.
   Never in here: anything else. */
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is off: it is as the system says.
}
