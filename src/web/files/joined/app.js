// Addresses of the page, taken apart and put together.
// Never in here: DOM, history.

/** `/tasks/abc?tab=log` as `{path, query: {tab: "log"}}`. */
const parse$1 = (address) => {
  const { pathname, searchParams } = new URL(address, "http://page");
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, "") || "/" : pathname;
  return { path, query: Object.fromEntries(searchParams) };
};

/** The reverse of `parse`; what is null, undefined or "" is left out. */
const join = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
};

/** The parts of `path` that `pattern` names (`/tasks/:id`, `/settings/*`; `*` is the rest, maybe empty), or null. */
const match = (pattern, path) => {
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
const backTo = (to) => {
  if (typeof to !== "string" || !to.startsWith("/")) return "/";
  const { origin, pathname, search } = new URL(to, "http://page");
  return origin === "http://page" && pathname !== "/login" ? pathname + search : "/";
};

// A value that others can watch.
// Promises: listeners are told after each change, in the order in which they came; the same value again tells nobody.
// Never in here: DOM, requests.

/** A store `{get, set, update, subscribe}`; `subscribe` answers with what ends it. */
const createStore = (initial) => {
  let value = initial;
  const listeners = new Set();
  const set = (next) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of [...listeners]) listener(value);
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

/** Those who want to hear of something: `{tell(...about), listen(listener)}`; `listen` answers with what ends it. */
const createSignal = () => {
  const listeners = new Set();
  return {
    tell: (...about) => {
      for (const listener of [...listeners]) listener(...about);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

// Requests to the API.
// Promises: what goes wrong is a Problem with words for a person, whether the service said so, or nobody answered; an
// answer that asks for a login is told to whoever listens at `loggedOut`.
// Never in here: what is asked for, what is shown.


const BASE = "/api/v1";
const PATIENCE_MS = 30_000;

/** `listen(fn)`: a request was refused because nobody is logged in (any more). */
const loggedOut = createSignal();

/**
 * What went wrong: `status` (0: nobody answered), `type`, `title`, `detail`, `errors` [{key, detail}],
 * `retryAfterSeconds`.
 */
class Problem extends Error {
  constructor({ status, type = "", title, detail, errors = [], retryAfterSeconds = null }) {
    super(detail || title);
    Object.assign(this, { name: "Problem", status, type, title, detail, errors, retryAfterSeconds });
  }
}

/** An address below the API, as `/api/v1/tasks?limit=5`; what is null, undefined or "" is left out of the query. */
const address = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return `${BASE}${path}${text && `?${text}`}`;
};

/** The Problem that an answer is; `body` is null when it was no JSON. */
const problemOf = (status, retryAfter, body) =>
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
const api = {
  get: (path, options) => request("GET", path, options),
  post: (path, body = {}, options = {}) => request("POST", path, { ...options, body }),
  put: (path, body = {}, options = {}) => request("PUT", path, { ...options, body }),
  patch: (path, body = {}, options = {}) => request("PATCH", path, { ...options, body }),
  delete: (path, options) => request("DELETE", path, options),
};

// Numbers, times, names and states as people read them.
// Promises: the same value looks the same everywhere; what is not known is "–"; units stand after a space that does not
// break, so that columns align.
// Never in here: DOM, the clock (callers give the time).

const UNKNOWN = "–";
const SPACE = "\u00a0";
const MINUS = "\u2212";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1_100_000_000 as "1.1 GB". Decimal, three digits at most. */
const bytes = (count) => {
  if (!isNumber(count)) return UNKNOWN;
  const size = Math.abs(count);
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (unit < BYTE_UNITS.length - 1 && size / 1000 ** unit >= (unit === 0 ? 1000 : 999.5)) unit += 1;
  const value = size / 1000 ** unit;
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${count < 0 ? MINUS : ""}${value.toFixed(digits)}${SPACE}${BYTE_UNITS[unit]}`;
};

/** A number of bytes in a second. */
const rate = (bytesPerSecond) => (isNumber(bytesPerSecond) ? `${bytes(bytesPerSecond)}/s` : UNKNOWN);

const padded = (number) => String(number).padStart(2, "0");

/** 2280 as "38 min", 9000 as "2 h 30 min". */
const duration = (seconds) => {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}${SPACE}s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes}${SPACE}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${SPACE}h${SPACE}${padded(minutes % 60)}${SPACE}min`;
  const allHours = Math.round(minutes / 60);
  return `${Math.floor(allHours / 24)}${SPACE}d${SPACE}${allHours % 24}${SPACE}h`;
};

/** 62.4 as "62 %". */
const percent = (value, digits = 0) =>
  isNumber(value) ? `${value.toFixed(digits).replace("-", MINUS)}${SPACE}%` : UNKNOWN;

/** What became of a size: 100 and 38 as "−62 %". */
const change = (before, after) => {
  if (!isNumber(before) || !isNumber(after) || before <= 0) return UNKNOWN;
  const value = Math.round((after / before - 1) * 100);
  return `${value < 0 ? MINUS : value > 0 ? "+" : ""}${Math.abs(value)}${SPACE}%`;
};

const fps = (value) => (isNumber(value) ? `${value.toFixed(value < 9.95 ? 1 : 0)}${SPACE}fps` : UNKNOWN);

/** Seconds of film in a second: 1.42 as "1.4×". */
const speed = (value) =>
  isNumber(value) ? `${value.toFixed(value < 9.95 ? (value < 0.95 ? 2 : 1) : 0)}×` : UNKNOWN;

// Not by toLocaleString: the first one on a page takes 20 ms, a tenth of its first paint.
const BEFORE_THOUSANDS = /\B(?=(?:\d{3})+$)/g;

/** 12345 as "12,345"; whole numbers only. */
const count = (value) => (isNumber(value) ? String(value).replace(BEFORE_THOUSANDS, ",") : UNKNOWN);

/** 1 "file", 2 "files". */
const counted = (value, one, many = `${one}s`) => `${count(value)}${SPACE}${value === 1 ? one : many}`;

// Not by toLocaleString, which takes a quarter of a millisecond: a list draws forty rows of it in one frame.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const timeOfDay = (date) => `${padded(date.getHours())}:${padded(date.getMinutes())}`;
const dayOfYear = (date) => `${date.getDate()} ${MONTHS[date.getMonth()]}`;
const isValid = (date) => !Number.isNaN(date.getTime());

/** The time of day as "14:03"; with the day when that is not today's. `time` is RFC 3339, a Date or ms. */
const clock = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  const text = timeOfDay(date);
  return date.toDateString() === new Date(now).toDateString() ? text : `${day(date, now)}, ${text}`;
};

/** "22 Nov"; with the year when that is not this one. */
const day = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return isThisYear ? dayOfYear(date) : `${dayOfYear(date)} ${date.getFullYear()}`;
};

/** The whole of a moment, as "22 Nov 2026, 14:03:11". */
const moment = (time) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return UNKNOWN;
  return `${dayOfYear(date)} ${date.getFullYear()}, ${timeOfDay(date)}:${padded(date.getSeconds())}`;
};

/** `{text, title}`: "5 min ago" and the moment. */
const when = (time, now = Date.now()) => {
  const date = new Date(time ?? NaN);
  if (!isValid(date)) return { text: UNKNOWN, title: "" };
  return { text: relative((now - date.getTime()) / 1000, date, now), title: moment(date) };
};

const relative = (seconds, date, now) => {
  const size = Math.abs(seconds);
  if (size < 45) return seconds < 0 ? "in a moment" : "just now";
  if (size >= 20 * 3600) return clock(date, now);
  const minutes = Math.round(size / 60);
  const text = minutes < 60 ? `${minutes}${SPACE}min` : `${Math.round(minutes / 60)}${SPACE}h`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
};

/** A task's path taken apart: "720/Show/1.mkv" as `{root: "720", folder: "Show", name: "1.mkv"}`. */
const pathParts = (path) => {
  const parts = shownPath(path).split("/");
  const name = parts.at(-1);
  const root = parts.length > 1 ? parts[0] : "";
  return { root, folder: parts.slice(1, -1).join("/"), name };
};

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A name with what cannot be seen made visible, so that it cannot look like another or turn the line around. */
const shownPath = (path) => String(path ?? "").replace(HIDDEN, "\ufffd");

const STATUSES = {
  queued: { text: "Waiting", tone: "quiet" },
  processing: { text: "Encoding", tone: "running" },
  processed: { text: "Done", tone: "done" },
  skipped: { text: "Left as it is", tone: "quiet" },
  cancelled: { text: "Cancelled", tone: "quiet" },
  failed: { text: "Failed", tone: "failed" },
  error_missing_input: { text: "File is gone", tone: "failed" },
  error_no_resolution: { text: "No resolution", tone: "failed" },
  error_exception: { text: "Failed", tone: "failed" },
};

const WAITS = {
  space: "Waits for room on the disk",
  folder: "Waits for its folder",
  encoder: "Waits for the encoder",
};

/** What a task's state is called, and its tone: "quiet", "running", "waiting", "done" or "failed". */
const status = ({ status: name, frozen = false, waiting_for: waitingFor = null }) => {
  if (frozen) return { text: "Frozen", tone: "waiting" };
  if (name === "queued" && waitingFor) {
    return { text: WAITS[waitingFor] ?? "Waits for its twin", tone: "waiting" };
  }
  return STATUSES[name] ?? { text: String(name), tone: "quiet" };
};

/** Words of the service as a sentence of their own: "too many attempts" as "Too many attempts." */
const sentence = (text) => {
  const words = String(text ?? "").trim();
  // What begins with the name of a setting or a file is left as it is.
  const begun =
    /^[a-z]+[ ,;:]/.test(words) && !/^[a-z]+ =/.test(words) ? words[0].toUpperCase() + words.slice(1) : words;
  return begun === "" || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
};

/** "encoding" as "Encoding", "measuring the quality of" as "Measuring the quality". */
const stage = (text) => {
  if (!text) return "Beginning";
  const words = String(text).replace(/ (of|for)$/, "");
  return words[0].toUpperCase() + words.slice(1);
};

