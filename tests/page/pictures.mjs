// The README's pictures: what the page looks like in the middle of its work, in light and in dark colours.

import fs from "node:fs";
import path from "node:path";

import { api, given, PHONE, settled, until, withBrowser } from "./browser.mjs";

const DESK = { width: 1280, height: 800 };
/// High enough for a picture of 16:9 and what is below it.
const DESK_FOR_A_FILM = { width: 1280, height: 990 };
/// How far the longest film is to be, in percent: its strip shows something then.
const BEGUN = 20;

await withBrowser(async (visit) => {
  const looks = ["light", "dark"];
  const desks = await Promise.all(looks.map((colours) => visit({ size: DESK, colours })));
  const phones = await Promise.all(looks.map((colours) => visit({ size: PHONE, colours })));
  for (const visitor of [...desks, ...phones]) {
    await visitor.logIn();
  }
  await until("the longest film has begun", isBegun);
  await Promise.all(desks.map((desk) => keep(desk, "now")));
  await Promise.all(phones.map((phone) => keep(phone, "phone")));
  await Promise.all(desks.map((desk) => openFilm(desk).then(() => keep(desk, "compare"))));
});

async function isBegun() {
  const { tasks } = await api("GET", "/tasks?status=processing&sort=-size");
  return tasks[0]?.progress?.percent > BEGUN && tasks[0].progress.projected_bytes !== null;
}

async function openFilm({ page }) {
  const { tasks } = await api("GET", "/tasks?status=processed");
  const film = tasks.find((task) => task.path.endsWith(given.look.compare)) ?? tasks[0];
  await page.setViewportSize(DESK_FOR_A_FILM);
  await page.goto(`/tasks/${film.id}`);
  await page.getByRole("slider", { name: "How much of the source is shown" }).waitFor();
}

/// As `docs/images/now-light.png`.
async function keep({ page, look }, name) {
  await settled(page);
  const [, colours] = look.split("-");
  const file = path.join(given.pictures, `${name}-${colours}.png`);
  fs.writeFileSync(file, await page.screenshot({ animations: "disabled" }));
}
