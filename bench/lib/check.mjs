// Whether a ratio has fallen behind the committed one by more than the noise of both.

// Ratios of two runs differ by this much even on a quiet machine.
const FLOOR = 0.05;
// Of a normal distribution: what the distance of its quartiles is in standard deviations, and how much further than
// a mean a median is from the truth.
const QUARTILES = 1.349;
const MEDIAN = 1.253;
// Ten routes are compared: with two deviations, every fourth run would find one worse by chance.
const DEVIATIONS = 3;

/** What each ratio was, is, and may be; `worse` where it is more. */
export function compareRatios(committed, measured) {
  return Object.entries(measured).flatMap(([route, { ratio: now }]) => {
    const before = committed[route]?.ratio;
    if (!before || !now) return [];
    // The quartiles of a few turns say little: the wider pair counts for both.
    const deviation = Math.max(before.high - before.low, now.high - now.low) / QUARTILES;
    const noise = Math.max(FLOOR, DEVIATIONS * MEDIAN * deviation * Math.sqrt(1 / before.turns + 1 / now.turns));
    return [{ route, before: before.median, now: now.median, noise, worse: now.median > before.median + noise }];
  });
}
