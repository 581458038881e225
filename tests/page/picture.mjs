// A small picture that comes before the browser has painted the view it is in.

import { untilStatus, withBrowser } from "./browser.mjs";

await withBrowser(async (visit) => {
  const { id } = await untilStatus("720/waits.mp4", "queued");
  const visitor = await visit();
  const { page, context } = visitor;
  await visitor.logIn();
  const shown = page.locator(".task-state .thumbnail.shown img");
  await page.goto(`/tasks/${id}`);
  await shown.waitFor();
  // The service has it now. What a view does after its paint, by a frame or 100 ms later (Preact), is made to come last.
  await context.addInitScript((latestMs) => {
    const { requestAnimationFrame, setTimeout } = window;
    const frame = (run) => setTimeout(() => requestAnimationFrame(run), latestMs);
    window.requestAnimationFrame = frame;
    window.setTimeout = (run, ms, ...more) => setTimeout(run, ms === 100 ? latestMs : ms, ...more);
  }, 1000);
  await page.reload();
  await shown.waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await shown.waitFor();
});
