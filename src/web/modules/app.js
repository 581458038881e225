// Begins: who is here, which view is shown, and the frame around it.
// Promises: a view is loaded when it is first visited; what goes wrong in one is shown in its place, and the frame
// stays.
// Never in here: what a view shows.

import { backTo, match } from "./lib/address.js";
import { api, loggedOut, Problem } from "./lib/api.js";
import { clock } from "./lib/format.js";
import {
  html,
  loadStyle,
  render,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useRef,
  useState,
  useStore,
} from "./lib/html.js";
import { useKeys } from "./lib/keys.js";
import { live } from "./lib/live.js";
import { Button, Confirmation, Dialog, Failure, Heading, Icon, Link, Menu, Skeleton, Toasts } from "./lib/parts.js";
import { recall, remember } from "./lib/remembered.js";
import { currentRoute, go, useRoute } from "./lib/route.js";
import { loggingOut } from "./lib/sending.js";
import { createStore } from "./lib/store.js";
import { chooseTheme, theme, THEMES } from "./lib/theme.js";
import { problemsOf } from "./lib/trouble.js";
import { isOutdated } from "./lib/version.js";

const PLACES = [
  { href: "/", text: "Now", icon: "now", key: "n" },
  { href: "/queue", text: "Queue", icon: "queue", key: "q" },
  { href: "/history", text: "History", icon: "history", key: "h" },
  { href: "/add", text: "Add files", icon: "add", key: "a" },
  { href: "/settings", text: "Settings", icon: "settings", key: "s" },
];

const VIEWS = [
  { pattern: "/", place: "/", styles: [], load: () => import("./views/now.js") },
  { pattern: "/queue", place: "/queue", styles: ["queue"], load: () => import("./views/queue/queue.js") },
  {
    pattern: "/history",
    place: "/history",
    styles: ["queue", "history"],
    load: () => import("./views/history/history.js"),
  },
  { pattern: "/add", place: "/add", styles: ["add"], load: () => import("./views/add/add.js") },
  { pattern: "/tasks/:id", place: "/queue", styles: ["task"], load: () => import("./views/task/task.js") },
  {
    pattern: "/settings/*",
    place: "/settings",
    styles: ["settings"],
    load: () => import("./views/settings/settings.js"),
  },
  { pattern: "/help", place: null, styles: ["help"], load: () => import("./views/help.js") },
];
const LOGIN = { pattern: "/login", place: null, params: {}, styles: ["login"], load: () => import("./views/login.js") };

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
  const [, setLoaded] = useState(null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
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
  const [error, forget] = useErrorBoundary();
  const path = useRef(route.path);
  useEffect(() => {
    if (path.current !== route.path) forget();
    path.current = route.path;
  }, [route.path]);
  // With the view and not after its paint: a key that is pressed at once goes on from there.
  useLayoutEffect(() => {
    if (module && route.isNew && document.activeElement === document.body) focusHeading();
  }, [module]);
  if (error) {
    console.error(error);
    const broken = { title: "This view has failed", detail: `${error.message}. Loading the page again may help.` };
    return html`<${Failure} problem=${broken} onRetry=${() => location.reload()} />`;
  }
  if (problem) return html`<${Failure} problem=${problem} onRetry=${() => location.reload()} />`;
  if (!module) return html`<${Skeleton} lines=${3} height=${28} />`;
  return html`<${module.default} key=${view.pattern} route=${{ ...route, params: view.params }} ...${given} />`;
};

const focusHeading = () => document.querySelector("main h1")?.focus({ preventScroll: true });

const NotFound = () => html`
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
  const [module, setModule] = useState(null);
  useEffect(() => {
    if (person.role !== "viewer") import("./views/add/frame.js").then(setModule, () => {});
  }, []);
  return module;
};

/** How many things are wrong, wherever one is. */
const Wrong = () => {
  const count = useStore(live, ({ queue }) => problemsOf(queue).length);
  if (count === 0) return null;
  const what = count === 1 ? "problem" : "problems";
  return html`
    <span class="visually-hidden">, </span>
    <span class="wrong">${count}<span class="visually-hidden"> ${what}</span></span>
  `;
};

const Brand = () => html`
  <${Link} class="brand" href="/" aria-label="video-compressor, to Now">
    <span class="brand-mark" aria-hidden="true"></span><span>video-compressor</span>
  <//>
