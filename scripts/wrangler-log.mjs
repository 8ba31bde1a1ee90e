// What of wrangler's output people see. It prints the path of every request, and some of our paths
// and queries are capabilities: who reads the log must not be able to use them.
import { stripVTControlCharacters } from "node:util";

const CAPABILITIES = [
  [/(\/do\/)[^/\s?]+/g, "$1***"],
  [/(\/webhook\/[^/\s?]+\/)[^/\s?]+/g, "$1***"],
  [/([?&](?:token|X-Amz-Signature|X-Amz-Credential)=)[^&\s]+/g, "$1***"],
];

/** Returns a filter for the lines of one wrangler: a line to show, or null for one of no interest. */
export function readable() {
  let skipping = false;
  return (coloured) => {
    // It colours its warnings even for a file, and a search for "[ERROR]" must find one.
    const line = stripVTControlCharacters(coloured);
    // It looks up where this machine is, and tells at length when it cannot: nothing here needs it.
    if (line.includes("Unable to fetch the `Request.cf` object")) skipping = true;
    else if (!/^\s+at |^(Error|TypeError|\s*\[?cause|.*ENOTFOUND|.*ECONN)/.test(line)) skipping = false;
    if (skipping || !line.trim()) return null;
    return CAPABILITIES.reduce((text, [pattern, hidden]) => text.replace(pattern, hidden), line);
  };
}
