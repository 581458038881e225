// Whether this page is still the one that the service has.
// Never in here: what is shown then.

const VERSION = new URL(import.meta.url).pathname.split("/").at(-3);

/** The service has another page by now: it was updated since this one was opened. False when it does not answer. */
export const isOutdated = async () => {
  try {
    const response = await fetch("/", { cache: "no-store" });
    return response.ok && !(await response.text()).includes(`/page/${VERSION}/`);
  } catch {
    return false;
  }
};