var e,n,_,t,o,r,l={},i=[],c=/acit|ex(?:s|g|n|p|$)|rph|grid|ows|mnc|ntw|ine[ch]|zoo|^ord|itera/i;function s(e,n){for(var _ in n)e[_]=n[_];return e}function f(e){var n=e.parentNode;n&&n.removeChild(e);}function a(n,_,t){var o,r,u,l={};for(u in _)"key"==u?o=_[u]:"ref"==u?r=_[u]:l[u]=_[u];if(arguments.length>2&&(l.children=arguments.length>3?e.call(arguments,2):t),"function"==typeof n&&null!=n.defaultProps)for(u in n.defaultProps) void 0===l[u]&&(l[u]=n.defaultProps[u]);return p(n,l,o,r,null)}function p(e,t,o,r,u){var l={type:e,props:t,key:o,ref:r,__k:null,__:null,__b:0,__e:null,__d:void 0,__c:null,__h:null,constructor:void 0,__v:null==u?++_:u};return null!=n.vnode&&n.vnode(l),l}function h(e){return e.children}function d(e,n){this.props=e,this.context=n;}function v(e,n){if(null==n)return e.__?v(e.__,e.__.__k.indexOf(e)+1):null;for(var _;n<e.__k.length;n++)if(null!=(_=e.__k[n])&&null!=_.__e)return _.__e;return "function"==typeof e.type?v(e):null}function y(e){var n,_;if(null!=(e=e.__)&&null!=e.__c){for(e.__e=e.__c.base=null,n=0;n<e.__k.length;n++)if(null!=(_=e.__k[n])&&null!=_.__e){e.__e=e.__c.base=_.__e;break}return y(e)}}function m(e){(!e.__d&&(e.__d=true)&&t.push(e)&&!g.__r++||r!==n.debounceRendering)&&((r=n.debounceRendering)||o)(g);}function g(){for(var e;g.__r=t.length;)e=t.sort(function(e,n){return e.__v.__b-n.__v.__b}),t=[],e.some(function(e){var n,_,t,o,r,u;e.__d&&(r=(o=(n=e).__v).__e,(u=n.__P)&&(_=[],(t=s({},o)).__v=o.__v+1,P(u,o,t,n.__n,void 0!==u.ownerSVGElement,null!=o.__h?[r]:null,_,null==r?v(o):r,o.__h),D(_,o),o.__e!=r&&y(o)));});}function k(e,n,_,t,o,r,u,c,s,f){var a,d,y,m,g,k,x,H=t&&t.__k||i,E=H.length;for(_.__k=[],a=0;a<n.length;a++)if(null!=(m=_.__k[a]=null==(m=n[a])||"boolean"==typeof m?null:"string"==typeof m||"number"==typeof m||"bigint"==typeof m?p(null,m,null,null,m):Array.isArray(m)?p(h,{children:m},null,null,null):m.__b>0?p(m.type,m.props,m.key,null,m.__v):m)){if(m.__=_,m.__b=_.__b+1,null===(y=H[a])||y&&m.key==y.key&&m.type===y.type)H[a]=void 0;else for(d=0;d<E;d++){if((y=H[d])&&m.key==y.key&&m.type===y.type){H[d]=void 0;break}y=null;}P(e,m,y=y||l,o,r,u,c,s,f),g=m.__e,(d=m.ref)&&y.ref!=d&&(x||(x=[]),y.ref&&x.push(y.ref,null,m),x.push(d,m.__c||g,m)),null!=g?(null==k&&(k=g),"function"==typeof m.type&&null!=m.__k&&m.__k===y.__k?m.__d=s=b(m,s,e):s=C(e,m,y,H,g,s),f||"option"!==_.type?"function"==typeof _.type&&(_.__d=s):e.value=""):s&&y.__e==s&&s.parentNode!=e&&(s=v(y));}for(_.__e=k,a=E;a--;)null!=H[a]&&("function"==typeof _.type&&null!=H[a].__e&&H[a].__e==_.__d&&(_.__d=v(t,a+1)),U(H[a],H[a]));if(x)for(a=0;a<x.length;a++)T(x[a],x[++a],x[++a]);}function b(e,n,_){var t,o;for(t=0;t<e.__k.length;t++)(o=e.__k[t])&&(o.__=e,n="function"==typeof o.type?b(o,n,_):C(_,o,o,e.__k,o.__e,n));return n}function C(e,n,_,t,o,r){var u,l,i;if(void 0!==n.__d)u=n.__d,n.__d=void 0;else if(null==_||o!=r||null==o.parentNode)e:if(null==r||r.parentNode!==e)e.appendChild(o),u=null;else {for(l=r,i=0;(l=l.nextSibling)&&i<t.length;i+=2)if(l==o)break e;e.insertBefore(o,r),u=r;}return void 0!==u?u:o.nextSibling}function x(e,n,_){"-"===n[0]?e.setProperty(n,_):e[n]=null==_?"":"number"!=typeof _||c.test(n)?_:_+"px";}function H(e,n,_,t,o){var r;e:if("style"===n)if("string"==typeof _)e.style.cssText=_;else {if("string"==typeof t&&(e.style.cssText=t=""),t)for(n in t)_&&n in _||x(e.style,n,"");if(_)for(n in _)t&&_[n]===t[n]||x(e.style,n,_[n]);}else if("o"===n[0]&&"n"===n[1])r=n!==(n=n.replace(/Capture$/,"")),n=n.toLowerCase()in e?n.toLowerCase().slice(2):n.slice(2),e.l||(e.l={}),e.l[n+r]=_,_?t||e.addEventListener(n,r?S:E,r):e.removeEventListener(n,r?S:E,r);else if("dangerouslySetInnerHTML"!==n){if(o)n=n.replace(/xlink[H:h]/,"h").replace(/sName$/,"s");else if("href"!==n&&"list"!==n&&"form"!==n&&"tabIndex"!==n&&"download"!==n&&n in e)try{e[n]=null==_?"":_;break e}catch(e){}"function"==typeof _||(null!=_&&(false!==_||"a"===n[0]&&"r"===n[1])?e.setAttribute(n,_):e.removeAttribute(n));}}function E(e){this.l[e.type+false](n.event?n.event(e):e);}function S(e){this.l[e.type+true](n.event?n.event(e):e);}function P(e,_,t,o,r,u,l,i,c){var f,a,p,v,y,m,g,b,C,x,H,E=_.type;if(void 0!==_.constructor)return null;null!=t.__h&&(c=t.__h,i=_.__e=t.__e,_.__h=null,u=[i]),(f=n.__b)&&f(_);try{e:if("function"==typeof E){if(b=_.props,C=(f=E.contextType)&&o[f.__c],x=f?C?C.props.value:f.__:o,t.__c?g=(a=_.__c=t.__c).__=a.__E:("prototype"in E&&E.prototype.render?_.__c=a=new E(b,x):(_.__c=a=new d(b,x),a.constructor=E,a.render=A),C&&C.sub(a),a.props=b,a.state||(a.state={}),a.context=x,a.__n=o,p=a.__d=!0,a.__h=[]),null==a.__s&&(a.__s=a.state),null!=E.getDerivedStateFromProps&&(a.__s==a.state&&(a.__s=s({},a.__s)),s(a.__s,E.getDerivedStateFromProps(b,a.__s))),v=a.props,y=a.state,p)null==E.getDerivedStateFromProps&&null!=a.componentWillMount&&a.componentWillMount(),null!=a.componentDidMount&&a.__h.push(a.componentDidMount);else {if(null==E.getDerivedStateFromProps&&b!==v&&null!=a.componentWillReceiveProps&&a.componentWillReceiveProps(b,x),!a.__e&&null!=a.shouldComponentUpdate&&!1===a.shouldComponentUpdate(b,a.__s,x)||_.__v===t.__v){a.props=b,a.state=a.__s,_.__v!==t.__v&&(a.__d=!1),a.__v=_,_.__e=t.__e,_.__k=t.__k,_.__k.forEach(function(e){e&&(e.__=_);}),a.__h.length&&l.push(a);break e}null!=a.componentWillUpdate&&a.componentWillUpdate(b,a.__s,x),null!=a.componentDidUpdate&&a.__h.push(function(){a.componentDidUpdate(v,y,m);});}a.context=x,a.props=b,a.state=a.__s,(f=n.__r)&&f(_),a.__d=!1,a.__v=_,a.__P=e,f=a.render(a.props,a.state,a.context),a.state=a.__s,null!=a.getChildContext&&(o=s(s({},o),a.getChildContext())),p||null==a.getSnapshotBeforeUpdate||(m=a.getSnapshotBeforeUpdate(v,y)),H=null!=f&&f.type===h&&null==f.key?f.props.children:f,k(e,Array.isArray(H)?H:[H],_,t,o,r,u,l,i,c),a.base=_.__e,_.__h=null,a.__h.length&&l.push(a),g&&(a.__E=a.__=null),a.__e=!1;}else null==u&&_.__v===t.__v?(_.__k=t.__k,_.__e=t.__e):_.__e=w(t.__e,_,t,o,r,u,l,c);(f=n.diffed)&&f(_);}catch(e){_.__v=null,(c||null!=u)&&(_.__e=i,_.__h=!!c,u[u.indexOf(i)]=null),n.__e(e,_,t);}}function D(e,_){n.__c&&n.__c(_,e),e.some(function(_){try{e=_.__h,_.__h=[],e.some(function(e){e.call(_);});}catch(e){n.__e(e,_.__v);}});}function w(n,_,t,o,r,u,i,c){var s,a,p,h=t.props,d=_.props,y=_.type,m=0;if("svg"===y&&(r=true),null!=u)for(;m<u.length;m++)if((s=u[m])&&(s===n||(y?s.localName==y:3==s.nodeType))){n=s,u[m]=null;break}if(null==n){if(null===y)return document.createTextNode(d);n=r?document.createElementNS("http://www.w3.org/2000/svg",y):document.createElement(y,d.is&&d),u=null,c=false;}if(null===y)h===d||c&&n.data===d||(n.data=d);else {if(u=u&&e.call(n.childNodes),a=(h=t.props||l).dangerouslySetInnerHTML,p=d.dangerouslySetInnerHTML,!c){if(null!=u)for(h={},m=0;m<n.attributes.length;m++)h[n.attributes[m].name]=n.attributes[m].value;(p||a)&&(p&&(a&&p.__html==a.__html||p.__html===n.innerHTML)||(n.innerHTML=p&&p.__html||""));}if(function(e,n,_,t,o){var r;for(r in _)"children"===r||"key"===r||r in n||H(e,r,null,_[r],t);for(r in n)o&&"function"!=typeof n[r]||"children"===r||"key"===r||"value"===r||"checked"===r||_[r]===n[r]||H(e,r,n[r],_[r],t);}(n,d,h,r,c),p)_.__k=[];else if(m=_.props.children,k(n,Array.isArray(m)?m:[m],_,t,o,r&&"foreignObject"!==y,u,i,u?u[0]:t.__k&&v(t,0),c),null!=u)for(m=u.length;m--;)null!=u[m]&&f(u[m]);c||("value"in d&&void 0!==(m=d.value)&&(m!==n.value||"progress"===y&&!m)&&H(n,"value",m,h.value,false),"checked"in d&&void 0!==(m=d.checked)&&m!==n.checked&&H(n,"checked",m,h.checked,false));}return n}function T(e,_,t){try{"function"==typeof e?e(_):e.current=_;}catch(e){n.__e(e,t);}}function U(e,_,t){var o,r;if(n.unmount&&n.unmount(e),(o=e.ref)&&(o.current&&o.current!==e.__e||T(o,null,_)),null!=(o=e.__c)){if(o.componentWillUnmount)try{o.componentWillUnmount();}catch(e){n.__e(e,_);}o.base=o.__P=null;}if(o=e.__k)for(r=0;r<o.length;r++)o[r]&&U(o[r],_,"function"!=typeof e.type);t||null==e.__e||f(e.__e),e.__e=e.__d=void 0;}function A(e,n,_){return this.constructor(e,_)}function M(_,t,o){var r,u,i;n.__&&n.__(_,t),u=(r="function"=="undefined")?null:t.__k,i=[],P(t,_=(t).__k=a(h,null,[_]),u||l,l,void 0!==t.ownerSVGElement,u?null:t.firstChild?e.call(t.childNodes):null,i,u?u.__e:t.firstChild,r),D(i,_);}e=i.slice,n={__e:function(e,n){for(var _,t,o;n=n.__;)if((_=n.__c)&&!_.__)try{if((t=_.constructor)&&null!=t.getDerivedStateFromError&&(_.setState(t.getDerivedStateFromError(e)),o=_.__d),null!=_.componentDidCatch&&(_.componentDidCatch(e),o=_.__d),o)return _.__E=_}catch(n){e=n;}throw e}},_=0,d.prototype.setState=function(e,n){var _;_=null!=this.__s&&this.__s!==this.state?this.__s:this.__s=s({},this.state),"function"==typeof e&&(e=e(s({},_),this.props)),e&&s(_,e),null!=e&&this.__v&&(n&&this.__h.push(n),m(this));},d.prototype.forceUpdate=function(e){this.__v&&(this.__e=true,e&&this.__h.push(e),m(this));},d.prototype.render=h,t=[],o="function"==typeof Promise?Promise.prototype.then.bind(Promise.resolve()):setTimeout,g.__r=0;var L,N,W,R=0,I=[],O=n.__b,V=n.__r,q=n.diffed,B=n.__c,$=n.unmount;function j(e,_){n.__h&&n.__h(N,e,R||_),R=0;var t=N.__H||(N.__H={__:[],__h:[]});return e>=t.__.length&&t.__.push({}),t.__[e]}function G(e){return R=1,z(ie,e)}function z(e,n,_){var t=j(L++,2);return t.t=e,t.__c||(t.__=[ie(void 0,n),function(e){var n=t.t(t.__[0],e);t.__[0]!==n&&(t.__=[n,t.__[1]],t.__c.setState({}));}],t.__c=N),t.__}function J(e,_){var t=j(L++,3);!n.__s&&le(t.__H,_)&&(t.__=e,t.__H=_,N.__H.__h.push(t));}function K(e,_){var t=j(L++,4);!n.__s&&le(t.__H,_)&&(t.__=e,t.__H=_,N.__h.push(t));}function Q(e){return R=5,Y(function(){return {current:e}},[])}function Y(e,n){var _=j(L++,7);return le(_.__H,n)&&(_.__=e(),_.__H=n,_.__h=e),_.__}function Z(e,n){return R=8,Y(function(){return e},n)}function _e(e){var n=j(L++,10),_=G();return n.__=e,N.componentDidCatch||(N.componentDidCatch=function(e){n.__&&n.__(e),_[1](e);}),[_[0],function(){_[1](void 0);}]}function te(){I.forEach(function(e){if(e.__P)try{e.__H.__h.forEach(re),e.__H.__h.forEach(ue),e.__H.__h=[];}catch(_){e.__H.__h=[],n.__e(_,e.__v);}}),I=[];}n.__b=function(e){N=null,O&&O(e);},n.__r=function(e){V&&V(e),L=0;var n=(N=e.__c).__H;n&&(n.__h.forEach(re),n.__h.forEach(ue),n.__h=[]);},n.diffed=function(e){q&&q(e);var _=e.__c;_&&_.__H&&_.__H.__h.length&&(1!==I.push(_)&&W===n.requestAnimationFrame||((W=n.requestAnimationFrame)||function(e){var n,_=function(){clearTimeout(t),oe&&cancelAnimationFrame(n),setTimeout(e);},t=setTimeout(_,100);oe&&(n=requestAnimationFrame(_));})(te)),N=void 0;},n.__c=function(e,_){_.some(function(e){try{e.__h.forEach(re),e.__h=e.__h.filter(function(e){return !e.__||ue(e)});}catch(t){_.some(function(e){e.__h&&(e.__h=[]);}),_=[],n.__e(t,e.__v);}}),B&&B(e,_);},n.unmount=function(e){$&&$(e);var _=e.__c;if(_&&_.__H)try{_.__H.__.forEach(re);}catch(e){n.__e(e,_.__v);}};var oe="function"==typeof requestAnimationFrame;function re(e){var n=N;"function"==typeof e.__c&&e.__c(),N=n;}function ue(e){var n=N;e.__c=e.__(),N=n;}function le(e,n){return !e||e.length!==n.length||n.some(function(n,_){return n!==e[_]})}function ie(e,n){return "function"==typeof n?n(e):n}var ce=function(e,n,_,t){var o;n[0]=0;for(var r=1;r<n.length;r++){var u=n[r++],l=n[r]?(n[0]|=u?1:2,_[n[r++]]):n[++r];3===u?t[0]=l:4===u?t[1]=Object.assign(t[1]||{},l):5===u?(t[1]=t[1]||{})[n[++r]]=l:6===u?t[1][n[++r]]+=l+"":u?(o=e.apply(l,ce(e,l,_,["",null])),t.push(o),l[0]?n[0]|=2:(n[r-2]=0,n[r]=o)):t.push(l);}return t},se=new Map,fe=function(e){var n=se.get(this);return n||(n=new Map,se.set(this,n)),(n=ce(this,n.get(e)||(n.set(e,n=function(e){for(var n,_,t=1,o="",r="",u=[0],l=function(e){1===t&&(e||(o=o.replace(/^\s*\n\s*|\s*\n\s*$/g,"")))?u.push(0,e,o):3===t&&(e||o)?(u.push(3,e,o),t=2):2===t&&"..."===o&&e?u.push(4,e,0):2===t&&o&&!e?u.push(5,0,true,o):t>=5&&((o||!e&&5===t)&&(u.push(t,0,o,_),t=6),e&&(u.push(t,e,0,_),t=6)),o="";},i=0;i<e.length;i++){i&&(1===t&&l(),l(i));for(var c=0;c<e[i].length;c++)n=e[i][c],1===t?"<"===n?(l(),u=[u],t=3):o+=n:4===t?"--"===o&&">"===n?(t=1,o=""):o=n+o[0]:r?n===r?r="":o+=n:'"'===n||"'"===n?r=n:">"===n?(l(),t=1):t&&("="===n?(t=5,_=o,o=""):"/"===n&&(t<5||">"===e[i][c+1])?(l(),3===t&&(u=u[0]),t=u,(u=u[0]).push(2,0,t),t=0):" "===n||"\t"===n||"\n"===n||"\r"===n?(l(),t=2):o+=n),3===t&&"!--"===o&&(t=4,u=u[0]);}return l(),u}(e)),n),arguments,[])).length>1?n:n[0]}.bind(a);

