// Makes the page as it is served from the files that people edit: modules joined, so that a browser without anything of it
// asks for few; everything else as it is. Nothing is made shorter: what is served can be read.
//
//   node scripts/build-page.mjs ROLLUP_FOLDER OUT
//
// OUT must not be there yet. Anything that Rollup warns of is a mistake.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [tools, out] = process.argv.slice(2);
if (out === undefined || fs.existsSync(out)) {
  console.error("usage: node scripts/build-page.mjs ROLLUP_FOLDER OUT, where OUT is not there yet");
  process.exit(2);
}
const files = fileURLToPath(new URL("../src/web/files/", import.meta.url));
const FIRST_STYLE = "style/first.css";

const { rollup } = createRequire(pathToFileURL(path.resolve(tools, "package.json")))("rollup");
const bundle = await rollup({
  input: path.join(files, "app.js"),
  onwarn: (warning) => {
    throw new Error(warning.message);
  },
});
const { output } = await bundle.generate({ format: "es", chunkFileNames: "[name].js", minifyInternalExports: false });
const modules = output.map((chunk) => [chunk.fileName, chunk.code]);

const IMPORT = /^@import "(.+)";$/gm;
const first = fs.readFileSync(path.join(files, FIRST_STYLE), "utf8");
const imported = [...first.matchAll(IMPORT)].map(([, name]) => path.posix.join(path.dirname(FIRST_STYLE), name));
const joined = first.replace(IMPORT, (_, name) =>
  fs.readFileSync(path.join(files, path.dirname(FIRST_STYLE), name), "utf8"),
);

const isAsItIs = (name) =>
  name.startsWith("style/")
    ? name !== FIRST_STYLE && !imported.includes(name)
    : !name.endsWith(".js") || name === "first.js";
const copied = fs
  .readdirSync(files, { recursive: true })
  .map((name) => name.split(path.sep).join("/"))
  .filter((name) => fs.statSync(path.join(files, name)).isFile() && isAsItIs(name))
  .map((name) => [name, fs.readFileSync(path.join(files, name))]);

for (const [name, content] of [...modules, [FIRST_STYLE, joined], ...copied]) {
  const file = path.join(out, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}
