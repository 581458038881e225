// Whether the queue stalls while someone scrolls through 100,000 tasks and filters them, by the browser's own trace.
//   figures: the longest task of the page's main thread, in ms; while scrolling, and while filtering

import { settled, tell, visitLoggedIn, withBrowser } from "./visit.mjs";

const CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"];
const TURNS = 60;
const WORDS = ["series 12", "episode 0999", "title", "zzzz", "s"];

await withBrowser(async (visit) => {
  const visitor = await visitLoggedIn(visit);
  const { page } = visitor;
  await page.goto("/queue?show=all");
  await page.locator("[data-row]").getByText(/Episode/).first().waitFor();
  await page.mouse.move(960, 700);

  const scrolling = await longestTask(page, async () => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      await page.mouse.wheel(0, turn % 10 === 9 ? 200_000 : 900);
    }
    await settled(page);
  });
  const filtering = await longestTask(page, async () => {
    const field = page.getByRole("searchbox");
    for (const word of WORDS) {
      await field.fill("");
      await field.pressSequentially(word, { delay: 30 });
      await settled(page);
    }
  });
  console.error(`longest main-thread task: scrolling ${scrolling.toFixed(1)}, filtering ${filtering.toFixed(1)} ms`);
  tell([scrolling, filtering]);
});

async function longestTask(page, act) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: CATEGORIES });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return longest(traceEvents);
}

/// The longest task of any page's main thread, in ms.
function longest(events) {
  const mains = new Set(
    events
      .filter((event) => event.name === "thread_name" && event.args.name === "CrRendererMain")
      .map((event) => `${event.pid}:${event.tid}`),
  );
  const tasks = events.filter(
    (event) => event.ph === "X" && event.name.endsWith("RunTask") && mains.has(`${event.pid}:${event.tid}`),
  );
  if (tasks.length === 0) {
    throw new Error("the trace has no task of a main thread");
  }
  return Math.max(...tasks.map((task) => task.dur)) / 1000;
}
