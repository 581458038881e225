// How long a browser without anything of this page takes until `Now` and its numbers are painted.
//   figures: until the numbers are painted, until anything is painted (both the median of several visits), in ms

import { median, tell, visitLoggedIn, withBrowser } from "./visit.mjs";

const VISITS = 7;
// Of 100,000 tasks a quarter waits.
const WAITING = "25[,.\\s\u202f\u00a0]?000";

/// In the page, before anything of it runs.
function watch(pattern) {
  const wanted = new RegExp(pattern);
  const observer = new MutationObserver(() => {
    if (wanted.test(document.body?.textContent ?? "")) {
      observer.disconnect();
      // The frame that has it is painted when the task after its callbacks runs.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          window.numbersAt = performance.now();
        };
        port2.postMessage(null);
      });
    }
  });
  observer.observe(document, { subtree: true, childList: true, characterData: true });
}

await withBrowser(async (visit) => {
  const numbers = [];
  const anything = [];
  for (let round = 0; round < VISITS; round += 1) {
    const visitor = await visitLoggedIn(visit);
    await visitor.context.addInitScript(watch, WAITING);
    await visitor.page.goto("/");
    // The browser tells of its first paint a moment after it.
    await visitor.page.waitForFunction(
      () => window.numbersAt !== undefined && performance.getEntriesByName("first-contentful-paint").length > 0,
    );
    numbers.push(await visitor.page.evaluate(() => window.numbersAt));
    anything.push(
      await visitor.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime),
    );
    await visitor.context.close();
  }
  console.error(`numbers ${numbers.map(Math.round)}, anything ${anything.map(Math.round)}`);
  tell([median(numbers), median(anything)]);
});
