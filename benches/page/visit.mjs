// What every measurement of the page needs. Prints its figures as one line of JSON: an array of numbers.

import { api, given, settled, withBrowser } from "../../tests/page/browser.mjs";

export { api, given, settled, withBrowser };

/// The cookie of a new session, so that a cold browser begins with the page and not with a form.
export async function cookie() {
  const answer = await fetch(`${given.url}/api/v1/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: given.url },
    body: JSON.stringify({ name: given.name, password: given.password }),
  });
  const [name, ...value] = answer.headers.get("set-cookie").split(";")[0].split("=");
  return { name, value: value.join("="), url: given.url };
}

/// A visitor who is logged in and has seen nothing yet.
export async function visitLoggedIn(visit, look) {
  const visitor = await visit(look);
  await visitor.context.addCookies([await cookie()]);
  return visitor;
}

export function tell(figures) {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
