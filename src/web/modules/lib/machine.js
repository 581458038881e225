// How the machine is, in the few numbers that are shown: pure.
// Never in here: DOM, requests.

const part = (some, all) => (all > 0 ? (some / all) * 100 : 0);

const FULL_PERCENT = 95;

/**
 * One row for each disk: folders of the same one are named together. `[{names, freeBytes, totalBytes, usedPercent,
 * isFull}]`
 */
export const disksOf = (disks) => {
  const rows = new Map();
  for (const { folder, total_bytes: totalBytes, free_bytes: freeBytes } of disks) {
    const key = `${totalBytes} ${freeBytes}`;
    const row = rows.get(key);
    if (row) row.names.push(folder);
    else rows.set(key, { names: [folder], totalBytes, freeBytes });
  }
  return [...rows.values()].map((row) => {
    const usedPercent = part(row.totalBytes - row.freeBytes, row.totalBytes);
    return { ...row, usedPercent, isFull: usedPercent >= FULL_PERCENT };
  });
};

/** The hottest sensor `{sensor, celsius, isHot}`, or null where the system tells none. */
export const hottestOf = (temperatures) => {
  const hottest = temperatures.reduce((most, one) => (most === null || one.celsius > most.celsius ? one : most), null);
  if (!hottest) return null;
  const { sensor, celsius, critical_celsius: critical } = hottest;
  return { sensor, celsius, isHot: critical != null && celsius >= critical - 10 };
};

/** `{usedBytes, totalBytes, usedPercent}`. */
export const memoryOf = ({ used_bytes: usedBytes, total_bytes: totalBytes }) => ({
  usedBytes,
  totalBytes,
  usedPercent: part(usedBytes, totalBytes),
});
