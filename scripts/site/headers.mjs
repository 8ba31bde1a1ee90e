// `_headers`: what the platform sends with the files. Answers of the Worker have headers of their own.

const policy = (directives) => Object.entries({ "default-src": "'none'", ...directives, "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'" }).map((pair) => pair.join(" ")).join("; ");

const GUIDE = policy({ "style-src": "'self'", "img-src": "'self'" });
// Swagger UI has its arrows as data: pictures in its stylesheet, and calls the API that it is served by.
const REFERENCE = policy({ "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:", "connect-src": "'self'" });

// Of two rules for one path both headers are sent, so no two rules of a path name the same header.
const RULES = [
  ["/*", ["X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "X-Frame-Options: DENY", "Cross-Origin-Opener-Policy: same-origin"]],
  ["/docs", [`Content-Security-Policy: ${REFERENCE}`]],
  ["/docs/*", [`Content-Security-Policy: ${GUIDE}`]],
  ["/docs/assets/*", ["! Cache-Control", "Cache-Control: public, max-age=31536000, immutable"]],
  ...["/openapi.json", "/schemas/*", "/llms.txt", "/llms-full.txt"].map((path) => [
    path,
    [`Content-Security-Policy: ${policy({})}`, "Access-Control-Allow-Origin: *", "! Cache-Control", "Cache-Control: public, max-age=300"],
  ]),
];

/** The file's text. */
export const headersFile = () => `${RULES.map(([path, headers]) => [path, ...headers.map((header) => `  ${header}`)].join("\n")).join("\n\n")}\n`;
