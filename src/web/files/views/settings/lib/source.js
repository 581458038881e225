// Where a setting's value comes from, in words.
// Never in here: settings.

/** `conf/video-compressor.toml:12`, `$VIDEO_COMPRESSOR_NICE` or `--set nice`, to stand after "set in". */
export function sourceInWords(source) {
  const line = /^(.*):(\d+)$/.exec(source);
  if (line) return `${line[1]}, line ${line[2]}`;
  if (source.startsWith("$")) return `the variable ${source.slice(1)}`;
  if (source.startsWith("--")) return `the flag ${source}`;
  return source;
}
