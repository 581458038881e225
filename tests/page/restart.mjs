// An upload is paused when its sender logs out, and goes on when asked to; then the service is stopped in order and started
// again while it is under way and another page is open.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { given, outside, PATIENCE_MS, untilStatus, withBrowser } from "./browser.mjs";

const FILM = "clips/long.mkv";
const BYTES_PER_SECOND = 8 << 20;
/// The browser itself says so, whatever a page does.
const NO_ANSWER = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK_CHANGED|status of 503/;

await withBrowser(async (visit) => {
  const onlooker = await visit();
  await onlooker.logIn();
  const lost = onlooker.page.getByText(/^Not live since \d\d:\d\d/);
  assert.equal(await lost.count(), 0);

  const sender = await visit();
  await sender.logIn();
  await sender.go("Add files");
  const session = await sender.context.newCDPSession(sender.page);
  const network = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: BYTES_PER_SECOND };
  await session.send("Network.emulateNetworkConditions", network);
  await sender.page.locator("input[type=file]").first().setInputFiles(path.join(given.root, FILM));
  const untilSent = (percent) =>
    sender.page.waitForFunction(
      (percent) => Number(document.querySelector("main [role=progressbar]")?.getAttribute("aria-valuenow")) >= percent,
      percent,
      { timeout: PATIENCE_MS },
    );
  await untilSent(25);
  const offsets = [];
  sender.page.on("request", (request) => {
    if (request.method() === "PATCH") {
      offsets.push(Number(request.headers()["upload-offset"]));
    }
  });
  // Who logs in next does not send for whom has logged out.
  await sender.page.getByRole("button", { name: /^admin/ }).click();
  await sender.page.getByRole("menuitem", { name: "Log out" }).click();
  await sender.page.getByRole("heading", { level: 1, name: "Log in" }).waitFor();
  await sender.fillLogIn();
  await sender.go("Add files");
  await sender.page.getByText("Paused").waitFor();
  await sender.page.getByRole("button", { name: "Go on with long.mkv" }).click();
  await untilSent(50);
  onlooker.expect(NO_ANSWER);
  sender.expect(NO_ANSWER);
  await outside("stop");
  await lost.waitFor();
  await onlooker.page.locator(".machine.old").waitFor();
  await onlooker.lookAt("lost");
  await sender.picture("upload-lost");
  await outside("start");
  await lost.waitFor({ state: "detached" });
  await untilStatus("720/long.mkv", "queued");
  await sender.page.getByText("long.mkv").first().waitFor();

  await onlooker.page.locator(".machine:not(.old)").waitFor();
  onlooker.expect(null);
  sender.expect(null);
  await onlooker.lookAt("back");
  await sender.lookAt("upload-done");
  const sent = fs.readFileSync(path.join(given.root, FILM));
  const arrived = fs.readFileSync(path.join(given.root, "input/720/long.mkv"));
  assert.ok(sent.equals(arrived), "the upload is byte for byte what was sent");
  assert.ok(offsets.length > 0 && offsets.every((offset) => offset > 0), `it began anew: offsets ${offsets}`);
});
