// Sends a file as any user of tus-js-client would, and says how far it is: one number a line, then the upload's address.
//   node upload.cjs ENDPOINT KEY FILE NAME [CHUNK_BYTES]
const fs = require('node:fs');
const tus = require('tus-js-client');

const [endpoint, key, file, filename, chunk] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename, resolution: '720', priority: '4' },
  uploadSize: fs.statSync(file).size,
  chunkSize: chunk ? Number(chunk) : Infinity,
  retryDelays: [100, 200, 400, 800, 1000, 1000, 2000, 2000, 4000, 4000],
  onProgress: (sent) => console.log(String(sent)),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(`done ${upload.url}`),
});
upload.start();