// Where the page's files are, and whether it is still the one that the service has.
// Never in here: what is shown then.

/** The folder of the page's files. All modules that are served are in one folder of it: `make page` joins them. */
const FILES = new URL("..", import.meta.url);

const VERSION = FILES.pathname.split("/").at(-2);

/** The service has another page by now: it was updated since this one was opened. False when it does not answer. */
const isOutdated = async () => {
  try {
    const response = await fetch("/", { cache: "no-store" });
    return response.ok && !(await response.text()).includes(`/page/${VERSION}/`);
  } catch {
    return false;
  }
};

// What views are written with: Preact and htm, and what ties stores and style sheets to them.
// Never in here: what is shown.


const itself = (value) => value;

/** What `select` takes of a store; the view is drawn anew when that becomes another value (`Object.is`). */
const useStore = (store, select = itself) => {
  const selected = select(store.get());
  const [, drawAnew] = G(0);
  const shown = Q();
  shown.current = { selected, select };
  K(() => {
    const look = () => {
      const { selected: before, select: latest } = shown.current;
      if (!Object.is(latest(store.get()), before)) drawAnew((count) => count + 1);
    };
    look();
    return store.subscribe(look);
  }, [store]);
  return selected;
};

/**
 * What a request answers: `{data, problem, loading, reload}`. `load(signal)` runs when a value of `inputs` changes;
 * what was there stays until the new answer is there, and a request that is not needed any more is ended.
 */
