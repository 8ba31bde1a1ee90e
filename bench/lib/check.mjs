// Whether a ratio has fallen behind the committed one by more than the noise of both.

// Ratios of two runs differ by this much even on a quiet machine.
const FLOOR = 0.05;

/** What each ratio was, is, and may be; `worse` where it is more. */
export function compareRatios(committed, measured) {
  return Object.entries(measured).flatMap(([route, { ratio: now }]) => {
    const before = committed[route]?.ratio;
    if (!before || !now) return [];
    const noise = Math.max(FLOOR, before.high - before.median, now.median - now.low);
    return [{ route, before: before.median, now: now.median, noise, worse: now.median > before.median + noise }];
  });
}
