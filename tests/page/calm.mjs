// For someone who wants no motion nothing moves: no transition, no animation, in views and in what opens over them.

import assert from "node:assert/strict";

import { untilStatus, withBrowser } from "./browser.mjs";

/// In the page: remembers everything that moves for longer than an eye can see.
function watchMotion() {
  window.moved = [];
  const look = () => {
    for (const animation of document.getAnimations()) {
      const { duration } = animation.effect.getTiming();
      if (duration > 20) {
        const { target } = animation.effect;
        window.moved.push(`${target.tagName}.${target.className} ${animation.transitionProperty ?? animation.animationName} ${duration} ms`);
      }
    }
    requestAnimationFrame(look);
  };
  look();
}

await withBrowser(async (visit) => {
  await untilStatus("720/film.mkv", "processing");
  const visitor = await visit({ motion: "reduce" });
  const { page } = visitor;
  await visitor.context.addInitScript(watchMotion);
  await visitor.logIn();
  await page.getByRole("progressbar", { name: "Progress of film.mkv" }).waitFor();
  await page.getByRole("button", { name: "Cancel film.mkv" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Freeze film.mkv" }).hover();
  await visitor.go("Queue");
  await page.getByRole("button", { name: "More for the queue" }).click();
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  await visitor.go("Settings", "All settings");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  assert.deepEqual(await page.evaluate(() => [...new Set(window.moved)]), []);
});