const useAnswer = (load, inputs) => {
  const [state, setState] = G({ data: null, problem: null, loading: true });
  const [round, setRound] = G(0);
  J(() => {
    const ended = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(ended.signal).then(
      (data) => !ended.signal.aborted && setState({ data, problem: null, loading: false }),
      (problem) => !ended.signal.aborted && setState((before) => ({ ...before, problem, loading: false })),
    );
    return () => ended.abort();
  }, [...inputs, round]);
  const reload = Z(() => setRound((count) => count + 1), []);
  return { ...state, reload };
};

const styles = new Map();

/** Links style/NAME.css once; the promise is kept when it is there, or cannot be had. */
const loadStyle = (name) => {
  if (!styles.has(name)) styles.set(name, linked(new URL(`style/${name}.css`, FILES)));
  return styles.get(name);
};

const linked = (address) => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address.href;
  const loaded = new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve;
  });
  document.head.append(link);
  return loaded;
};

/** For a part with a style sheet of its own; those of views are linked by app.js. */
const useStyle = (name) => {
  K(() => void loadStyle(name), [name]);
};

// Keys that work everywhere in the page.
// Promises: never while someone types, and never with a modifier that the browser or the system has plans for.
// Never in here: keys of single views (those listen themselves, by `useKeys`).


const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog[open]") !== null;
const SEQUENCE_MS = 1500;

/** Calls `keys["g q"]` or `keys["/"]` when these are typed; a handler that returns false leaves the key alone. */
const useKeys = (keys) => {
  J(() => {
    let first = null;
    let firstAt = 0;
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const isSecond = first !== null && event.timeStamp - firstAt < SEQUENCE_MS;
      const handler = (isSecond && keys[`${first} ${event.key}`]) || keys[event.key];
      first = isSecond ? null : event.key;
      firstAt = event.timeStamp;
      if (handler && handler(event) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
};

// What becomes of the connection that brings what changes: pure decisions for live.js.
// Never in here: DOM, EventSource, clocks.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;

/** How long to wait before the next try, in ms: doubled each time. `chance` in 0..1 spreads many pages. */
const waitMs = (tries, chance) => {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10));
  return Math.round(whole * (0.75 + chance / 4));
};

const begun = {
  state: "connecting",
  since: null,
  heardAt: null,
  queue: null,
  encodes: [],
};

/** What the page knows after an event; `at` is the time in ms. */
const after = (known, event, at) => {
  switch (event.kind) {
    case "open":
      return { ...known, state: "live", since: null, heardAt: at };
    case "lost":
      return known.state === "lost" ? known : { ...known, state: "lost", since: known.heardAt ?? at };
    case "live":
      return { ...heard(known, at), encodes: event.data.encodes };
    case "queue":
      return { ...heard(known, at), queue: event.data };
    default:
      return heard(known, at);
  }
};

const heard = (known, at) => ({ ...known, heardAt: at });

/**
 * Whether a connection that looks open is dead: the service says something at least every `beatMs`, once it has begun
 * to.
 */
const isSilent = (known, at, beatMs) =>
  known.state === "live" && beatMs !== null && at - known.heardAt > 2.5 * beatMs;

// What changes, as it changes: the one event stream of this tab.
// Promises: a stream that ends is opened again, sooner when the device is back; who listens at `onReset` is told
// whenever something may have been missed; a tab that nobody sees gives its connection back (a browser has six for a
// server).
// Never in here: what is shown; lists of tasks (those who show them keep them).


const ADDRESS = "/api/v1/events";
/** As the service sends `alive` when it has nothing else to say. */
const BEAT_MS = 20_000;
const HIDDEN_FOR_MS = 60_000;
const OPENING_MS = 500;

const known = createStore(begun);
const signals = {
  task: createSignal(),
  removed: createSignal(),
  reset: createSignal(),
  uploads: createSignal(),
  settings: createSignal(),
};

let source = null;
let tries = 0;
let timer = null;
let hiddenTimer = null;
let hasBeat = false;
/** The next stream has no memory of the one before. */
let mayHaveMissed = false;
/** Kept when the first stream is open, or takes too long for those who wait for it. */
let opened = Promise.resolve();
let tellOpened = () => {};

const tell = (event) => known.update((before) => after(before, event, Date.now()));

const close = () => {
  clearTimeout(timer);
  source?.close();
  if (source) mayHaveMissed = true;
  source = null;
};

const tryAgain = () => {
  close();
  tell({ kind: "lost" });
  timer = setTimeout(open, waitMs(tries, Math.random()));
  tries += 1;
};

const listen = (stream, kind, use) =>
  stream.addEventListener(kind, (message) => {
    const data = JSON.parse(message.data);
    tell({ kind, data });
    use?.(data);
  });

const askForLogin = async () => {
  try {
    const { me } = await api.get("/login-options");
    if (!me) loggedOut.tell();
  } catch {
    // Nobody answers: that is told already.
  }
};

const open = () => {
  close();
  const stream = new EventSource(ADDRESS);
  source = stream;
  stream.addEventListener("open", () => {
    tries = 0;
    tell({ kind: "open" });
    if (mayHaveMissed) signals.reset.tell();
    mayHaveMissed = false;
    tellOpened();
  });
  stream.addEventListener("error", () => {
    if (source !== stream) return;
    // The browser tries again by itself, with the id of what came last, unless it was refused.
    if (stream.readyState !== EventSource.CLOSED) return tell({ kind: "lost" });
    tryAgain();
    // Why it was refused cannot be seen.
    askForLogin();
  });
  listen(stream, "live");
  listen(stream, "queue");
  listen(stream, "task", signals.task.tell);
  listen(stream, "removed", ({ id }) => signals.removed.tell(id));
  listen(stream, "reset", () => signals.reset.tell());
  listen(stream, "uploads", signals.uploads.tell);
  listen(stream, "settings", signals.settings.tell);
  listen(stream, "alive", () => {
    hasBeat = true;
  });
};

const openIfNot = () => {
  if (source?.readyState === EventSource.OPEN && !isSilent(known.get(), Date.now(), hasBeat ? BEAT_MS : null)) return;
  tries = 0;
  open();
};

const visibilityChanged = () => {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === "visible") openIfNot();
  else hiddenTimer = setTimeout(close, HIDDEN_FOR_MS);
};

let watchTimer = null;

const start = (queue) => {
  if (source) return;
  if (queue) tell({ kind: "queue", data: queue });
  window.addEventListener("online", openIfNot);
  window.addEventListener("offline", tryAgain);
  document.addEventListener("visibilitychange", visibilityChanged);
  watchTimer = setInterval(() => {
    if (isSilent(known.get(), Date.now(), hasBeat ? BEAT_MS : null)) tryAgain();
  }, BEAT_MS / 4);
  opened = new Promise((resolve) => {
    tellOpened = resolve;
    setTimeout(() => {
      if (known.get().state !== "live") mayHaveMissed = true;
      resolve();
    }, OPENING_MS);
  });
  open();
};

const stop = () => {
  window.removeEventListener("online", openIfNot);
  window.removeEventListener("offline", tryAgain);
  document.removeEventListener("visibilitychange", visibilityChanged);
  clearInterval(watchTimer);
  clearTimeout(hiddenTimer);
  close();
  mayHaveMissed = false;
  known.set(begun);
};

/**
 * The store of what is known: `{state: "connecting"|"live"|"lost", since, queue, encodes}` (`since`: ms, when it was
 * last live; `queue` as of GET /queue; `encodes` [{id, frozen, progress}]), and who wants to hear of changes; each
 * `on…` answers with what ends it.
 */
const live = {
  ...known,
  start,
  stop,
  /** A list that is read after this promise, and kept by what follows, misses nothing. */
  opened: () => opened,
  /** Another try at once. */
  tryNow: openIfNot,
  /** `fn(task)`: as it is now. */
  onTask: signals.task.listen,
  /** `fn(id)`: it has left the queue for an archive. */
  onRemoved: signals.removed.listen,
  /** `fn()`: read lists anew. */
  onReset: signals.reset.listen,
  /** `fn(upload)` */
  onUploads: signals.uploads.listen,
  /** `fn(about)` */
  onSettings: signals.settings.listen,
};

// The few pictures of the page: 20 px, a line of 1.5 px, in the colour of the text around.
// Promises: they are hidden from screen readers; a text or a label says what they mean.
// Never in here: meaning without a name.


