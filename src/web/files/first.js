/* While the rest of the page is still coming: who is here, and how the queue stands. A plain script, so that it comes
   first.
   Promises: who is not logged in is asked for nothing that would be refused; null is what could not be had.
   Never in here: what is made of the answers (app.js). */
{
  const answerOf = async (path) => {
    const response = await fetch(`/api/v1${path}`);
    return response.ok ? response.json() : null;
  };
  const options = answerOf("/login-options").catch(() => null);
  const queue = options.then((known) => (known?.me ? answerOf("/queue") : null)).catch(() => null);
  window.first = { options, queue };
}
