// What the scripts print, in one voice, and the one kind of failure that is meant for people.

const colour = (stream) => Boolean(stream.isTTY) && !process.env.NO_COLOR;
const paint = (code, text, stream = process.stdout) => (colour(stream) ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text) => paint("1", text);
export const dim = (text) => paint("2", text);
export const green = (text) => paint("32", text);
export const tinted = (index, text) => paint(["36", "35", "33", "32"][index % 4], text);

export const say = (text = "") => console.log(text);
export const printHeading = (text) => console.log(`\n${bold(`== ${text}`)}`);

/** `1.2 s`, `2 min 5 s`: for people, not for machines. */
export function formatDuration(ms) {
  const s = ms / 1000;
  if (s < 100) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/**
 * A step that failed for a reason a person can act on: what was tried, the last words of the
 * program that refused, and what to do. Everything else that is thrown is a bug in a script.
 */
export class StepError extends Error {
  constructor(step, { why = "", fix = "", exitCode = 1 } = {}) {
    super(step);
    this.name = "StepError";
    this.why = why;
    this.fix = fix;
    this.exitCode = exitCode;
  }

  print() {
    console.error(paint("31", `\nFailed: ${this.message}`, process.stderr));
    if (this.why) console.error(indent(this.why));
    if (this.fix) console.error(`Fix: ${this.fix}`);
  }
}

const indent = (text) => text.split("\n").map((line) => `  ${line}`).join("\n");
