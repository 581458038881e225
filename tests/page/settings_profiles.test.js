// Profiles on the settings page: out of the settings, edited, and back into changes of them.

import assert from "node:assert/strict";
import test from "node:test";

import {
  commandLines,
  copyName,
  errorsOfPreview,
  errorsOfProfile,
  folderProblem,
  foldersOf,
  inWords,
  keysOfTyped,
  nameProblem,
  profilesOf,
  removingChanges,
  renamingChanges,
  savingChanges,
  typedOfProfile,
} from "../../src/web/modules/views/settings/lib/profiles.js";

/** As of GET /settings; without a source it is at its default. */
const row = (key, value, source = "default") => ({ key, value, default: null, source });

const FILE = "video-compressor.toml:80";

function profileRows() {
  return [
    row("profile", "medium"),
    row("profiles.medium.preset", "medium"),
    row("profiles.medium.crf", 26),
    row("profiles.medium.x265_params", "rd=3"),
    row("profiles.medium.audio", "aac"),
    row("profiles.aimed.preset", "slow", FILE),
    row("profiles.aimed.crf", 24),
    row("profiles.aimed.target", { metric: "vmaf", value: 95 }, FILE),
    row("profiles.aimed.crf_min", 12),
    row("profiles.aimed.crf_max", 34, FILE),
    row("profiles.aimed.x265_params", ""),
    row("profiles.aimed.audio", "copy", FILE),
    row("resolution.1080.profile", "aimed", FILE),
    row("resolution.720.profile", "medium"),
  ];
}

test("profiles and folders come out of the settings, with who uses which", () => {
  const [medium, aimed] = profilesOf(profileRows());
  assert.equal(medium.name, "medium");
  assert.equal(medium.isBuiltIn, true);
  assert.equal(medium.isChanged, false);
  assert.deepEqual(medium.usedBy, ["every folder without its own"]);
  assert.equal(aimed.isBuiltIn, false);
  assert.deepEqual(aimed.usedBy, ["input/1080"]);
  assert.deepEqual(aimed.inFile, ["preset", "target", "crf_max", "audio"]);
  assert.equal(inWords(aimed.keys), "VMAF 95, preset slow, sound as it is");
  assert.equal(inWords(medium.keys), "CRF 26, preset medium, sound AAC");
  assert.deepEqual(
    foldersOf(profileRows()).map((folder) => [folder.height, folder.profile, folder.isOwn]),
    [
      [720, "medium", false],
      [1080, "aimed", true],
    ],
  );
});

test("a new folder is an even height that is not there yet", () => {
  const folders = foldersOf(profileRows());
  for (const name of ["64", "2160", "8640"]) assert.equal(folderProblem(name, folders), null, name);
  for (const name of ["", "62", "8642", "721", "0722", "720p", "1e3", "-2"]) {
    assert.match(folderProblem(name, folders), /even height/, name);
  }
  assert.match(folderProblem("720", folders), /already/);
});

test("a copy says every key, a changed profile only what differs", () => {
  const profiles = profilesOf(profileRows());
  const [medium, aimed] = profiles;
  assert.equal(copyName("medium", profiles), "medium-copy");
  assert.equal(copyName("aimed", [...profiles, { name: "aimed-copy" }]), "aimed-copy-2");
  assert.deepEqual(savingChanges("medium-copy", medium.keys, null), {
    "profiles.medium-copy.preset": "medium",
    "profiles.medium-copy.crf": 26,
    "profiles.medium-copy.x265_params": "rd=3",
    "profiles.medium-copy.audio": "aac",
  });
  assert.deepEqual(savingChanges("medium", { ...medium.keys, crf: 22 }, medium), { "profiles.medium.crf": 22 });
  assert.deepEqual(savingChanges("medium", medium.keys, medium), {});
  // From a target to a CRF: crf and target may not stand beside each other.
  assert.deepEqual(savingChanges("aimed", { ...aimed.keys, target: null, crf: 20 }, aimed), {
    "profiles.aimed.crf": 20,
    "profiles.aimed.target": null,
    "profiles.aimed.crf_max": null,
  });
});

test("a renamed profile takes the folders that name it along", () => {
  const rows = profileRows();
  const aimed = profilesOf(rows)[1];
  const changes = renamingChanges("steady", aimed.keys, aimed, rows);
  assert.equal(changes["resolution.1080.profile"], "steady");
  assert.equal(changes["profiles.steady.crf_max"], 34);
  assert.equal(changes["profiles.aimed"], null);
  assert.equal("resolution.720.profile" in changes, false);
  assert.deepEqual(removingChanges(aimed), { "profiles.aimed": null });
});

test("what is typed for a profile is what it was, or told at its field", () => {
  const [medium, aimed] = profilesOf(profileRows());
  for (const { keys } of [medium, aimed]) assert.deepEqual(keysOfTyped(typedOfProfile(keys)), { keys, errors: {} });
  const typed = typedOfProfile(aimed.keys);
  assert.deepEqual(keysOfTyped({ ...typed, aim: "101", crf_min: "", crf_max: "30" }).errors, {
    aim: "Allowed is 1 to 100.",
    crf_min: "Allowed is 0 to 51.",
  });
  const crossed = keysOfTyped({ ...typed, crf_min: "30", crf_max: "20" });
  assert.deepEqual(crossed.errors, { crf_max: "It is below the lowest CRF." });
  // What is not asked for is not judged.
  assert.deepEqual(keysOfTyped({ ...typed, way: "crf", crf: "22,5", aim: "" }).errors, {});
  assert.equal(keysOfTyped({ ...typed, way: "crf", crf: "22,5" }).keys.crf, 22.5);
});

test("a profile's name is checked, and its errors go to its fields", () => {
  const profiles = profilesOf(profileRows());
  assert.equal(nameProblem("small", profiles), null);
  assert.equal(nameProblem("aimed", profiles, "aimed"), null);
  assert.match(nameProblem("aimed", profiles), /already/);
  for (const name of ["", "a b", "ä", "x".repeat(33), "a.b"]) {
    assert.match(nameProblem(name, profiles), /Allowed/, name);
  }
  assert.deepEqual(
    errorsOfProfile(
      [
        { key: "profiles.small.crf", detail: "no" },
        { key: "profiles.small.target", detail: "neither" },
        { key: "profiles.other.crf", detail: "x" },
      ],
      "small",
    ),
    { crf: "no", aim: "neither" },
  );
  const errors = [
    { key: "x265_params", detail: "no" },
    { key: "task", detail: "this film would be left as it is" },
  ];
  assert.deepEqual(errorsOfPreview({ errors }), { x265_params: "no" });
  assert.deepEqual(errorsOfPreview(null), {});
});

test("a command has a line for each option with values, and is still one for a shell", () => {
  assert.equal(
    commandLines(["ffmpeg", "-y", "-nostdin", "-i", "'a b.mkv'", "-ss", "-1", "-map", "0:v:0", "output/a.mkv"]),
    "ffmpeg -y -nostdin \\\n  -i 'a b.mkv' \\\n  -ss -1 \\\n  -map 0:v:0 output/a.mkv",
  );
});
