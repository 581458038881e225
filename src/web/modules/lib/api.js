// Requests to the API.
// Promises: what goes wrong is a Problem with words for a person, whether the service said so, or nobody answered; an
// answer that asks for a login is told to whoever listens at `loggedOut`.
// Never in here: what is asked for, what is shown.

import { createSignal } from "./store.js";

const BASE = "/api/v1";
const PATIENCE_MS = 30_000;

/** `listen(fn)`: a request was refused because nobody is logged in (any more). */
export const loggedOut = createSignal();

/**
 * What went wrong: `status` (0: nobody answered), `type`, `title`, `detail`, `errors` [{key, detail}],
 * `retryAfterSeconds`.
 */
export class Problem extends Error {
  constructor({ status, type = "", title, detail, errors = [], retryAfterSeconds = null }) {
    super(detail || title);
    Object.assign(this, { name: "Problem", status, type, title, detail, errors, retryAfterSeconds });
  }
}

/** An address below the API, as `/api/v1/tasks?limit=5`; what is null, undefined or "" is left out of the query. */
export const address = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return `${BASE}${path}${text && `?${text}`}`;
};

/** The Problem that an answer is; `body` is null when it was no JSON. */
export const problemOf = (status, retryAfter, body) =>
  new Problem({
    status,
    type: body?.type,
    title: body?.title ?? "The service answered with an error",
    detail: body?.detail ?? `Status ${status}, without a word why. The log of the service may say more.`,
    errors: body?.errors,
    retryAfterSeconds: /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : null,
  });

const silent = () =>
  new Problem({
    status: 0,
    title: "The service does not answer",
    detail: "Nothing came back. The service may be stopped or starting, or this device has no connection to it.",
  });

/** Ends with `signal` or after `timeoutMs`, whatever comes first; 0 is never. */
const ending = (signal, timeoutMs) => {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const timer = timeoutMs > 0 ? setTimeout(abort, timeoutMs) : null;
  return { signal: controller.signal, done: () => clearTimeout(timer) };
};

const request = async (method, path, { query, body, signal, timeoutMs = PATIENCE_MS } = {}) => {
  const limit = ending(signal, timeoutMs);
  let response;
  let text;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: limit.signal,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw silent();
  } finally {
    limit.done();
  }
  const parsed = parse(text);
  if (response.ok) return parsed;
  const problem = problemOf(response.status, response.headers.get("Retry-After"), parsed);
  if (problem.status === 401 && path !== "/login") loggedOut.tell(problem);
  throw problem;
};

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/**
 * `options`: `{query, signal, timeoutMs}`. Each answers with the body's JSON (null if there is none) or throws a
 * Problem.
 */
export const api = {
  get: (path, options) => request("GET", path, options),
  post: (path, body = {}, options = {}) => request("POST", path, { ...options, body }),
  put: (path, body = {}, options = {}) => request("PUT", path, { ...options, body }),
  patch: (path, body = {}, options = {}) => request("PATCH", path, { ...options, body }),
  delete: (path, options) => request("DELETE", path, options),
};