const PATHS = {
  now: "M2.5 10h3l2-5.5 4 11 2.5-5.5h3.5",
  queue: "M3 5h14M3 10h14M3 15h9",
  history: "M4 4v4h4M4.3 8A6.5 6.5 0 1 1 3.6 11.5M10 6.5V10l2.5 2",
  add: "M10 13V3.5M6 7.5l4-4 4 4M3.5 13v3.5h13V13",
  settings: "M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4",
  user: "M10 10a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5ZM3.5 17c.8-3.2 3.4-4.5 6.5-4.5s5.7 1.3 6.5 4.5",
  logout: "M12 3.5h4.5v13H12M8.5 6.5 5 10l3.5 3.5M5 10h8",
  help: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 7.8c.2-2.7 4.6-2.6 4.5.1 0 1.6-2.2 1.8-2.3 3.4M10 14v.3",
  pause: "M6.5 4.5v11M13.5 4.5v11",
  play: "M6 4v12l9.5-6L6 4Z",
  freeze: "M10 2.5v15M3.5 6.2l13 7.6M16.5 6.2l-13 7.6M8 3.5l2 2 2-2M8 16.5l2-2 2 2",
  cancel: "M5 5l10 10M15 5 5 15",
  retry: "M16 4v4h-4M15.7 8A6.5 6.5 0 1 0 16.4 11.5",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  up: "M5 12l5-5 5 5",
  down: "M5 8l5 5 5-5",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  top: "M4 4h12M10 16V7M6 11l4-4 4 4",
  bottom: "M4 16h12M10 4v9M6 9l4 4 4-4",
  search: "M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM13.5 13.5l4 4",
  filter: "M3 5h14l-5.5 6v5l-3-1.5V11L3 5Z",
  sort: "M6 4v12M3 13l3 3 3-3M14 16V4M11 7l3-3 3 3",
  download: "M10 3.5V13M6 9l4 4 4-4M3.5 16.5h13",
  check: "M4 10.5 8 14.5 16 6",
  alert: "M10 3 2.5 16.5h15L10 3ZM10 8v4M10 14.3v.2",
  info: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 9v5M10 6.3v.2",
  film: "M3 4.5h14v11H3zM6.5 4.5v11M13.5 4.5v11M3 8h3.5M3 12h3.5M13.5 8H17M13.5 12H17",
  folder: "M2.5 5.5h5l1.5 2h8.5v8.5h-15z",
  file: "M5 2.5h6.5L15 6v11.5H5zM11 2.5V6.5h4",
  edit: "M4 16l.7-3L13 4.7l2.3 2.3L7 15.3 4 16Z",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11",
  copy: "M7 7h9.5v9.5H7zM4 13H3.5V3.5H13V4",
  grip: "M7.5 5h.01M7.5 10h.01M7.5 15h.01M12.5 5h.01M12.5 10h.01M12.5 15h.01",
  key: "M12.5 10.5a4 4 0 1 0-3.8-2.7L3 13.5V17h3v-2h2v-2h1.2l1.3-1.8a4 4 0 0 0 2 .3ZM13.5 6.5v.01",
  eye: "M2 10c3-6.5 13-6.5 16 0-3 6.5-13 6.5-16 0ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  sun:
    "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1" +
    "M14.6 14.6l1.1 1.1M15.7 4.3l-1.1 1.1M5.4 14.6l-1.1 1.1",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z",
  system: "M2.5 4h15v9.5h-15zM7 17h6M10 13.5V17",
  plus: "M10 4v12M4 10h12",
  bell: "M5 13.5V9a5 5 0 0 1 10 0v4.5l1 1.5H4l1-1.5ZM8.5 17.5h3",
  external: "M11.5 3.5h5v5M16.5 3.5 9.5 10.5M14 12v4.5H3.5V6H8",
};

/** Made of dots, which a thin line would not show. */
const DOTTED = ["more", "grip"];

/** A picture by its name in ICONS; `size` in px. */
const Icon = ({ name, size = 20 }) => fe`
  <svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" fill="none" stroke="currentColor"
    stroke-width=${DOTTED.includes(name) ? 2.5 : 1.5} stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>
`;

// Where one is in the page, and how to go elsewhere.
// Promises: the address bar, Back and Forward, and new tabs work as they do everywhere.
// Never in here: which view is where (app.js).


const here = (isNew) => ({ ...parse$1(location.pathname + location.search), isNew });

// A page that was just opened leaves the focus where the browser has it.
const route = createStore(here(false));
window.addEventListener("popstate", () => route.set(here(true)));

/**
 * Goes to an address of the page, as `/queue?status=failed`. `replace`: Back does not come to where one is now.
 * `stay`: it is the same place in another state (a filter), so focus and scroll position stay.
 */
const go = (address, { replace = false, stay = false } = {}) => {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route.set(here(!stay));
  if (!stay) window.scrollTo(0, 0);
};

/** Changes parts of the query, as a filter does; null takes one away. */
const goWith = (query, { replace = true } = {}) => {
  const { path, query: before } = route.get();
  go(join(path, { ...before, ...query }), { replace, stay: true });
};

/** `{path, query: {name: text}, isNew}`; `isNew`: one has come from another place of the page. */
const useRoute = () => useStore(route);

/** Where one is now. */
const currentRoute = () => route.get();

const isPlainClick = (event) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey && !event.defaultPrevented;

/** A link into the page; all else is handed to the `a`. */
const Link = ({ href, children, onClick, ...rest }) => {
  const follow = (event) => {
    onClick?.(event);
    if (!isPlainClick(event)) return;
    event.preventDefault();
    go(href);
  };
  return fe`<a href=${href} onClick=${follow} ...${rest}>${children}</a>`;
};

// Short messages: which are shown.
// Never in here: how they look and how long they stay (lib/parts/overlays.js).

let lastToast = 0;

/** `[{id, text, tone, undo}]`, the newest last. */
const toasts = createStore([]);

/** A short message. `tone`: "quiet" or "failed" (stays until closed). `undo`: what takes it back, may be a promise. */
const toast$1 = (text, { tone = "quiet", undo = null } = {}) => {
  lastToast += 1;
  const id = lastToast;
  // What is over gives way, so that messages of one move after the other do not pile up over what is moved.
  const kept = (one) => one.tone === "failed" && one.text !== text;
  toasts.update((shown) => [...shown.filter(kept), { id, text, tone, undo }].slice(-3));
  return id;
};

const closeToast = (id) => toasts.update((shown) => shown.filter((one) => one.id !== id));

// What people press, fill in and choose from.
// Promises: everything has a name for screen readers, and is reached by keys; what was pressed is shown as busy until
// it is done, and says when it failed.
// Never in here: requests.


/** Runs `handler`; while what it returns is not done, it is busy. A failure is shown as a toast. */
const useBusy = (handler) => {
  const [isBusy, setIsBusy] = G(false);
  const isThere = Q(true);
  J(
    () => () => {
      isThere.current = false;
    },
    [],
  );
  const run = async (event) => {
    if (isBusy) return event.preventDefault();
    const done = handler?.(event);
    if (typeof done?.then !== "function") return undefined;
    setIsBusy(true);
    try {
      await done;
    } catch (problem) {
      toast$1(sentence(problem.message), { tone: "failed" });
    }
    if (isThere.current) setIsBusy(false);
    return undefined;
  };
  return [isBusy, run];
};

/**
 * `tone`: "plain", "primary" (one on a page), "danger" or "quiet". `icon`: a name of icons.js. `href`: it is a link.
 * `onClick` may answer with a promise: the button is busy until that is done, and a failure is shown.
 */
const Button = ({ tone = "plain", icon, href, busy = false, onClick, class: more = "", children, ...rest }) => {
  const [isBusy, run] = useBusy(onClick);
  const content = fe`${icon && fe`<${Icon} name=${icon} />`}<span>${children}</span>`;
  if (href) return fe`<${Link} class="button ${tone} ${more}" href=${href} ...${rest}>${content}<//>`;
  const waits = busy || isBusy;
  return fe`
    <button type="button" class="button ${tone} ${more}" aria-busy=${waits} aria-disabled=${waits} onClick=${run}
      ...${rest}>
      ${content}
    </button>
  `;
};

/** A button that is a picture; `label` is its name. `tone`: "quiet" or "danger". */
const IconButton = ({ icon, label, tone = "quiet", onClick, class: more = "", ...rest }) => {
  const [isBusy, run] = useBusy(onClick);
  return fe`
    <button type="button" class="icon-button ${tone} ${more}" aria-label=${label} title=${label}
      aria-busy=${isBusy} aria-disabled=${isBusy} onClick=${run} ...${rest}>
      <${Icon} name=${icon} />
    </button>
  `;
};

let lastId = 0;
/** A name for an element that another one points at. */
const useId = () => {
  const id = Q(null);
  if (id.current === null) {
    lastId += 1;
    id.current = `field-${lastId}`;
  }
  return id.current;
};

/**
 * A line to fill in, with its name above. `hint` stands below, `error` in its place. All else is handed to the input
 * (`type`, `value`, `onInput`, `autocomplete`, …); `multiline`: a textarea. `children(props)`: another control, which
 * takes these props.
 */
const Field = ({ label, hint, error, multiline = false, children, class: more = "", ...rest }) => {
  const id = useId();
  const props = {
    id,
    "aria-describedby": hint || error ? `${id}-hint` : undefined,
    "aria-invalid": Boolean(error),
    ...rest,
  };
  const control = () => {
    if (typeof children === "function") return children(props);
    if (multiline) return fe`<textarea class="input" ...${props}></textarea>`;
    return fe`<input class="input" ...${props} />`;
  };
  return fe`
    <div class="field ${more}">
      <label for=${id}>${label}</label>
      ${control()}
      ${(error || hint) && fe`<p id="${id}-hint" class=${error ? "field-error" : "field-hint"}>${error || hint}</p>`}
    </div>
  `;
};

/** `options`: [{value, text}]. `label` is shown above, or only told when `bare`. */
const Select = ({ label, options, value, onChange, bare = false, hint, error, ...rest }) => {
  const select = (props) => fe`
    <select class="input" value=${value} onChange=${(event) => onChange(event.currentTarget.value)} ...${props}>
      ${options.map((option) => fe`<option key=${option.value} value=${option.value}>${option.text}</option>`)}
    </select>
  `;
  if (bare) return select({ "aria-label": label, ...rest });
  return fe`<${Field} label=${label} hint=${hint} error=${error} ...${rest}>${select}<//>`;
};

/** A box to tick. `onChange(isChecked)`. `bare`: its name is only told. `mixed`: some of many are ticked. */
const Check = ({ label, checked, onChange, bare = false, mixed = false, ...rest }) => {
  const input = Q(null);
  J(() => {
    input.current.indeterminate = mixed;
  }, [mixed]);
  const box = fe`
    <input ref=${input} type="checkbox" checked=${checked} aria-label=${bare ? label : undefined}
      onChange=${(event) => onChange(event.currentTarget.checked)} ...${rest} />
  `;
  return fe`<label class="check">${box}${!bare && fe`<span>${label}</span>`}</label>`;
};

/** Something that is on or off at once. `onChange(isOn)`. */
const Switch = ({ label, checked, onChange, ...rest }) => fe`
  <label class="check switch">
    <input type="checkbox" role="switch" checked=${checked}
      onChange=${(event) => onChange(event.currentTarget.checked)} ...${rest} />
    <span>${label}</span>
  </label>
`;

