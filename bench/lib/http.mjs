// A quick HTTP/1.1 client on raw sockets: a pool of kept connections with one request in flight on each. It reads
// what workerd sends, with content-length or in chunks, and no more of HTTP than that.
import net from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");

class Connection {
  #port;
  #socket = null;
  #buffer = Buffer.alloc(0);
  #waiting = null;

  constructor(port) {
    this.#port = port;
  }

  /** Connects, unless it is connected: workerd closes what has been idle for a few seconds. */
  async open() {
    if (this.#socket) return;
    const socket = net.connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.removeAllListeners("error");
    const ended = (error) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#buffer = Buffer.alloc(0);
      this.#waiting?.reject(error);
      this.#waiting = null;
    };
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", ended);
    socket.on("close", () => ended(new Error("the connection was closed before the answer")));
    this.#socket = socket;
  }

  async send(bytes) {
    if (!this.#socket) await this.open();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(bytes);
    });
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  #read(chunk) {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const answer = parse(this.#buffer);
    if (!answer) return;
    this.#buffer = this.#buffer.subarray(answer.length);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(answer);
  }
}

/** The first whole answer in these bytes, or null while it has not arrived. */
export function parse(buffer) {
  const headEnd = buffer.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = buffer.latin1Slice(0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyStart = headEnd + 4;
  if (status === 204 || status === 304) return { status, head, body: "", length: bodyStart };
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) {
    const end = bodyStart + Number(length[1]);
    return buffer.length < end ? null : { status, head, body: buffer.utf8Slice(bodyStart, end), length: end };
  }
  const parts = [];
  for (let at = bodyStart; ; ) {
    const lineEnd = buffer.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(buffer.latin1Slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (buffer.length < end) return null;
    if (size === 0) return { status, head, body: Buffer.concat(parts).toString(), length: end };
    parts.push(buffer.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}

/** The bytes of a request. */
export function encode(method, path, headers = {}, body = "") {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === "GET" ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: bench.test\r\n${lines.join("")}${length}\r\n${body}`);
}

export class Pool {
  #connections;

  static async open(port, size) {
    const pool = new Pool();
    pool.#connections = Array.from({ length: size }, () => new Connection(port));
    await pool.open();
    return pool;
  }

  /** Connects again what workerd has closed. */
  open = () => Promise.all(this.#connections.map((connection) => connection.open()));

  /** Sends one request. */
  ask(method, path, headers, body) {
    return this.#connections[0].send(encode(method, path, headers, body));
  }

  /** Sends all requests, as many at once as there are connections; `check(answer, index)` throws when one is wrong. */
  async run(requests, check) {
    let next = 0;
    const worker = async (connection) => {
      for (let index = next++; index < requests.length; index = next++) check(await connection.send(requests[index]), index);
    };
    await Promise.all(this.#connections.map(worker));
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}
