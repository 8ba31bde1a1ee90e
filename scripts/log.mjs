// How the scripts print, and the one error that is meant for the person who runs them.

const withColor = (code, text, stream = process.stdout) => (stream.isTTY && !process.env.NO_COLOR ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text) => withColor("1", text);
export const dim = (text) => withColor("2", text);
export const cyan = (text) => withColor("36", text);
export const magenta = (text) => withColor("35", text);

export const printHeading = (text) => console.log(`\n${bold(`== ${text}`)}`);

/** `1.2 s` or `2 min 5 s`. */
export function formatDuration(ms) {
  const s = ms / 1000;
  if (s < 100) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/**
 * A step that failed for a reason that a person can do something about: what was tried, why it failed
 * (usually the last output of a program), and how to fix it. Any other error is a bug in a script.
 */
export class StepError extends Error {
  constructor(step, { why = "", fix = "" }) {
    super(step);
    this.why = why;
    this.fix = fix;
  }

  print() {
    console.error(withColor("31", `\nFailed: ${this.message}`, process.stderr));
    if (this.why) console.error(this.why.replace(/^/gm, "  "));
    if (this.fix) console.error(`Fix: ${this.fix}`);
  }
}