/** Places beside each other. `tabs`: [{href, text, count}]; `current`: the href of the one that is shown. */
const Tabs = ({ label, tabs, current }) => fe`
  <nav class="tabs" aria-label=${label}>
    ${tabs.map(
      (tab) => fe`
      <${Link} key=${tab.href} class="tab" href=${tab.href} aria-current=${tab.href === current ? "page" : undefined}>
        ${tab.text}${tab.count !== undefined && fe`<span class="tab-count">${tab.count}</span>`}
      <//>
    `,
    )}
  </nav>
`;

// What comes over the page: dialogs, menus, and short messages.
// Promises: Escape closes; focus goes in, stays in, and comes back to where it was; messages are told politely.
// Never in here: what is done by them.


/**
 * A dialog while `open`. No Menu inside: menus are below dialogs. `actions`: its buttons; `wide`: for tables and forms
 * of two columns.
 */
const Dialog = ({ title, open, onClose, actions, wide = false, children }) => {
  const dialog = Q(null);
  const id = useId();
  K(() => {
    if (!open) return undefined;
    const from = document.activeElement;
    dialog.current.showModal();
    return () => from?.focus?.({ preventScroll: true });
  }, [open]);
  const clicked = (event) => event.target === dialog.current && onClose();
  const cancelled = (event) => {
    event.preventDefault();
    onClose();
  };
  if (!open) return null;
  return fe`
    <dialog ref=${dialog} class=${wide ? "wide" : ""} aria-labelledby="${id}-title"
      onCancel=${cancelled} onMouseDown=${clicked}>
      <div class="dialog">
        <header>
          <h2 id="${id}-title">${title}</h2>
          <${IconButton} icon="cancel" label="Close" onClick=${() => onClose()} />
        </header>
        <div class="dialog-body">${children}</div>
        ${actions && fe`<footer>${actions}</footer>`}
      </div>
    </dialog>
  `;
};

const question = createStore(null);

/** Asks before something that cannot be undone; true: yes. `action` is the button's text, as "Cancel 12 tasks". */
const confirm = ({ title, text, action, tone = "danger" }) =>
  new Promise((resolve) => question.set({ title, text, action, tone, resolve }));

/** Where `confirm` asks; app.js has the one. */
const Confirmation = () => {
  const asked = useStore(question);
  const answer = (isYes) => {
    question.set(null);
    asked.resolve(isYes);
  };
  if (!asked) return null;
  const actions = fe`
    <${Button} onClick=${() => answer(false)}>Keep as it is<//>
    <${Button} tone=${asked.tone} class="filled" onClick=${() => answer(true)}>${asked.action}<//>
  `;
  return fe`
    <${Dialog} open title=${asked.title} onClose=${() => answer(false)} actions=${actions}><p>${asked.text}</p><//>
  `;
};

const menu = createStore(null);
const EDGE_PX = 8;

/**
 * Opens a menu at an element or at the place of a pointer's event. `items`: [{text, icon, onSelect, tone, disabled,
 * hint} or null for a line]. `onSelect` may answer with a promise; its failure is shown.
 */
const openMenu = (where, items) => {
  const isEvent = where instanceof Event;
  const element = isEvent ? (where.currentTarget ?? where.target) : where;
  const box = element.getBoundingClientRect();
  const isPointer = isEvent && where.type === "contextmenu" && (where.clientX > 0 || where.clientY > 0);
  const at = isPointer
    ? { x: where.clientX, y: where.clientY, top: where.clientY }
    : { x: box.left, y: box.bottom, top: box.top };
  if (isEvent) where.preventDefault();
  menu.set({ at, items: items.filter((item) => item !== false && item !== undefined), from: document.activeElement });
};

/** A button with a menu. `icon` and `label`, or `children` as its text. `items`: a list, or what answers with one. */
const Menu = ({ label, icon = "more", items, tone = "quiet", children, ...rest }) => {
  const open = (event) => openMenu(event.currentTarget, typeof items === "function" ? items() : items);
  if (children)
    return fe`<${Button} tone=${tone} icon=${icon} aria-haspopup="menu" onClick=${open} ...${rest}>${children}<//>`;
  return fe`<${IconButton} icon=${icon} label=${label} aria-haspopup="menu" onClick=${open} ...${rest} />`;
};

