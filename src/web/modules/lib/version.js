// Where the page's files are, and whether it is still the one that the service has.
// Never in here: what is shown then.

/** The folder of the page's files. All modules that are served are in one folder of it: `make page` joins them. */
export const FILES = new URL("..", import.meta.url);

const VERSION = FILES.pathname.split("/").at(-2);

/** The service has another page by now: it was updated since this one was opened. False when it does not answer. */
export const isOutdated = async () => {
  try {
    const response = await fetch("/", { cache: "no-store" });
    return response.ok && !(await response.text()).includes(`/page/${VERSION}/`);
  } catch {
    return false;
  }
};
