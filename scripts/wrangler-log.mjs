// Filters the output of wrangler. wrangler prints the URL of every request, and some of our URLs are
// capabilities: whoever has one may use it. So their secret parts are replaced.
import { stripVTControlCharacters } from "node:util";

// Values that tell nothing but which page of a list was asked for. The value of any other parameter is hidden.
const HARMLESS = ["after", "cursor", "inline", "limit", "partNumber", "project_id", "status", "type"].join("|");

const CAPABILITIES = [
  [/(\/do\/)[^/\s?]+/g, "$1***"],
  [/(\/webhook\/[^/\s?]+\/)[^/\s?]+/g, "$1***"],
  [/(\/multipart\/)[^/\s?]+/g, "$1***"],
  // Keys of videos: of a download, and of the bucket itself.
  [/(\/videos\/download\/)[^\s?]+/g, "$1***"],
  [/(\/r2\/s3\/[^/\s?]+\/)[^\s?]+/g, "$1***"],
  [/\b(?:in|out)put(?:\/|%2F)[^\s?&"']+/gi, "***"],
  // A token is a number, a moment and a MAC; an upload's id is a UUID and a MAC.
  [/\b[0-9a-f-]+\.(?:[0-9]+\.)?[0-9a-f]{64}\b/gi, "***"],
  [new RegExp(`([?&](?!(?:${HARMLESS})=)[^=&\\s]+=)[^&\\s]+`, "g"), "$1***"],
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
