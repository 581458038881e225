// How long it takes until a task that is moved in one page has moved in another one, of another browser session.
//   figures: the median and the longest of several actions, in ms

import { median, tell, visitLoggedIn, withBrowser } from "./visit.mjs";

const ACTIONS = 20;

await withBrowser(async (visit) => {
  const actor = await visitLoggedIn(visit);
  const onlooker = await visitLoggedIn(visit);
  for (const { page } of [actor, onlooker]) {
    await page.goto("/queue");
    await page.locator("[data-row='1']").getByText(/Episode/).waitFor();
  }
  const times = [];
  for (let action = 0; action < ACTIONS; action += 1) {
    const second = actor.page.locator("[data-row='1']");
    const name = /Episode \d+/.exec(await second.textContent())[0];
    const seen = onlooker.page.evaluate(seenAt, name);
    const pressed = actor.page.evaluate(pressedAt);
    await second.focus();
    await actor.page.keyboard.press("Alt+ArrowUp");
    times.push((await seen) - (await pressed));
    await actor.page.locator("[data-row='0']").getByText(name).waitFor();
  }
  console.error(`seen after ${times.map(Math.round)}`);
  tell([median(times), Math.max(...times)]);
});

/// In the acting page: when the key was pressed that moves the second row up.
function pressedAt() {
  return new Promise((resolve) => {
    document.addEventListener("keydown", () => resolve(performance.timeOrigin + performance.now()), {
      capture: true,
      once: true,
    });
  });
}

/// In the other one: when that task stands first, in the frame in which it is painted.
function seenAt(name) {
  const isFirst = () => document.querySelector("[data-row='0']")?.textContent.includes(name);
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (isFirst()) {
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      }
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
}
