// What every test of the page needs: a browser, a visitor in it who notices what is wrong, and the world outside.
//
// Promises: a visitor remembers each word in the console, each uncaught error, each breach of the content security policy
// and each dialog that a script opened, and `leave` fails when there was any that the test did not expect.
// (`lookAt` is what every view must stand: no violation that axe finds, nothing wider than the window.)
// Never in here: what a view looks like.
//
// tests/page.rs starts a script with one argument, as JSON: url, key, password, root, pictures, tools, chromium, and patienceMs where it is another.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

export const given = JSON.parse(process.argv[2]);

const require = createRequire(path.join(given.tools, "any.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/// Far longer than anything there takes, also on a busy machine.
export const PATIENCE_MS = given.patienceMs ?? 60_000;
/// A script that hangs ends by itself.
const LONGEST_MS = 600_000;

export const PHONE = { width: 360, height: 780 };
export const WIDE = { width: 1920, height: 1080 };

/// Runs a test with a browser of its own, and ends the process as the test ended.
export async function withBrowser(test) {
  const tooLong = setTimeout(() => fail(new Error(`it took longer than ${LONGEST_MS} ms`)), LONGEST_MS);
  const browser = await chromium.launch({ executablePath: given.chromium, args: CHROMIUM_ARGUMENTS });
  const visitors = [];
  const visit = async (look) => {
    const visitor = await Visitor.arrive(browser, look);
    visitors.push(visitor);
    return visitor;
  };
  try {
    await test(visit);
    for (const visitor of visitors) {
      await visitor.leave();
    }
  } catch (error) {
    for (const [index, visitor] of visitors.entries()) {
      await visitor.lastWords(`failed-${index}`);
    }
    await browser.close();
    fail(error);
  }
  await browser.close();
  clearTimeout(tooLong);
  process.exit(0);
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

const orders = readline.createInterface({ input: process.stdin });
const answers = orders[Symbol.asyncIterator]();

/// Has tests/page.rs do something that a page cannot, such as "stop" the service.
export async function outside(order) {
  process.stdout.write(`do ${order}\n`);
  const { value } = await answers.next();
  assert.equal(value, "done", `outside: ${order}`);
}

/// Asks the API as a program would, with an administrator's key.
export async function api(method, where, body) {
  const answer = await fetch(`${given.url}/api/v1${where}`, {
    method,
    headers: { Authorization: `Bearer ${given.key}`, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${where}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/// The newest task of a path, or undefined.
export async function task(where) {
  const { tasks } = await api("GET", `/tasks?archived=true&sort=-added&q=${encodeURIComponent(path.posix.basename(where))}`);
  return tasks.find((task) => task.path === where);
}

/// Looks until it finds something; `what` names it in the error.
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/// Waits until the newest task of a path has this status.
export function untilStatus(where, status) {
  return until(`${where} is ${status}`, async () => {
    const found = await task(where);
    return found?.status === status ? found : undefined;
  });
}

/// The text of a file below the service's root.
export function fileText(relative) {
  return fs.readFileSync(path.join(given.root, relative), "utf8");
}

/// Someone with a browser window of a certain size and colour scheme.
export class Visitor {
  static async arrive(browser, look = {}) {
    const { size = WIDE, colours = "light", motion = "no-preference" } = look;
    const context = await browser.newContext({
      baseURL: given.url,
      viewport: size,
      colorScheme: colours,
      reducedMotion: motion,
      hasTouch: size.width === PHONE.width,
      isMobile: size.width === PHONE.width,
      locale: "en-GB",
      timezoneId: "UTC",
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor();
    visitor.look = `${size.width}-${colours}`;
    visitor.isTouch = size.width === PHONE.width;
    visitor.context = context;
    visitor.complaints = [];
    visitor.expected = null;
    visitor.findings = [];
    await context.exposeBinding("complain", (_, text) => visitor.complain(text));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const from = `${event.sourceFile}:${event.lineNumber}`;
        window.complain(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample} ${from}`);
      });
    });
    visitor.page = await visitor.newPage();
    return visitor;
  }

  /// One more page of the same session.
  async newPage() {
    const page = await this.context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        this.complain(`console: ${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (error) => this.complain(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
      if (dialog.type() !== "beforeunload") {
        this.complain(`dialog: ${dialog.message()}`);
      }
      dialog.accept().catch(() => {});
    });
    return page;
  }

  complain(text) {
    if (!this.expected?.test(text)) {
      this.complaints.push(text);
    }
  }

  /// From now on complaints like this are the test's own doing, such as a server that does not answer; null: none are.
  expect(pattern) {
    this.expected = pattern;
  }

  async logIn(name = "admin") {
    await this.page.goto("/");
    await this.fillLogIn(name);
  }

  /// Where the form is shown already.
  async fillLogIn(name = "admin") {
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByLabel("Password").fill(given.password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("heading", { level: 1, name: "Now" }).waitFor();
  }

  /// Follows a link of the navigation; its view is there when this returns.
  async go(name, heading = name) {
    await this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
    await this.page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }

  /// What must be true of every view and every open dialog or menu; keeps a picture of it under this name. What is not
  /// is told when the visitor leaves, so that one run finds everything.
  async lookAt(name) {
    await settled(this.page);
    await this.picture(name);
    const tell = (what) => this.findings.push(`${name} (${this.look}) ${what}`);
    const sideways = await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
    if (sideways > 0) {
      tell(`scrolls sideways by ${sideways} px`);
    }
    if (!(await this.page.evaluate(() => "axe" in window))) {
      await this.page.evaluate(axe);
    }
    const { violations } = await this.page.evaluate(() => {
      // A menu belongs to what opened it; landmarks are about what stays.
      const rules = { region: { enabled: document.querySelector("[role=menu]") === null } };
      return window.axe.run(document, { resultTypes: ["violations"], rules });
    });
    for (const { id, help, nodes } of violations) {
      const where = nodes.map((node) => `\n    ${node.html} ${node.any.map((check) => check.message).join(" ")}`);
      tell(`axe, ${id}: ${help}${where.slice(0, 4).join("")}`);
    }
    this.complaints.splice(0).forEach((complaint) => tell(complaint));
  }

  async picture(name) {
    await this.page.screenshot({ path: path.join(given.pictures, `${name}-${this.look}.png`), animations: "disabled" });
  }

  async lastWords(name) {
    await this.picture(name).catch(() => {});
    const words = await this.page.locator("body").ariaSnapshot({ timeout: 2000 }).catch(() => "no page");
    console.error([`${name}: ${this.page.url()}`, words, ...this.findings, ...this.complaints].join("\n"));
  }

  /// Fails when something was not as it must be.
  async leave() {
    assert.equal(this.findings.length + this.complaints.length, 0, "something is not as it must be (told above)");
    await this.context.close();
  }
}

const QUIET_MS = 200;

/// Until nothing is still to come: no placeholder, and nothing has changed for a moment.
export function settled(page) {
  return page.evaluate(
    (quietMs) =>
      new Promise((resolve) => {
        let timer;
        // The row that has the focus stays when one scrolls far away, unread.
        const isSeen = (element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return bottom > 0 && top < innerHeight;
        };
        const isThere = () =>
          document.querySelector("main h1") && ![...document.querySelectorAll(".skeleton")].some(isSeen);
        const look = () => (isThere() ? (observer.disconnect(), resolve()) : wait());
        const wait = () => {
          clearTimeout(timer);
          timer = setTimeout(look, quietMs);
        };
        const observer = new MutationObserver(wait);
        observer.observe(document.body, { subtree: true, childList: true });
        wait();
      }),
    QUIET_MS,
  );
}

/// Drops real files and folders of this machine on an element, as a person does.
export async function drop(page, target, files) {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  const session = await page.context().newCDPSession(page);
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x, y, data });
  }
  await session.detach();
}
