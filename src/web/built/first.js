/* What does not wait for the rest of the page: light or dark, as chosen in this browser, before anything is painted; and,
   while modules come, who is here and how the queue stands. A plain script, so that it comes first.
   Promises: null is what could not be had.
   Never in here: what is made of the answer (app.js). */
{
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is off: it is as the system says.
  }
  const answer = async () => {
    const response = await fetch("/api/v1/login-options?with=queue");
    return response.ok ? response.json() : null;
  };
  window.first = answer().catch(() => null);
}
