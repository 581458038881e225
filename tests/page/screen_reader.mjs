// What a screen reader is told: one heading and one main part in each view, and the roles and names of what is there.

import assert from "node:assert/strict";

import { settled, untilStatus, withBrowser } from "./browser.mjs";

const EVERYWHERE = [
  ["link", "Skip to content"],
  ["navigation", "Main"],
  ["link", "Now"],
  ["link", "Queue"],
  ["link", "History"],
  ["link", "Add files"],
  ["link", "Settings"],
];

const views = (done) => [
  ["/", "Now", [["button", "Pause"], ["region", "Running encodes"], ["heading", "Machine"], ["meter", "Memory in use"]]],
  ["/queue?show=failed", "Queue", [
    ["navigation", "States"],
    ["searchbox", "Search by name or folder"],
    ["grid", "Tasks"],
    ["columnheader", "State"],
    ["checkbox", "Choose 720/broken.mp4"],
    ["button", "What to do with 720/broken.mp4"],
    ["button", "More for the queue"],
  ]],
  ["/history", "History", [["searchbox", "Search by name or folder"], ["grid", "Ended tasks"]]],
  [`/tasks/${done}`, "holiday 1.mp4", [
    ["link", "Download"],
    ["button", "Encode again"],
    ["slider", "How much of the source is shown"],
    ["slider", "Moment of the film"],
    ["table", ""],
    ["columnheader", "Source"],
    ["rowheader", "Codec"],
  ]],
  ["/add", "Add files", [["combobox", "Resolution"], ["combobox", "Profile"], ["button", "Choose files"], ["button", "Choose a folder"]]],
  ["/settings", "All settings", [["searchbox", "Search the settings"], ["textbox", "Sweep in seconds"], ["button", "Test ffmpeg"]]],
];

await withBrowser(async (visit) => {
  const { id } = await untilStatus("720/holiday 1.mp4", "processed");
  await untilStatus("720/broken.mp4", "failed");
  const visitor = await visit();
  const { page } = visitor;
  await visitor.logIn();
  for (const [address, heading, there] of views(id)) {
    await page.goto(address);
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    await settled(page);
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1, `${address} has one heading`);
    assert.equal(await page.getByRole("main").count(), 1, `${address} has one main part`);
    assert.match(await page.title(), new RegExp(`^${heading}`), `the tab of ${address} is called as its heading`);
    for (const [role, name] of [...EVERYWHERE, ...there]) {
      const found = page.getByRole(role, name === "" ? {} : { name, exact: true }).first();
      await found.waitFor({ state: "attached", timeout: 10_000 }).catch(() => {
        visitor.findings.push(`${address}: there is no ${role} "${name}"`);
      });
    }
    const words = await page.getByRole("main").ariaSnapshot();
    const nameless = words.split("\n").filter((line) => /^\s*- (button|link|checkbox|textbox|slider|combobox)(:|$| \[)/.test(line));
    assert.deepEqual(nameless, [], `${address}: everything that can be used has a name`);
  }
});
