// A film whose source was removed since: its result is shown alone, and nothing complains.

import fs from "node:fs";
import path from "node:path";

import { given, untilStatus, withBrowser } from "./browser.mjs";

const FILM = "720/holiday 1.mp4";

await withBrowser(async (visit) => {
  const { id } = await untilStatus(FILM, "processed");
  fs.rmSync(path.join(given.root, "input", FILM));
  const visitor = await visit();
  const { page } = visitor;
  await visitor.logIn();
  await page.goto(`/tasks/${id}`);
  await page.getByText("The source is not in its place any more").waitFor();
  await page.getByRole("img", { name: /^The result at / }).waitFor();
  await visitor.lookAt("source-gone");
});
