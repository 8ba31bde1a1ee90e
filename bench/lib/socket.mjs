// A WebSocket client that only listens: it hands on each text frame with the moment of its arrival. No masks, no
// fragments, no extensions: workerd sends none.
import { randomBytes } from "node:crypto";
import net from "node:net";

/** Connects; `onText(text, at)` gets each message, `at` in milliseconds of `performance.now()`. */
export function openSocket(port, path, headers, onText) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let buffer = Buffer.alloc(0);
    let open = false;
    const lines = { host: "bench.test", upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64"), ...headers };
    socket.once("connect", () => socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      const at = performance.now();
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
      if (!open) {
        const end = buffer.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (buffer.latin1Slice(9, 12) !== "101") return reject(new Error(`a socket was refused: ${buffer.toString().slice(0, 300)}`));
        open = true;
        buffer = buffer.subarray(end + 4);
        resolve({ close: () => socket.destroy() });
      }
      buffer = readFrames(buffer, (text) => onText(text, at));
    });
  });
}

/** Hands on each whole text frame; gives what is left of the bytes. */
export function readFrames(buffer, onText) {
  let at = 0;
  while (buffer.length - at >= 2) {
    let length = buffer[at + 1] & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (buffer.length - at < 4) break;
      length = buffer.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (buffer.length - at < 10) break;
      length = Number(buffer.readBigUInt64BE(start));
      start += 8;
    }
    if (buffer.length < start + length) break;
    if ((buffer[at] & 0x0f) === 1) onText(buffer.utf8Slice(start, start + length));
    at = start + length;
  }
  return buffer.subarray(at);
}
