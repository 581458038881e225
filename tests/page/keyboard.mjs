// From the login to a retry without a mouse.

import assert from "node:assert/strict";

import { given, settled, task, until, untilStatus, withBrowser } from "./browser.mjs";
import { focus, tabTo } from "./keys.mjs";

const FAILED = "720/broken.mp4";

await withBrowser(async (visit) => {
  const { page } = await visit();
  const heading = (name) => page.getByRole("heading", { level: 1, name }).waitFor();
  const before = await untilStatus(FAILED, "failed");

  await page.goto("/");
  await page.getByLabel("Name").waitFor();
  assert.equal((await focus(page)).text, "Name", "the first field has the focus");
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type(given.password);
  await page.keyboard.press("Enter");
  await heading("Now");

  await page.reload();
  await heading("Now");
  await page.keyboard.press("Tab");
  assert.equal((await focus(page)).text, "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal((await focus(page)).tag, "h1", "the skip link goes to the heading");

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  for (const [keys, name] of [["gq", "Queue"], ["gh", "History"], ["ga", "Add files"], ["gs", "All settings"], ["gn", "Now"]]) {
    await page.keyboard.type(keys);
    await heading(name);
    await settled(page);
    assert.deepEqual(((now) => [now.tag, now.text])(await focus(page)), ["h1", name], "the heading has the focus");
  }

  await page.keyboard.type("gq");
  await heading("Queue");
  await tabTo(page, "the failed ones", (now) => now.tag === "a" && /^Failed/.test(now.text));
  await page.keyboard.press("Enter");
  await page.getByText("broken.mp4").first().waitFor();
  await tabTo(page, "the row", (now) => now.role === "row" && now.text.includes("broken.mp4"));
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menu").waitFor();
  assert.equal((await focus(page)).role, "menuitem", "the menu has the focus");
  await page.keyboard.press("e");
  assert.equal((await focus(page)).text, "Encode again");
  await page.keyboard.press("Enter");
  await until("it was tried once more", async () => {
    const now = await task(FAILED);
    return now.status === "failed" && now.ended !== before.ended;
  });
});
