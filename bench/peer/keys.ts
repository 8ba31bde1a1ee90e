// The API key, and tokens that say what their holder may do: `{attempt}.{expiry}.{HMAC in hex}`.
// Keys are imported once an isolate.
import type { Env } from "./env";

const encoder = new TextEncoder();
let signingKey: Promise<CryptoKey> | undefined;
let apiKey: Uint8Array | undefined;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const keyOf = (env: Env) =>
  (signingKey ??= crypto.subtle.importKey("raw", encoder.encode(env.SIGNING_KEY), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]));

export type Purpose = "callback" | "webhook" | "watch";

const signed = (purpose: Purpose, job: string, attempt: string | number, expiry: string | number) => encoder.encode(`${purpose}\n${job}\n${attempt}\n${expiry}`);

export async function signToken(env: Env, purpose: Purpose, job: string, attempt: number, expiry: number): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(env), signed(purpose, job, attempt, expiry)));
  let hex = "";
  for (const byte of mac) hex += HEX[byte];
  return `${attempt}.${expiry}.${hex}`;
}

const FORM = /^(0|[1-9]\d{0,9})\.([1-9]\d{0,11})\.([0-9a-f]{64})$/;

/** The attempt of a valid token and its expiry, or null. */
export async function verifyToken(env: Env, purpose: Purpose, job: string, token: string): Promise<{ attempt: number; expiry: number } | null> {
  const parts = FORM.exec(token);
  if (!parts) return null;
  const [, attempt, expiry, hex] = parts;
  const mac = new Uint8Array(32);
  for (let at = 0; at < 32; at++) mac[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  const valid = await crypto.subtle.verify("HMAC", await keyOf(env), mac, signed(purpose, job, attempt, expiry));
  return valid && Number(expiry) >= Math.floor(Date.now() / 1000) ? { attempt: Number(attempt), expiry: Number(expiry) } : null;
}

/** Whether the header carries the API key, compared in constant time. */
export function hasApiKey(env: Env, authorization: string | undefined): boolean {
  if (!authorization?.startsWith("Bearer ")) return false;
  apiKey ??= encoder.encode(env.WORKERS_API_KEY);
  const shown = encoder.encode(authorization.slice(7));
  return shown.byteLength === apiKey.byteLength && crypto.subtle.timingSafeEqual(shown, apiKey);
}
