// How long it takes until what is done in one page is seen in another one, of another browser session.
//   figures: the median and the longest of several actions, in ms

import { median, tell, visitLoggedIn, withBrowser } from "./visit.mjs";

const ACTIONS = 20;

await withBrowser(async (visit) => {
  const actor = await visitLoggedIn(visit);
  const onlooker = await visitLoggedIn(visit);
  await actor.page.goto("/queue");
  await onlooker.page.goto("/");
  const times = [];
  for (let action = 0; action < ACTIONS; action += 1) {
    const { press, shows } = action % 2 === 0 ? { press: "Resume", shows: "Pause" } : { press: "Pause", shows: "Resume" };
    const button = actor.page.getByRole("button", { name: press, exact: true });
    await button.waitFor();
    const seen = onlooker.page.evaluate(seenAt, shows);
    const pressed = actor.page.evaluate(pressedAt, press);
    await button.click();
    times.push((await seen) - (await pressed));
  }
  console.error(`seen after ${times.map(Math.round)}`);
  tell([median(times), Math.max(...times)]);
});

/// In the acting page: when the button was pressed.
function pressedAt() {
  return new Promise((resolve) => {
    document.addEventListener("click", () => resolve(performance.timeOrigin + performance.now()), {
      capture: true,
      once: true,
    });
  });
}

/// In the other one: when it shows a button of this name, painted.
function seenAt(name) {
  const shows = () => [...document.querySelectorAll("button")].some((button) => button.textContent.trim() === name);
  return new Promise((resolve) => {
    const painted = () => requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    const observer = new MutationObserver(() => {
      if (shows()) {
        observer.disconnect();
        painted();
      }
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
}
