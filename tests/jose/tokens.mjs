// Makes keys and tokens with the library jose, as a task on the command line says, and prints them as JSON.
//
// Task: { keys: { name: alg }, tokens: [{ name, header, claims | payload, key | secret | public_key_of | none }] }
// - `claims` is an object; `payload` is text that is signed as it is.
// - `key` signs with the private key of that name, `secret` with that text, `public_key_of` with the text of
//   that key's public key as the secret (the classic confusion), `none: true` with nothing.
// Answer: { jwks: { name: public JWK }, tokens: { name: token } }
import { CompactSign, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";

const task = JSON.parse(process.argv[2]);
const keys = {};
const jwks = {};
for (const [name, alg] of Object.entries(task.keys ?? {})) {
  keys[name] = await generateKeyPair(alg, { extractable: true, ...(alg === "EdDSA" ? { crv: "Ed25519" } : {}) });
  jwks[name] = { ...(await exportJWK(keys[name].publicKey)), kid: name, use: "sig", alg };
}

async function signingKey({ key, secret, public_key_of }) {
  if (key) return keys[key].privateKey;
  return new TextEncoder().encode(public_key_of ? await exportSPKI(keys[public_key_of].publicKey) : secret);
}

async function make(token) {
  if (token.none) return new UnsecuredJWT(token.claims).encode();
  const known = { crit: Object.fromEntries((token.header.crit ?? []).map((name) => [name, true])) };
  if (token.payload !== undefined) {
    const signer = new CompactSign(new TextEncoder().encode(token.payload)).setProtectedHeader(token.header);
    return signer.sign(await signingKey(token), known);
  }
  return new SignJWT(token.claims).setProtectedHeader(token.header).sign(await signingKey(token), known);
}

const tokens = {};
for (const token of task.tokens) tokens[token.name] = await make(token);
console.log(JSON.stringify({ jwks, tokens }));
