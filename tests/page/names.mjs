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
    assert.equal(await page.evaluate(() => window.harmed), undefined, `${view}: a name was run`);
    const raw = await page.evaluate(() => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) {
        texts.push(walker.currentNode.nodeValue);
      }
      return [document.title, ...texts].filter((text) => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text));
    });
    if (raw.length > 0) {
      visitor.findings.push(`${view}: a control character is in the page as it is: ${JSON.stringify(raw)}`);
    }
  };
  const view = async (name, address) => {
    await page.goto(address);
    await page.getByRole("main").getByText(/<img src=x/).first().waitFor();
    await nothingHasBecome(name);
    await visitor.lookAt(`names-${name}`);
  };

  await view("now", "/");
  await view("queue", "/queue?show=all");
  await view("history", "/history");
  for (const [index, task] of tasks.entries()) {
    await page.goto(`/tasks/${task.id}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await nothingHasBecome(`task ${index}`);
    await visitor.lookAt(`names-task-${index}`);
  }
  await view("log", "/settings/log");
  await page.setViewportSize(PHONE);
  visitor.look = "360-light";
  await view("queue", "/queue?show=all");
});
