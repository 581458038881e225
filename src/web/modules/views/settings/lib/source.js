// Where a setting's value comes from, and why it may be changed nowhere else, in words.
// Never in here: settings.

/** `conf/video-compressor.toml:12`, `$VIDEO_COMPRESSOR_NICE` or `--set nice`, to stand after "set in". */
export function sourceInWords(source) {
  const line = /^(.*):(\d+)$/.exec(source);
  if (line) return `${line[1]}, line ${line[2]}`;
  if (source.startsWith("$")) return `the variable ${source.slice(1)}`;
  if (source.startsWith("--")) return `the flag ${source}`;
  return source;
}

/** Why a setting can be changed in the settings file alone. */
export function fixedReason({ allowed }) {
  const namesFiles = /^(a folder|a file|a name looked up in PATH)/.test(allowed);
  return `Only in the settings file: it ${namesFiles ? "names files of" : "protects"} the machine`;
}
