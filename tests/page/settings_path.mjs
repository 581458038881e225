// The settings, as far as the whole path goes through them: every section, a dialog of each kind, and one change.

import assert from "node:assert/strict";

import { fileText, until } from "./browser.mjs";

const SECTIONS = ["Profiles", "Alerts", "Users and keys", "Sessions", "Log", "About"];

const section = (page, name) => page.getByRole("navigation", { name: "Sections of the settings" }).getByRole("link", { name });

/// Changes a setting by its field and the bar that appears; the file's other lines stay as they were.
export async function changeASetting(visitor) {
  const { page } = visitor;
  await visitor.go("Settings", "All settings");
  await visitor.lookAt("settings");
  const before = fileText("conf/video-compressor.toml");
  assert.ok(before.includes("\nsweep_seconds = 1\n"));
  await page.getByRole("searchbox").fill("sweep_seconds");
  const field = page.getByRole("textbox", { name: "Sweep in seconds" });
  await field.fill("0");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText(/0\.1 to 86400/).first().waitFor();
  await visitor.lookAt("settings-refused");
  assert.equal(fileText("conf/video-compressor.toml"), before, "what is refused changes nothing");
  await field.fill("7");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("region", { name: "Changes that are not saved" }).waitFor({ state: "detached" });
  await visitor.lookAt("settings-saved");
  const after = await until("the file has it", () => {
    const text = fileText("conf/video-compressor.toml");
    return text.includes("\nsweep_seconds = 7\n") && text;
  });
  assert.equal(after, before.replace("\nsweep_seconds = 1\n", "\nsweep_seconds = 7\n"), "all else stays as it was");
}

/// Looks at every section, and at the dialogs of users and keys.
export async function tourOfSettings(visitor) {
  const { page } = visitor;
  for (const name of SECTIONS) {
    await section(page, name).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await visitor.lookAt(`settings-${name.toLowerCase().replaceAll(" ", "-")}`);
  }
  await section(page, "Users and keys").click();
  for (const [button, title] of [["Add a user", "Add a user"], ["Make a key", "Make a key"]]) {
    await page.getByRole("button", { name: button }).click();
    const dialog = page.getByRole("dialog", { name: title });
    await dialog.waitFor();
    await visitor.lookAt(`dialog-${title.toLowerCase().replaceAll(" ", "-")}`);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
  await section(page, "Profiles").click();
  await page.getByRole("button", { name: "Edit a copy of medium" }).click();
  await page.getByRole("textbox", { name: "Name" }).waitFor();
  await visitor.lookAt("settings-profile");
}
