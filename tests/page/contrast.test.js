// Whether what is written can be read: style/tokens.css, in both themes.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const STYLES = new URL("../../src/web/files/style/", import.meta.url);
const all = readFileSync(new URL("tokens.css", STYLES), "utf8");

/** The tokens of the blocks whose selector is this, as {name: value}. */
const tokens = (selector) => {
  const blocks = all
    .split(`${selector} {`)
    .slice(1)
    .map((rest) => rest.split("}")[0]);
  assert.ok(blocks.length > 0, selector);
  const lines = blocks.flatMap((block) => [...block.matchAll(/--([\w-]+): ([^;]+);/g)]);
  return Object.fromEntries(lines.map(([, name, value]) => [name, value]));
};

const light = tokens("\n:root");
const darkBySystem = tokens(':root:not([data-theme="light"])');
const darkByChoice = tokens(':root[data-theme="dark"]');

const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const luminance = (hex) => {
  const [red, green, blue] = [1, 3, 5].map((from) => channel(parseInt(hex.slice(from, from + 2), 16) / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
};

const GROUNDS = ["ground", "surface", "sunken", "hover"];
const TEXTS = [
  ...["ink", "ink-quiet", "blue", "green", "amber", "red"].flatMap((text) => GROUNDS.map((ground) => [text, ground])),
  ...["blue", "green", "amber", "red"].flatMap((tone) =>
    [tone, "ink", "ink-quiet"].map((text) => [text, `${tone}-ground`]),
  ),
  ["blue-ink", "blue"],
  ["red-ink", "red"],
  ["ground", "ink"],
];
/** Edges of controls and the marks of films. */
const MARKS = ["line-strong", "blue", "green", "red"].map((mark) => [mark, "ground"]);

for (const [theme, own] of [
  ["light", light],
  ["dark", { ...light, ...darkByChoice }],
]) {
  test(`every text can be read in the ${theme} theme`, () => {
    for (const [text, ground] of TEXTS) {
      const found = contrast(own[text], own[ground]);
      assert.ok(found >= 4.5, `${text} on ${ground}: ${found.toFixed(2)}`);
    }
  });
  test(`every mark can be seen in the ${theme} theme`, () => {
    for (const [mark, ground] of MARKS) {
      const found = contrast(own[mark], own[ground]);
      assert.ok(found >= 3, `${mark} on ${ground}: ${found.toFixed(2)}`);
    }
  });
}

test("dark is the same by the system and by choice", () => {
  assert.deepEqual(darkBySystem, darkByChoice);
});

test("no style but the tokens names a colour", () => {
  const files = readdirSync(STYLES, { recursive: true }).filter((file) => file.endsWith(".css"));
  for (const name of files.filter((file) => file !== "tokens.css")) {
    const found = readFileSync(new URL(name, STYLES), "utf8").match(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/gi);
    assert.equal(found, null, `${name}: ${found}`);
  }
});
