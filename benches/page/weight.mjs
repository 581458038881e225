// What everything that the page is made of weighs as it is sent: each file once, compressed as a browser asks for it.
//   figures: all files, in KB (thousands of bytes)

import http from "node:http";
import fs from "node:fs";
import path from "node:path";

const given = JSON.parse(process.argv[2]);
const files = new URL("../../src/web/files/", import.meta.url).pathname;

/// The body's length on the wire, and the body.
function fetchRaw(where) {
  return new Promise((resolve, reject) => {
    const headers = { "Accept-Encoding": "gzip" };
    http
      .get(`${given.url}${where}`, { headers }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          if (answer.statusCode !== 200) {
            reject(new Error(`${where}: ${answer.statusCode}`));
          }
          resolve(Buffer.concat(parts));
        });
      })
      .on("error", reject);
  });
}

const index = await (await fetch(`${given.url}/login`)).text();
const [, version] = /\/page\/([^/"]+)\//.exec(index);
const names = fs
  .readdirSync(files, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(files, path.join(entry.parentPath ?? entry.path, entry.name)))
  .filter((name) => name !== "index.html");
const sizes = [["/login", (await fetchRaw("/login")).length]];
for (const name of names) {
  sizes.push([name, (await fetchRaw(`/page/${version}/${name}`)).length]);
}
sizes.sort(([, a], [, b]) => b - a);
console.error(sizes.slice(0, 12).map(([name, size]) => `${name} ${size}`).join(", "));
const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
process.stdout.write(`${JSON.stringify([bytes / 1000])}\n`);
