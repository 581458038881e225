// The whole path of someone who sends films: log in, drop files, watch, look, compare, retry, reorder, set, log out.

import { addFiles, watch } from "./add_path.mjs";
import { given, withBrowser } from "./browser.mjs";
import { chooseAndAsk, reorder, retry } from "./queue_path.mjs";
import { changeASetting, tourOfSettings } from "./settings_path.mjs";
import { lookAtAFile, lookAtTheHistory } from "./task_path.mjs";

await withBrowser(async (visit) => {
  const visitor = await visit(given.look);
  const { page } = visitor;
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: "Log in" }).waitFor();
  await visitor.lookAt("login");
  await visitor.logIn();
  await visitor.lookAt("now-empty");
  await addFiles(visitor);
  await watch(visitor);
  await lookAtAFile(visitor);
  await retry(visitor);
  await reorder(visitor);
  await chooseAndAsk(visitor);
  await lookAtTheHistory(visitor);
  await changeASetting(visitor);
  await tourOfSettings(visitor);
  await logOut(visitor);
});

async function logOut(visitor) {
  const { page } = visitor;
  await page.getByRole("button", { name: /^admin/ }).click();
  await page.getByRole("menu").waitFor();
  await visitor.lookAt("menu");
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByRole("heading", { level: 1, name: "Log in" }).waitFor();
  await page.goto("/queue");
  await page.getByRole("heading", { level: 1, name: "Log in" }).waitFor();
}
