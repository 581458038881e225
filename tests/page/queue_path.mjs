// The queue, as far as the whole path goes: a retry, what may be chosen and asked, another order by drag and by keys.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { api, given, task, until } from "./browser.mjs";

const FAILED = "720/broken.mp4";

/// A failed film is tried once more, by its menu, and all that failed by the queue's.
export async function retry(visitor) {
  const { page } = visitor;
  await visitor.go("Queue");
  await tab(page, "Failed").click();
  await rowOf(page, "broken.mp4").waitFor();
  await visitor.lookAt("queue-failed");
  await triedAgain(async () => {
    await page.getByRole("button", { name: `What to do with ${FAILED}` }).click();
    await page.getByRole("menu").waitFor();
    await visitor.lookAt("queue-menu");
    await page.getByRole("menuitem", { name: "Encode again", exact: true }).click();
  });
  await triedAgain(async () => {
    // The page hears of it after the API knows it, and a menu is of the moment when it was opened.
    await page.getByRole("link", { name: /^Failed\s*1$/ }).waitFor();
    await page.getByRole("button", { name: "More for the queue" }).click();
    await page.getByRole("menuitem", { name: /^Encode all 1.failed file again/ }).click();
  });
  await tab(page, "Done").click();
  await rowOf(page, "holiday 1.mp4").waitFor();
  await visitor.lookAt("queue-done");
}

async function triedAgain(act) {
  const before = await task(FAILED);
  assert.equal(before.status, "failed");
  await act();
  await until("it has failed again", async () => {
    const now = await task(FAILED);
    return now.status === "failed" && now.ended !== before.ended;
  });
}

/// With the queue paused, four films change places; the API says in which order they will be encoded.
export async function reorder(visitor) {
  const { page } = visitor;
  await tab(page, "To do").click();
  await page.getByText("Nothing to do").waitFor();
  await visitor.lookAt("queue-empty");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("menuitem", { name: /^Let running encodes finish/ }).click();
  await page.getByRole("button", { name: "Go on", exact: true }).waitFor();
  for (const name of ["a", "b", "c", "d"]) {
    const source = path.join(given.root, "clips", `waits ${name}.mp4`);
    fs.copyFileSync(source, path.join(given.root, "input/720", path.basename(source)));
    await rowOf(page, path.basename(source)).waitFor();
  }
  await isOrder(page, "abcd");
  await visitor.lookAt("queue-waiting");
  await drag(visitor, rowOf(page, "waits d.mp4"), rowOf(page, "waits a.mp4"));
  await isOrder(page, "dabc");
  await rowOf(page, "waits a.mp4").focus();
  // The page knows where one is, so that no change of the list takes one elsewhere.
  await page.locator("[data-row][tabindex='0']").filter({ hasText: "waits a.mp4" }).waitFor();
  await page.keyboard.press("Alt+ArrowDown");
  await isOrder(page, "dbac");
  await page.keyboard.press("Alt+End");
  await isOrder(page, "dbca");
  await page.keyboard.press("Alt+Home");
  await isOrder(page, "adbc");
  await visitor.lookAt("queue-reordered");
}

/// One that waits gets a priority, is found by the search, and is cancelled; what is asked before is looked at.
export async function chooseAndAsk(visitor) {
  const { page } = visitor;
  await rowOf(page, "waits c.mp4").getByRole("checkbox").check();
  await rowOf(page, "waits b.mp4").getByRole("checkbox").check();
  await page.getByRole("region", { name: "Chosen files" }).getByText("2 files", { exact: false }).waitFor();
  await visitor.lookAt("queue-chosen");
  await page.getByRole("button", { name: "More for chosen files" }).click();
  await page.getByRole("menuitem", { name: /^Priority/ }).click();
  await page.getByRole("dialog").waitFor();
  await visitor.lookAt("dialog-priority");
  await page.getByRole("spinbutton", { name: "Priority" }).fill("5");
  await page.getByRole("button", { name: "Set priority" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await isOrder(page, "bcad", (order) => order.startsWith("b") || order.startsWith("c"));
  await page.getByRole("button", { name: "Choose none" }).click();
  await page.getByRole("searchbox").fill("waits d");
  await rowOf(page, "waits a.mp4").waitFor({ state: "detached" });
  await visitor.lookAt("queue-search");
  await page.getByRole("searchbox").fill("nothing is called so");
  await page.getByText("Nothing fits").waitFor();
  await visitor.lookAt("queue-nothing-fits");
  await page.getByRole("searchbox").fill("");
  await rowOf(page, "waits d.mp4").waitFor();
  await rowOf(page, "waits d.mp4").focus();
  await page.keyboard.press("Delete");
  await until("it is cancelled", async () => (await task("720/waits d.mp4")).status === "cancelled");
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  for (const name of ["a", "b", "c"]) {
    await until(`${name} is done`, async () => (await task(`720/waits ${name}.mp4`)).status === "processed");
  }
}

const tab = (page, name) => page.getByRole("navigation", { name: "States" }).getByRole("link", { name: new RegExp(`^${name}`) });
const rowOf = (page, name) => page.getByRole("row").filter({ hasText: name });

/// What the API will begin, and what the page shows, in letters.
async function isOrder(page, wanted, fits = (order) => order === wanted) {
  await until(`the order is ${wanted}`, async () => {
    const { tasks } = await api("GET", "/tasks?status=queued&sort=turn");
    const asked = tasks.map(({ path }) => /waits (.)/.exec(path)?.[1] ?? "?").join("");
    const rows = await page.locator("[data-row]").evaluateAll((all) =>
      all
        .sort((one, other) => one.dataset.row - other.dataset.row)
        .map((row) => /waits (.)/.exec(row.textContent)?.[1] ?? "?")
        .join(""),
    );
    return fits(asked) && asked === rows;
  });
}

/// Drags a row by its grip to above another one: with the mouse, or with a finger where there is none.
async function drag({ page, isTouch }, from, to) {
  const grip = await from.locator("[data-does=drag]").boundingBox();
  const goal = await to.boundingBox();
  const x = grip.x + grip.width / 2;
  const start = grip.y + grip.height / 2;
  const end = goal.y + 4;
  const points = Array.from({ length: 9 }, (_, step) => start + ((end - start) * step) / 8);
  if (!isTouch) {
    await page.mouse.move(x, start);
    await page.mouse.down();
    for (const y of points) {
      await page.mouse.move(x, y);
    }
    await page.mouse.up();
    return;
  }
  const session = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => session.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", [{ x, y: start }]);
  for (const y of points) {
    await touch("touchMove", [{ x, y }]);
  }
  await touch("touchEnd", []);
  await session.detach();
}
