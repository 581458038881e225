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
  const pictures = page.locator("main img[src*='/frames'], main img[src^='blob:']");
  await pictures.first().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll("main img")].filter((image) => /\/frames|^blob:/.test(image.src));
    return all.length >= 2 && all.every((image) => image.complete && image.naturalWidth > 0);
  });
  const slider = page.getByRole("slider", { name: /before|after|source|result|compare|divid|seen/i }).first();
  const before = await slider.inputValue().catch(() => slider.getAttribute("aria-valuenow"));
  await slider.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  const after = await slider.inputValue().catch(() => slider.getAttribute("aria-valuenow"));
  assert.notEqual(after, before, "the slider moves");
  await visitor.lookAt("task-frames");
}

/// What was done, as lists and charts.
export async function lookAtTheHistory(visitor) {
  const { page } = visitor;
  await visitor.go("History");
  await page.getByText("holiday 1.mp4").first().waitFor();
  await visitor.lookAt("history");
}
