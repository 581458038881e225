// Names that would be HTML, turn the line around or colour a terminal are shown as text in every view.

import assert from "node:assert/strict";

import { api, given, PHONE, until, withBrowser } from "./browser.mjs";

await withBrowser(async (visit) => {
  const { tasks } = await api("GET", "/tasks?limit=100");
  const visitor = await visit();
  const { page } = visitor;
  await visitor.logIn();

  /// What a name may never become: an element, or a handler of one.
  const nothingHasBecome = async (view) => {
    const found = await page.evaluate(() => {
      const strange = "script:not([src]), [onerror], [onmouseover], [onload], main b, main i, img[src='x'], iframe, object";
      return [...document.querySelectorAll(strange)].map((element) => element.outerHTML);
    });
    assert.deepEqual(found, [], `${view}: a name has become an element`);
    const raw = await page.evaluate(() => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.exec(document.body.innerText));
    assert.equal(raw, null, `${view}: a control character is in the page as it is`);
    assert.equal(await page.evaluate(() => window.harmed), undefined, `${view}: a name was run`);
  };
  const view = async (name, address, heading) => {
    await page.goto(address);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await page.getByText(/<img src=x/).first().waitFor();
    await nothingHasBecome(name);
    await visitor.lookAt(`names-${name}`);
  };

  await view("now", "/", "Now");
  await view("queue", "/queue?show=all", "Queue");
  await view("history", "/history", "History");
  for (const [index, task] of tasks.entries()) {
    await page.goto(`/tasks/${task.id}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await nothingHasBecome(`task ${index}`);
    await visitor.lookAt(`names-task-${index}`);
  }
  await view("log", "/settings/log", "Log");
  await page.setViewportSize(PHONE);
  visitor.look = "360-light";
  await view("queue", "/queue?show=all", "Queue");
});
