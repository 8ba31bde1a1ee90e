// Verifies deliveries with the reference library of Standard Webhooks, as a receiver does.
//
// Standard input: [{ secret, headers, body }] in JSON. Answer: a list of the payloads, null where one was refused.
import { text } from "node:stream/consumers";

import { Webhook } from "standardwebhooks";

const verify = ({ secret, headers, body }) => {
  try {
    return new Webhook(secret).verify(body, headers);
  } catch {
    return null;
  }
};

console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(verify)));
