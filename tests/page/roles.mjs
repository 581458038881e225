// Someone who may only look sees nothing to press that changes anything.

import assert from "node:assert/strict";

import { settled, untilStatus, withBrowser } from "./browser.mjs";

/// What changes something, wherever it stands.
const ACTIONS =
  /pause|resume|cancel|retry|again|clear|freeze|thaw|move|delete|remove|save|add files|upload|begin|test|archive|reorder|drag/i;

await withBrowser(async (visit) => {
  const done = await untilStatus("720/holiday 1.mp4", "processed");
  const visitor = await visit();
  const { page } = visitor;
  await visitor.logIn("viewer");
  for (const [name, address, heading] of [
    ["now", "/", "Now"],
    ["queue", "/queue", "Queue"],
    ["queue-failed", "/queue?show=failed", "Queue"],
    ["history", "/history", "History"],
    ["task", `/tasks/${done.id}`, /holiday 1/],
    ["settings", "/settings", /./],
    ["add", "/add", /./],
  ]) {
    await page.goto(address);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await settled(page);
    const buttons = await page.getByRole("main").getByRole("button").all();
    const names = await Promise.all(buttons.map((button) => button.evaluate((element) => element.ariaLabel ?? element.textContent)));
    assert.deepEqual(names.filter((text) => ACTIONS.test(text)), [], `${name} has nothing that changes something`);
    assert.equal(await page.locator("main [draggable=true]").count(), 0, `nothing can be dragged in ${name}`);
    await visitor.lookAt(`viewer-${name}`);
  }
});
