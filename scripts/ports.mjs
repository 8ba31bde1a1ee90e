// TCP ports on the loopback address.
import net from "node:net";

import { StepError } from "./log.mjs";

const HOST = "127.0.0.1";

/** A port that no program listens on at this moment. */
export function freePort() {
  return listenOn(0);
}

/** The port that an environment variable names, or the default one. Fails when a program listens on it. */
export async function claimPort(variable, defaultPort, env = process.env) {
  const port = Number(env[variable] || defaultPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StepError(`reading ${variable}`, { why: `"${env[variable]}" is not a port number.`, fix: `set ${variable} to a number from 1 to 65535, or unset it to use ${defaultPort}.` });
  }
  try {
    return await listenOn(port);
  } catch (error) {
    const why = error.code === "EADDRINUSE" ? `Another program listens on ${HOST}:${port}.` : error.message;
    throw new StepError(`opening port ${port}`, { why, fix: `stop that program (another \`npm run dev\`?), or choose another port: ${variable}=${port + 10} npm run dev` });
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
