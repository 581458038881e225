// Addresses of the page, taken apart and put together.
// Never in here: DOM, history.

/** `/tasks/abc?tab=log` as `{path, query: {tab: "log"}}`. */
export const parse = (address) => {
  const { pathname, searchParams } = new URL(address, "http://page");
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, "") || "/" : pathname;
  return { path, query: Object.fromEntries(searchParams) };
};

/** The reverse of `parse`; what is null, undefined or "" is left out. */
export const join = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
};

/** The parts of `path` that `pattern` names (`/tasks/:id`, `/settings/*`; `*` is the rest, maybe empty), or null. */
export const match = (pattern, path) => {
  const wanted = pattern.split("/").filter(Boolean);
  const found = path.split("/").filter(Boolean);
  const isOpen = wanted.at(-1) === "*";
  const fixed = isOpen ? wanted.slice(0, -1) : wanted;
  if (found.length < fixed.length || (!isOpen && found.length > fixed.length)) return null;
  const params = {};
  for (const [index, part] of fixed.entries()) {
    const text = decoded(found[index]);
    if (part.startsWith(":")) params[part.slice(1)] = text;
    else if (part !== text) return null;
  }
  if (isOpen) params.rest = found.slice(fixed.length).map(decoded);
  return params;
};

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Where a login may lead back to: only into this page. */
export const backTo = (to) => {
  if (typeof to !== "string" || !to.startsWith("/")) return "/";
  const { origin, pathname, search } = new URL(to, "http://page");
  return origin === "http://page" && pathname !== "/login" ? pathname + search : "/";
};
