// Filters the output of wrangler. wrangler prints the URL of every request, and some of our URLs are
// capabilities: whoever has one may use it. So their secret parts are replaced.
import { stripVTControlCharacters } from "node:util";

const CAPABILITIES = [
  [/(\/do\/)[^/\s?]+/g, "$1***"],
  [/(\/webhook\/[^/\s?]+\/)[^/\s?]+/g, "$1***"],
  [/([?&](?:token|X-Amz-Signature|X-Amz-Credential)=)[^&\s]+/g, "$1***"],
];

/** Returns a filter for the lines of one wrangler process: it returns the line to print, or null for none. */
export function wranglerLogFilter() {
  let skipping = false;
  return (rawLine) => {
    // wrangler prints colors even into a pipe, and stack.mjs searches for "[ERROR]".
    const line = stripVTControlCharacters(rawLine);
    // wrangler looks up the location of this machine. Without internet it prints a long error that does not matter.
    if (line.includes("Unable to fetch the `Request.cf` object")) skipping = true;
    else if (!/^\s+at |^(Error|TypeError|\s*\[?cause|.*ENOTFOUND|.*ECONN)/.test(line)) skipping = false;
    if (skipping || !line.trim()) return null;
    return CAPABILITIES.reduce((text, [pattern, hidden]) => text.replace(pattern, hidden), line);
  };
}