/** Where menus are; Toasts brings it along. */
const OpenMenu = () => {
  const opened = useStore(menu);
  const list = Q(null);
  K(() => {
    if (!opened) return undefined;
    const { width, height } = list.current.getBoundingClientRect();
    const { x, y, top } = opened.at;
    const fitsBelow = y + height + EDGE_PX <= innerHeight;
    list.current.style.left = `${Math.max(EDGE_PX, Math.min(x, innerWidth - width - EDGE_PX))}px`;
    list.current.style.top = `${Math.max(EDGE_PX, fitsBelow ? y : Math.min(top, innerHeight - EDGE_PX) - height)}px`;
    list.current.querySelector("button:not(:disabled)")?.focus();
    const close = () => menu.set(null);
    window.addEventListener("resize", close);
    window.addEventListener("popstate", close);
    return () => {
      window.removeEventListener("resize", close);
      window.removeEventListener("popstate", close);
    };
  }, [opened]);
  if (!opened) return null;
  const close = () => {
    menu.set(null);
    opened.from?.focus?.({ preventScroll: true });
  };
  const select = async (item) => {
    close();
    try {
      await item.onSelect();
    } catch (problem) {
      toast(sentence(problem.message), { tone: "failed" });
    }
  };
  const press = (event) => {
    const buttons = [...list.current.querySelectorAll("button:not(:disabled)")];
    const index = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else {
      const key = event.key.toLowerCase();
      const fitting = (button) => button.textContent.trim().toLowerCase().startsWith(key);
      const next = key.length === 1 && [...buttons.slice(index + 1), ...buttons].find(fitting);
      if (!next) return;
      next.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const outside = (event) => event.target === event.currentTarget && close();
  return fe`
    <div class="menu-layer" onMouseDown=${outside} onContextMenu=${(event) => {
      event.preventDefault();
      close();
    }}>
      <div class="menu" role="menu" ref=${list} onKeyDown=${press}>
        ${opened.items.map((item, index) =>
          item === null
            ? fe`<hr key=${index} />`
            : fe`
            <button key=${index} type="button" role="menuitem" class=${item.tone ?? ""} disabled=${item.disabled}
              onClick=${() => select(item)}>
              ${item.icon ? fe`<${Icon} name=${item.icon} />` : fe`<span class="menu-blank"></span>`}
              <span>${item.text}</span>${item.hint && fe`<kbd>${item.hint}</kbd>`}
            </button>
          `,
        )}
      </div>
    </div>
  `;
};

const TOAST_MS = 6000;

const Toast = ({ id, text, tone, undo }) => {
  const timer = Q(null);
  const wait = () => {
    clearTimeout(timer.current);
    if (tone !== "failed") timer.current = setTimeout(() => closeToast(id), TOAST_MS);
  };
  J(() => {
    wait();
    return () => clearTimeout(timer.current);
  }, [id]);
  const hold = () => clearTimeout(timer.current);
  const takeBack = async () => {
    await undo();
    closeToast(id);
  };
  return fe`
    <div class="toast ${tone}" onMouseEnter=${hold} onMouseLeave=${wait} onfocusin=${hold} onfocusout=${wait}>
      <span>${text}</span>
      ${undo && fe`<${Button} tone="quiet" onClick=${takeBack}>Undo<//>`}
      <${IconButton} icon="cancel" label="Close the message" onClick=${() => closeToast(id)} />
    </div>
  `;
};

/** Where messages and menus are; app.js has the one. A new message comes above a dialog that is open. */
const Toasts = () => {
  const shown = useStore(toasts);
  const list = Q(null);
  // After the paint: it makes the browser count all styles anew.
  J(() => {
    const { current } = list;
    // Browsers of 2023 that have no popovers show messages below dialogs.
    if (!current.showPopover) return;
    if (current.matches(":popover-open")) current.hidePopover();
    current.showPopover();
  }, [shown]);
  return fe`
    <div class="toasts" role="status" aria-live="polite" popover="manual" ref=${list}>
      ${shown.map((one) => fe`<${Toast} key=${one.id} ...${one} />`)}
    </div>
    <${OpenMenu} />
  `;
};

// How things are: headings, states, notices, nothing at all.
// Never in here: requests.


/** The heading of a view, which also is the title of the tab. `children` stand at its right: the view's actions. */
const Heading = ({ title, detail, children }) => {
  K(() => {
    document.title = `${shownPath(title)} – video-compressor`;
  }, [title]);
  return fe`
    <header class="heading">
      <h1 tabIndex="-1">${title}</h1>
      ${detail && fe`<p class="heading-detail">${detail}</p>`}
      ${children && fe`<div class="heading-actions">${children}</div>`}
    </header>
  `;
};

/**
 * A part of a view with a heading of its own. `children` may be anything; `actions` stand at the right of the heading.
 */
const Panel = ({ title, actions, class: more = "", children }) => fe`
  <section class="panel ${more}">
    <header class="panel-head"><h2>${title}</h2>${actions}</header>
    ${children}
  </section>
`;

const NOTICE_ICONS = { info: "info", waiting: "alert", failed: "alert", done: "check" };

/** Something one should know. `tone`: "info", "waiting", "failed" or "done". `actions`: buttons. */
const Notice = ({ tone = "info", icon, title, actions, children }) => fe`
  <div class="notice ${tone}">
    <${Icon} name=${icon ?? NOTICE_ICONS[tone]} />
    <div class="notice-text">
      ${title && fe`<p class="notice-title">${title}</p>`}
      ${children && fe`<div>${children}</div>`}
    </div>
    ${actions && fe`<div class="notice-actions">${actions}</div>`}
  </div>
`;

/** Nothing is here: why, and what to do. `actions`: buttons. */
const Empty = ({ icon = "film", title, actions, children }) => fe`
  <div class="empty">
    <${Icon} name=${icon} size=${32} />
    <p class="empty-title">${title}</p>
    ${children && fe`<div class="empty-text">${children}</div>`}
    ${actions && fe`<div class="empty-actions">${actions}</div>`}
  </div>
`;

/** A Problem, with a way to try again. */
const Failure = ({ problem, onRetry }) => fe`
  <${Notice} tone="failed" title=${problem.title ?? "Something failed"}
    actions=${onRetry && fe`<${Button} icon="retry" onClick=${onRetry}>Try again<//>`}>
    <p>${sentence(problem.detail ?? problem.message)}</p>
  <//>
`;

/** What will be here soon, in its size. `height` in px. */
const Skeleton = ({ lines = 1, height = 20 }) => fe`
  <div class="skeletons" aria-hidden="true">
    ${Array.from(
      { length: lines },
      (_, index) => fe`<span key=${index} class="skeleton" style=${{ height: `${height}px` }}></span>`,
    )}
  </div>
`;

/** What a task's state is called, with a mark in its colour. */
const Status = ({ task }) => {
  const { text, tone } = status(task);
  return fe`<span class="status ${tone}"><span class="status-mark" aria-hidden="true"></span>${text}</span>`;
};

/** A task's name, with its folder quiet before it; the whole path is its title. */
const Name = ({ path }) => {
  const { root, folder, name } = pathParts(path);
  return fe`
    <span class="name" title=${shownPath(path)}>
      <bdi class="name-file">${name}</bdi>
      <bdi class="name-folder">${[root, folder].filter(Boolean).join("/")}</bdi>
    </span>
  `;
};

const TICK_MS = 30_000;

/** A moment as "5 min ago"; its title has the whole of it. */
const Time = ({ at }) => {
  const [now, setNow] = G(Date.now());
  J(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return fe`<span class="number">–</span>`;
  const { text, title } = when(at, Math.max(now, Date.now()));
  return fe`<time class="number" datetime=${new Date(at).toISOString()} title=${title}>${text}</time>`;
};

// What this browser remembers from one visit to the next; nothing where storage is off.
// Never in here: secrets, and what the service knows.

/** The text that was kept under a key, or null. `area`: "local", or "session" for as long as the tab is open. */
const recall = (key, area = "local") => {
  try {
    return storage(area).getItem(key);
  } catch {
    return null;
  }
};

/** Keeps a text; null forgets it. */
const remember = (key, text, area = "local") => {
  try {
    if (text === null) storage(area).removeItem(key);
    else storage(area).setItem(key, text);
  } catch {
    // It lasts as long as this page.
  }
};

const storage = (area) => (area === "session" ? sessionStorage : localStorage);

// What the whole page knows of files that are sent: how far they are, and files that were dropped on another view.
//
// Promises: small; who only looks loads none of what sends.
// Never in here: requests, elements.


/** Keys of local storage under which unfinished uploads are remembered, one each. */
const REMEMBERED = "upload.";

const NOTHING = {
  files: 0,
  doneFiles: 0,
  sentBytes: 0,
  totalBytes: 0,
  bytesPerSecond: null,
  secondsLeft: null,
  state: "idle",
};

/**
 * All files that are sent from this tab together. `state`: "idle", "sending", "lost" (the connection; it goes on by
 * itself), "paused", "asks" (a person has to decide), or "unfinished" (files of an earlier visit, which have to be
 * chosen again).
 */
const sending = createStore(NOTHING);

/** Told when someone logs out: what is left does not go on by itself under whoever logs in next. */
const loggingOut = createSignal();

const handed = createStore(null);

/** Gives what was dropped (a promise of files, as views/add/files.js makes it) to the view Add, which takes it over. */
const handOver = (dropped) => handed.set(dropped);

/** Calls `take(dropped)` for what was handed over, now and later; answers with what ends it. */
const onHandedOver = (take) => {
  const look = () => {
    const dropped = handed.get();
    if (dropped === null) return;
    handed.set(null);
    take(dropped);
  };
  look();
  return handed.subscribe(look);
};

// Light, dark, or as the system says; kept in this browser.
// Never in here: colours (style/tokens.css).


const KEY = "theme";
const THEMES = ["system", "light", "dark"];

/** One of THEMES. */
const theme = createStore(THEMES.includes(recall(KEY)) ? recall(KEY) : "system");

const chooseTheme = (name) => {
  const root = document.documentElement;
  if (name === "system") delete root.dataset.theme;
  else root.dataset.theme = name;
  remember(KEY, name);
  theme.set(name);
};

// What is wrong with the service, in words with the way out.
// Promises: nothing that is merely a wish of a person (a pause, the hours) is called wrong.
// Never in here: DOM, requests.


/** `[{kind, about, message, way_out, since}]` of a queue as GET /queue has it; null: it is not known yet. */
const problemsOf = (queue) => queue?.problems ?? [];

const MILD = ["sweep_only", "alerts_stuck", "settings_mistake", "no_tls"];

/** "failed" where work stands still, "waiting" where it goes on. */
const toneOf = ({ kind }) => (MILD.includes(kind) ? "waiting" : "failed");

/** Paused, with all that runs. */
const isStandingStill = (queue) => Boolean(queue?.paused_since && queue.frozen);

/** Why nothing is begun although nothing is wrong: `{title, text}`, or null. `at(time)` puts a time into words. */
const restOf = (queue, at) => {
  if (!queue) return null;
  const waiting = queue.counts.queued ?? 0;
  const files =
    waiting === 0 ? "New files wait" : waiting === 1 ? "1 file waits" : `${count(waiting)} files wait`;
  if (queue.paused_since) {
    const running = isStandingStill(queue) ? "What was running stands still" : "What is running goes on to its end";
    return {
      kind: "paused",
      title: `Paused since ${at(queue.paused_since)}`,
      text: `${files} until you go on. ${running}.`,
    };
  }
  if (queue.hours_begin) {
    return {
      kind: "hours",
      title: `Quiet hours until ${at(queue.hours_begin)}`,
      text: `${files} until then, by the schedule in the settings.`,
    };
  }
  return null;
};

/** What all is about in one line: "2 encodes run, 6 files wait". */
const summaryOf = (queue) => {
  if (!queue) return "";
  const { processing = 0, queued = 0 } = queue.counts;
  const parts = [];
  const [one, many] = isStandingStill(queue) ? ["stands still", "stand still"] : ["runs", "run"];
  if (processing > 0) parts.push(processing === 1 ? `1 encode ${one}` : `${processing} encodes ${many}`);
  if (queued > 0) parts.push(queued === 1 ? "1 file waits" : `${count(queued)} files wait`);
  if (queue.settling > 0)
    parts.push(queue.settling === 1 ? "1 file is arriving" : `${queue.settling} files are arriving`);
  return parts.join(", ") || "Nothing waits";
};

// Begins: who is here, which view is shown, and the frame around it.
// Promises: a view is loaded when it is first visited; what goes wrong in one is shown in its place, and the frame
// stays.
// Never in here: what a view shows.


const PLACES = [
  { href: "/", text: "Now", icon: "now", key: "n" },
  { href: "/queue", text: "Queue", icon: "queue", key: "q" },
  { href: "/history", text: "History", icon: "history", key: "h" },
  { href: "/add", text: "Add files", icon: "add", key: "a" },
  { href: "/settings", text: "Settings", icon: "settings", key: "s" },
];

const VIEWS = [
  { pattern: "/", place: "/", styles: [], load: () => import('./now.js') },
  { pattern: "/queue", place: "/queue", styles: ["queue"], load: () => import('./queue.js') },
  {
    pattern: "/history",
    place: "/history",
    styles: ["queue", "history"],
    load: () => import('./history.js'),
  },
  { pattern: "/add", place: "/add", styles: ["add"], load: () => import('./add.js') },
  { pattern: "/tasks/:id", place: "/queue", styles: ["task"], load: () => import('./task.js') },
  {
    pattern: "/settings/*",
    place: "/settings",
    styles: ["settings"],
    load: () => import('./settings.js'),
  },
  { pattern: "/help", place: null, styles: ["help"], load: () => import('./help.js') },
];
const LOGIN = { pattern: "/login", place: null, params: {}, styles: ["login"], load: () => import('./login.js') };

/** Who is here: null until that is known, `{name, role}`, "nobody", or a Problem: it cannot be known. */
const me = createStore(null);
/** Where to be after a login at another server, which leads back to the beginning. */
const AFTER_LOGIN = "after-login";

const viewAt = (path) => {
  for (const view of VIEWS) {
    const params = match(view.pattern, path);
    if (params) return { ...view, params };
  }
  return null;
};

/** Modules of views that are there, with their styles; by the views' patterns. */
const modules = new Map();

const loadModule = async (view) => {
  const [module] = await Promise.all([view.load(), ...view.styles.map(loadStyle)]);
  modules.set(view.pattern, module);
};

/** The module of a view, once it and its style are there: `{module, problem}`. A page that is outdated is loaded again. */
const useModule = (view) => {
  const [, setLoaded] = G(null);
  const [failed, setFailed] = G(null);
  J(() => {
    if (modules.has(view.pattern)) return undefined;
    let isWanted = true;
    const load = async () => {
      try {
        await loadModule(view);
        if (isWanted) setLoaded(view.pattern);
      } catch {
        if (await isOutdated()) location.reload();
        else if (isWanted) setFailed(view.pattern);
      }
    };
    load();
    return () => {
      isWanted = false;
    };
  }, [view.pattern]);
  const module = modules.get(view.pattern) ?? null;
  return { module, problem: module === null && failed === view.pattern ? notLoaded : null };
};

const notLoaded = {
  title: "This part of the page could not be loaded",
  detail: "The service does not answer, or something between it and this device is broken. Try again in a moment.",
};

/** The view at an address; what else is given is handed to it. */
const View = ({ view, route, ...given }) => {
  const { module, problem } = useModule(view);
  const [error, forget] = _e();
  const path = Q(route.path);
  J(() => {
    if (path.current !== route.path) forget();
    path.current = route.path;
  }, [route.path]);
  // With the view and not after its paint: a key that is pressed at once goes on from there.
  K(() => {
    if (module && route.isNew && document.activeElement === document.body) focusHeading();
  }, [module]);
  if (error) {
    console.error(error);
    const broken = { title: "This view has failed", detail: `${error.message}. Loading the page again may help.` };
    return fe`<${Failure} problem=${broken} onRetry=${() => location.reload()} />`;
  }
  if (problem) return fe`<${Failure} problem=${problem} onRetry=${() => location.reload()} />`;
  if (!module) return fe`<${Skeleton} lines=${3} height=${28} />`;
  return fe`<${module.default} key=${view.pattern} route=${{ ...route, params: view.params }} ...${given} />`;
};

const focusHeading = () => document.querySelector("main h1")?.focus({ preventScroll: true });

const NotFound = () => fe`
  <${Heading} title="There is nothing here" />
  <p>The address is not one of this page. <${Link} href="/">Go to Now<//></p>
`;

/** First what runs is ended, so that nothing asks for something that nobody may know any more. */
const logOut = async () => {
  const person = me.get();
  loggingOut.tell();
  leave();
  go("/login");
  try {
    await api.post("/logout");
  } catch (problem) {
    enter(person);
    throw problem;
  }
};

/** The session is over, by choice or not. */
const leave = () => {
  live.stop();
  me.set("nobody");
};

/** `queue`: how it stands, where that was asked for already. */
const enter = (person, queue) => {
  me.set(person);
  live.start(queue);
};

const comeBack = (to) => remember(AFTER_LOGIN, to ?? null, "session");

const THEME_TEXTS = { system: "As the system", light: "Light", dark: "Dark" };
const THEME_ICONS = { system: "system", light: "sun", dark: "moon" };

const personItems = (chosen) => [
  ...THEMES.map((name) => ({
    text: THEME_TEXTS[name],
    icon: name === chosen ? "check" : THEME_ICONS[name],
    onSelect: () => chooseTheme(name),
  })),
  null,
  { text: "Account and keys", icon: "user", onSelect: () => go("/settings/people") },
  { text: "Help", icon: "help", onSelect: () => go("/help") },
  { text: "Log out", icon: "logout", onSelect: logOut },
];

/** What the frame shows of files that are sent, for those who may send; after the first paint. */
const useSending = (person) => {
  const [module, setModule] = G(null);
  J(() => {
    if (person.role !== "viewer") import('./frame.js').then(setModule, () => {});
  }, []);
  return module;
};

/** How many things are wrong, wherever one is. */
const Wrong = () => {
  const count = useStore(live, ({ queue }) => problemsOf(queue).length);
  if (count === 0) return null;
  const what = count === 1 ? "problem" : "problems";
  return fe`
    <span class="visually-hidden">, </span>
    <span class="wrong">${count}<span class="visually-hidden"> ${what}</span></span>
  `;
};

const Brand = () => fe`
  <${Link} class="brand" href="/" aria-label="video-compressor, to Now">
    <span class="brand-mark" aria-hidden="true"></span><span>video-compressor</span>
  <//>
`;

const Navigation = ({ place, person, sending }) => {
  const chosen = useStore(theme);
  return fe`
    <nav class="navigation" aria-label="Main">
      <${Brand} />
      <ul>
        ${PLACES.map(
          ({ href, text, icon }) => fe`
          <li key=${href}>
            <${Link} href=${href} aria-current=${href === place ? "page" : undefined}>
              <${Icon} name=${icon} /><span>${text}</span>${href === "/" && fe`<${Wrong} />`}
            <//>
          </li>
        `,
        )}
      </ul>
      ${sending && fe`<${sending.SendingLine} />`}
      <div class="navigation-foot">
        <${Menu} icon="user" items=${() => personItems(chosen)} class="person">${person.name}<//>
      </div>
    </nav>
  `;
};

/** Of the small screen: what does not fit into the bar at the bottom. */
const TopBar = ({ person }) => {
  const chosen = useStore(theme);
  return fe`
    <header class="top-bar">
      <${Brand} />
      <${Menu} icon="user" label="${person.name}: account, theme, log out" items=${() => personItems(chosen)} />
    </header>
  `;
};

const Connection = () => {
  const state = useStore(live, (known) => known.state);
  const since = useStore(live, (known) => known.since);
  const [isOld, setOld] = G(false);
  const wasLost = Q(false);
  J(() => {
    if (state === "lost") wasLost.current = true;
    if (state === "live" && wasLost.current) isOutdated().then(setOld);
  }, [state]);
  return fe`
    <div class="connection" role="status">
      ${
        state !== "lost" &&
        isOld &&
        fe`
        <p><${Icon} name="info" /> <span>The service was updated since this page was opened.</span></p>
        <${Button} tone="quiet" onClick=${() => location.reload()}>Load again<//>
      `
      }
      ${
        state === "lost" &&
        fe`
        <p><${Icon} name="alert" /> <span>Not live since ${clock(since)}. Numbers may be old.</span></p>
        <${Button} tone="quiet" onClick=${live.tryNow}>Try now<//>
      `
      }
    </div>
  `;
};

const SHORTCUTS = [
  ...PLACES.map(({ text, key }) => [`g ${key}`, `Go to ${text}`]),
  ["/", "Search"],
  ["?", "These keys"],
  ["Esc", "Close a dialog or menu"],
  ["Space", "In the queue: pause or go on"],
  ["↑ ↓", "In the queue: another file; with Shift, choose"],
  ["x", "In the queue: choose this file"],
  ["Alt ↑", "In the queue: earlier; with ↓ later, Home next, End last"],
  ["j k", "On one file: to the next, to the previous one"],
];

const Shortcuts = ({ open, onClose }) => fe`
  <${Dialog} title="Keys" open=${open} onClose=${onClose}>
    <dl class="keys">${SHORTCUTS.map(
      ([key, text]) => fe`
      <div key=${key}><dt>${key.split(" ").map((one) => fe`<kbd>${one}</kbd>`)}</dt><dd>${text}</dd></div>
    `,
    )}</dl>
  <//>
`;

const search = () => {
  const field = document.querySelector("main input[type=search]");
  if (field) field.focus();
  else go("/queue?search=");
};

const Frame = ({ person }) => {
  const route = useRoute();
  const view = viewAt(route.path);
  const [isKeysOpen, setKeysOpen] = G(false);
  const sending = useSending(person);
  const main = Q(null);
  useKeys({
    ...Object.fromEntries(PLACES.map(({ href, key }) => [`g ${key}`, () => go(href)])),
    "/": search,
    "?": () => setKeysOpen(true),
  });
  K(() => {
    if (!route.isNew) return;
    document.activeElement?.blur();
    focusHeading();
  }, [route]);
  const skip = (event) => {
    event.preventDefault();
    focusHeading();
  };
  return fe`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <div class="frame">
      <${TopBar} person=${person} />
      <${Navigation} place=${view?.place} person=${person} sending=${sending} />
      <div class="content">
        <${Connection} />
        <main id="main" ref=${main}>
          ${view && fe`<${View} key=${view.pattern} view=${view} route=${route} me=${person} />`}
          ${!view && fe`<${NotFound} />`}
        </main>
      </div>
    </div>
    ${sending && fe`<${sending.WindowDrop} />`}
    <${Shortcuts} open=${isKeysOpen} onClose=${() => setKeysOpen(false)} />
  `;
};

/** All of the page. */
const Page = () => {
  const person = useStore(me);
  const route = useRoute();
  const isLogin = route.path === "/login";
  J(() => {
    if (person === "nobody" && !isLogin) {
      const here = location.pathname + location.search;
      go(here === "/" ? "/login" : `/login?to=${encodeURIComponent(here)}`, { replace: true });
    }
    if (person?.role && isLogin) go(backTo(route.query.to), { replace: true });
  }, [person, isLogin]);
  if (person instanceof Problem)
    return fe`<main class="alone"><${Failure} problem=${person} onRetry=${() => location.reload()} /></main>`;
  if (person === null || (person === "nobody") !== isLogin) return null;
  const login = fe`
    <main id="main" class="alone">
      <${View} view=${LOGIN} route=${route} enter=${enter} comeBack=${comeBack} />
    </main>
  `;
  return fe`
    ${isLogin ? login : fe`<${Frame} person=${person} />`}
    <${Confirmation} />
    <${Toasts} />
  `;
};

loggedOut.listen(leave);

const begin = async () => {
  // What is seen first is seen whole. What goes wrong with it is told where it is shown.
  const view = viewAt(currentRoute().path);
  const loaded = view && loadModule(view).catch(() => {});
  try {
    const { me: person, queue } = (await window.first) ?? (await api.get("/login-options"));
    if (!person) return leave();
    await loaded;
    enter(person, queue);
  } catch (problem) {
    return me.set(problem);
  }
  const wanted = recall(AFTER_LOGIN, "session");
  remember(AFTER_LOGIN, null, "session");
  if (wanted && currentRoute().path === "/") go(backTo(wanted), { replace: true });
  return undefined;
};

M(fe`<${Page} />`, document.body);
begin();

export { Button, Check, Dialog, Empty, FILES, Failure, Field, G, Heading, Icon, IconButton, J, K, Link, Menu, Name, Notice, Panel, Q, REMEMBERED, Select, Skeleton, Status, Switch, Tabs, Time, UNKNOWN, Y, Z, address, api, bytes, change, clock, confirm, count, counted, createStore, currentRoute, d, duration, fe, fps, go, goWith, handOver, isStandingStill, live, loadStyle, loggedOut, loggingOut, moment, onHandedOver, openMenu, pathParts, percent, problemOf, problemsOf, rate, restOf, sending, sentence, shownPath, speed, stage, summaryOf, toast$1 as toast, toneOf, useAnswer, useKeys, useRoute, useStore, useStyle, when };
