// TCP ports on the loopback address.
import net from "node:net";

import { StepError } from "./log.mjs";

const HOST = "127.0.0.1";

/** A port that nobody listens on at this moment. */
export function freePort() {
  return listenOn(0);
}

/** The port named by an environment variable, else the usual one; fails when somebody listens there. */
export async function claimPort(variable, usual, env = process.env) {
  const port = Number(env[variable] || usual);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StepError(`reading ${variable}`, { why: `"${env[variable]}" is no port.`, fix: `set ${variable} to a number from 1 to 65535, or leave it unset for ${usual}.` });
  }
  try {
    return await listenOn(port);
  } catch (error) {
    const why = error.code === "EADDRINUSE" ? `Another program listens on ${HOST}:${port}.` : error.message;
    throw new StepError(`taking port ${port}`, { why, fix: `stop that program (\`npm run dev\` in another window?), or choose a port: ${variable}=${port + 10} npm run dev` });
  }
}

function listenOn(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(port, HOST, () => {
      const { port: bound } = server.address();
      server.close(() => resolve(bound));
    });
  });
}
