// Sending films, as far as the whole path goes: chosen, dropped, dropped as a folder; followed until they are compressed.

import assert from "node:assert/strict";
import path from "node:path";

import { api, drop, given, task, until, untilStatus } from "./browser.mjs";

const clip = (name) => path.join(given.root, "clips", name);

/// Chooses one film, drops two with a broken one and a text, drops a folder, and sees all of them come.
export async function addFiles(visitor) {
  const { page } = visitor;
  await visitor.go("Add files");
  await visitor.lookAt("add");
  const zone = page.locator(".drop-zone");
  await page.getByLabel("Files", { exact: true }).setInputFiles(clip("holiday 1.mp4"));
  await row(page, "holiday 1.mp4").waitFor();
  await drop(page, zone, [clip("holiday 2.mp4"), clip("broken.mp4"), clip("notes.txt")]);
  await row(page, "broken.mp4").waitFor();
  await page.getByText("1 file is not sent").waitFor();
  await page.getByText("Which, and why").click();
  await visitor.lookAt("add-left-out");
  await drop(page, zone, [clip("Trip")]);
  await row(page, "holiday 3.mp4").waitFor();
  for (const where of ["720/holiday 1.mp4", "720/holiday 2.mp4", "720/Trip/holiday 3.mp4"]) {
    await untilStatus(where, "processed");
  }
  const broken = await untilStatus("720/broken.mp4", "failed");
  assert.match(broken.error, /truncated/);
  assert.equal(await task("720/notes.txt"), undefined);
  await row(page, "holiday 1.mp4").getByText("Done").waitFor();
  await row(page, "broken.mp4").getByText("Failed").waitFor();
  await visitor.lookAt("add-done");
}

const row = (page, name) => page.locator(".outbox-row").filter({ hasText: name });

/// A film that takes a while is seen in Now, stands still, goes on and is done.
export async function watch(visitor) {
  const { page } = visitor;
  await drop(page, page.locator(".drop-zone"), [clip("long film.mkv")]);
  const { id } = await untilStatus("720/long film.mkv", "processing");
  await visitor.go("Now");
  await page.getByRole("progressbar", { name: "Progress of long film.mkv" }).waitFor();
  await until("it is told how far it is", async () => (await api("GET", `/tasks/${id}`)).progress?.percent > 0);
  await page.getByRole("button", { name: "Freeze long film.mkv" }).click();
  await page.getByText("Frozen").first().waitFor();
  assert.equal((await api("GET", `/tasks/${id}`)).frozen, true);
  await visitor.lookAt("now-frozen");
  await page.getByRole("button", { name: "Go on with long film.mkv" }).click();
  await page.getByRole("button", { name: "Freeze long film.mkv" }).waitFor();
  await visitor.lookAt("now-running");
  await untilStatus("720/long film.mkv", "processed");
  await page.getByText("All done").waitFor();
  await page.locator(".recent").getByRole("link", { name: /long film/ }).waitFor();
  await visitor.lookAt("now-done");
}
