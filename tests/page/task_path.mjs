// One file and the history, as far as the whole path goes: the receipt, two pictures of one moment, the savings.

import assert from "node:assert/strict";

import { task } from "./browser.mjs";

/// Opens the receipt of a film, and compares its pictures.
export async function lookAtAFile(visitor) {
  const { page } = visitor;
  const { id } = await task("720/holiday 1.mp4");
  await page.locator(".recent").getByRole("link", { name: /holiday 1/ }).click();
  await page.waitForURL(`**/tasks/${id}`);
  await page.getByRole("heading", { level: 1, name: /holiday 1/ }).waitFor();
  await page.getByText("H.265 (HEVC)").first().waitFor();
  await visitor.lookAt("task");
  await compareFrames(visitor);
}

/// Both pictures are of the same moment, and the slider says how much is seen of each.
async function compareFrames(visitor) {
  const { page } = visitor;
  const stage = page.locator(".compare-stage");
  await stage.scrollIntoViewIfNeeded();
  const slider = page.getByRole("slider", { name: "How much of the source is shown" });
  await slider.waitFor();
  const before = await momentsShown(page);
  await page.getByRole("button", { name: "A frame on" }).click();
  await page.getByRole("img", { name: "The source at 0:00.400" }).waitFor();
  await visitor.lookAt("task-frames");
  assert.notDeepEqual(await momentsShown(page), before);

  await slider.focus();
  await page.keyboard.press("Home");
  const result = await stage.screenshot();
  await page.keyboard.press("End");
  const source = await stage.screenshot();
  assert.ok(!source.equals(result), "from one end to the other another picture is seen");
  const box = await slider.boundingBox();
  await page.mouse.click(box.x + box.width / 4, box.y + box.height / 2);
  const split = Number(await slider.inputValue());
  assert.ok(split > 15 && split < 35, `a press at a quarter of the picture draws the line there, not at ${split}`);
}

/// The moments that both pictures say they are of; they must be one.
async function momentsShown(page) {
  const names = await page.getByRole("img", { name: /^The (source|result) at / }).evaluateAll((all) => all.map((one) => one.ariaLabel));
  const moments = names.map((name) => name.replace(/^The (source|result) at /, ""));
  assert.equal(moments.length, 2);
  assert.equal(moments[0], moments[1]);
  return moments[0];
}

/// What was done, as lists and charts.
export async function lookAtTheHistory(visitor) {
  const { page } = visitor;
  await visitor.go("History");
  await page.getByRole("row").filter({ hasText: "waits" }).first().waitFor();
  await visitor.lookAt("history");
  // Older ones are beyond a small screen, where no row is drawn.
  const search = page.getByRole("main").getByRole("searchbox");
  await search.fill("holiday 1");
  await page.getByRole("row").filter({ hasText: "holiday 1.mp4" }).waitFor();
  await search.fill("");
}