`;

const Navigation = ({ place, person, sending }) => {
  const chosen = useStore(theme);
  return html`
    <nav class="navigation" aria-label="Main">
      <${Brand} />
      <ul>
        ${PLACES.map(
          ({ href, text, icon }) => html`
          <li key=${href}>
            <${Link} href=${href} aria-current=${href === place ? "page" : undefined}>
              <${Icon} name=${icon} /><span>${text}</span>${href === "/" && html`<${Wrong} />`}
            <//>
          </li>
        `,
        )}
      </ul>
      ${sending && html`<${sending.SendingLine} />`}
      <div class="navigation-foot">
        <${Menu} icon="user" items=${() => personItems(chosen)} class="person">${person.name}<//>
      </div>
    </nav>
  `;
};

/** Of the small screen: what does not fit into the bar at the bottom. */
const TopBar = ({ person }) => {
  const chosen = useStore(theme);
  return html`
    <header class="top-bar">
      <${Brand} />
      <${Menu} icon="user" label="${person.name}: account, theme, log out" items=${() => personItems(chosen)} />
    </header>
  `;
};

const Connection = () => {
  const state = useStore(live, (known) => known.state);
  const since = useStore(live, (known) => known.since);
  const [isOld, setOld] = useState(false);
  const wasLost = useRef(false);
  useEffect(() => {
    if (state === "lost") wasLost.current = true;
    if (state === "live" && wasLost.current) isOutdated().then(setOld);
  }, [state]);
  return html`
    <div class="connection" role="status">
      ${
        state !== "lost" &&
        isOld &&
        html`
        <p><${Icon} name="info" /> <span>The service was updated since this page was opened.</span></p>
        <${Button} tone="quiet" onClick=${() => location.reload()}>Load again<//>
      `
      }
      ${
        state === "lost" &&
        html`
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

const Shortcuts = ({ open, onClose }) => html`
  <${Dialog} title="Keys" open=${open} onClose=${onClose}>
    <dl class="keys">${SHORTCUTS.map(
      ([key, text]) => html`
      <div key=${key}><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd>`)}</dt><dd>${text}</dd></div>
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
  const [isKeysOpen, setKeysOpen] = useState(false);
  const sending = useSending(person);
  const main = useRef(null);
  useKeys({
    ...Object.fromEntries(PLACES.map(({ href, key }) => [`g ${key}`, () => go(href)])),
    "/": search,
    "?": () => setKeysOpen(true),
  });
  useLayoutEffect(() => {
    if (!route.isNew) return;
    document.activeElement?.blur();
    focusHeading();
  }, [route]);
  const skip = (event) => {
    event.preventDefault();
    focusHeading();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <div class="frame">
      <${TopBar} person=${person} />
      <${Navigation} place=${view?.place} person=${person} sending=${sending} />
      <div class="content">
        <${Connection} />
        <main id="main" ref=${main}>
          ${view && html`<${View} key=${view.pattern} view=${view} route=${route} me=${person} />`}
          ${!view && html`<${NotFound} />`}
        </main>
      </div>
    </div>
    ${sending && html`<${sending.WindowDrop} />`}
    <${Shortcuts} open=${isKeysOpen} onClose=${() => setKeysOpen(false)} />
  `;
};

/** All of the page. */
const Page = () => {
  const person = useStore(me);
  const route = useRoute();
  const isLogin = route.path === "/login";
  useEffect(() => {
    if (person === "nobody" && !isLogin) {
      const here = location.pathname + location.search;
      go(here === "/" ? "/login" : `/login?to=${encodeURIComponent(here)}`, { replace: true });
    }
    if (person?.role && isLogin) go(backTo(route.query.to), { replace: true });
  }, [person, isLogin]);
  if (person instanceof Problem)
    return html`<main class="alone"><${Failure} problem=${person} onRetry=${() => location.reload()} /></main>`;
  if (person === null || (person === "nobody") !== isLogin) return null;
  const login = html`
    <main id="main" class="alone">
      <${View} view=${LOGIN} route=${route} enter=${enter} comeBack=${comeBack} />
    </main>
  `;
  return html`
    ${isLogin ? login : html`<${Frame} person=${person} />`}
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

render(html`<${Page} />`, document.body);
begin();
