// The entry module: what the runtime calls. It waits, and the wasm decides what to ask and what to answer, so
// that a request which asks one object costs no future there. The build copies it beside worker-build's glue.
//
// Invariants: a text never goes into a wasm instance that has trapped, because the glue copies it before it
// looks; `revive` comes first. Whoever waits when an instance traps is told at once, since nothing in the new
// instance will.
import { DurableObject } from "cloudflare:workers";

import Shim, { ExportJob as ExportJobProxy, Upload as UploadProxy } from "./index.js";

// What worker-build hangs on its own entry class: functions of the wasm. `handle` is the long way.
const { handle, first_step: firstStep, report_command: reportCommand, job_response: jobResponse } = Shim.prototype;
const { read_settings: readSettings, unanswered, late_body: lateBody, standing_headers: standingHeaders, start, scheduled } = Shim.prototype;

/** The headers that every request is asked for, in the order of core/src/http/request_head.rs. */
const HEAD_HEADERS = ["authorization", "origin", "content-type", "content-length", "on-behalf-of", "content-encoding"];

/** How long a body may take to arrive. */
const BODY_TIMEOUT_MS = 30_000;

// The glue's own record: whether the instance has trapped, and the number of the instance.
const wasm = globalThis.__worker_init_state;
// Who waits for a promise of the wasm. A request whose client has gone is never settled: what it holds must be
// free to go, so that it is known by weak references alone.
const waiting = new Set();
const gone = new FinalizationRegistry((waiter) => waiting.delete(waiter));
let trapped = false;
Object.defineProperty(wasm, "criticalError", {
  get: () => trapped,
  set(value) {
    trapped = value;
    if (!trapped) return;
    for (const waiter of waiting) waiter.deref()?.reject(new Error("the isolate's instance ended in a panic"));
    waiting.clear();
  },
});

/** Makes a new instance when the last one has trapped. `start` takes no text, and the glue renews itself first. */
const revive = () => {
  if (!trapped) return;
  start();
  wasm.criticalError = false;
};

/** Calls into the wasm. A trap is noted, and thrown on to the caller. */
const call = (run) => {
  revive();
  try {
    return run();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) wasm.criticalError = true;
    throw error;
  }
};

/** A promise of the wasm, which also ends when its instance does. */
const untilTrap = (promise) =>
  new Promise((resolve, reject) => {
    const waiter = { resolve, reject };
    const reference = new WeakRef(waiter);
    waiting.add(reference);
    gone.register(waiter, reference);
    const settle = (how) => (value) => {
      waiting.delete(reference);
      waiter[how](value);
    };
    promise.then(settle("resolve"), settle("reject"));
  });

/** What an object's method answered: at once, or when it is done. */
const answer = (value) => (value instanceof Promise ? untilTrap(value) : value);

/** The class of a kind of object. The runtime calls methods by RPC only on a class that extends its own. */
const objectClass = (Wasm) =>
  class extends DurableObject {
    #object;
    #instance;

    constructor(ctx, env) {
      super(ctx, env);
      this.#call(() => undefined);
    }

    /** Calls the object in the wasm; after a trap, a new one that has read its storage again. */
    #call(run) {
      return call(() => {
        if (this.#instance !== wasm.instanceId) {
          this.#object = new Wasm(this.ctx, this.env);
          this.#instance = wasm.instanceId;
        }
        return answer(run(this.#object));
      });
    }

    /** One text in, one text out: a command and its reply. */
    ask(text) {
      return this.#call((object) => object.ask(text));
    }

    fetch(request) {
      return this.#call((object) => object.fetch(request));
    }

    alarm() {
      return this.#call((object) => object.alarm());
    }

    webSocketMessage(socket, message) {
      return this.#call((object) => object.webSocketMessage(socket, message));
    }

    webSocketClose(socket, code, reason, wasClean) {
      return this.#call((object) => object.webSocketClose(socket, code, reason, wasClean));
    }

    webSocketError(socket, error) {
      return this.#call((object) => object.webSocketError(socket, error));
    }
  };

// The classes behind the Proxies of worker-build: `#call` does what those do.
export class ExportJob extends objectClass(ExportJobProxy.prototype.constructor) {}
export class Upload extends objectClass(UploadProxy.prototype.constructor) {}

const headerLine = (value) => (value === null ? "\n" : `\n=${value}`);

/** The head of a request, see core/src/http/request_head.rs. A page without an origin, or a program, has none. */
const headOf = (request, origin) => {
  const { method, headers } = request;
  let head = `${method}\n${request.url}`;
  for (const name of HEAD_HEADERS) head += headerLine(name === "origin" ? origin : headers.get(name));
  if (method === "GET" || method === "HEAD") return `${head}\n`;
  const length = headers.get("content-length");
  return length === "0" || (length === null && request.body === null) ? `${head}\n` : `${head}\nbody`;
};

/** The first three lines of a text, and what follows them. */
const cut = (text) => {
  const first = text.indexOf("\n");
  const second = text.indexOf("\n", first + 1);
  const third = text.indexOf("\n", second + 1);
  return [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1, third), text.slice(third + 1)];
};

/** The text of a body, or undefined if it does not arrive in time. */
const bodyInTime = (request) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, BODY_TIMEOUT_MS);
    const settle = (how) => (value) => {
      clearTimeout(timer);
      how(value);
    };
    request.text().then(settle(resolve), settle(reject));
  });

// Standing headers by the page's origin. Anybody can send any origin, so that it is bounded.
const HEADER_SETS_MAX = 100;
const headerSets = new Map();
const headersFor = (origin) => {
  let headers = headerSets.get(origin);
  if (headers === undefined) {
    if (headerSets.size >= HEADER_SETS_MAX) headerSets.clear();
    headers = JSON.parse(call(() => standingHeaders(origin ?? "")));
    headerSets.set(origin, headers);
  }
  return headers;
};

const jsonResponse = (body, status, origin, requestId) =>
  new Response(body, { status, headers: { ...headersFor(origin), "x-request-id": requestId } });

/** A reply that is JSON for the client passes the Worker unread. */
const JSON_REPLY = "json\n";

let settingsOf;

const respond = async (request, env, ctx, head, origin) => {
  const step = call(() => {
    if (settingsOf !== wasm.instanceId) readSettings(env);
    settingsOf = wasm.instanceId;
    return firstStep(head);
  });
  if (step === undefined) return untilTrap(call(() => handle(head, request, env, ctx)));
  let [word, requestId, job, command] = cut(step);
  if (word === "answer") return jsonResponse(request.method === "HEAD" ? null : command, Number(job), origin, requestId);
  if (word === "read") {
    const body = await bodyInTime(request);
    if (body === undefined) return call(() => lateBody(head, requestId));
    command = call(() => reportCommand(job, command, body));
    if (command === undefined) {
      // The long way says what is wrong with the body, which was read.
      const whole = new Request(request.url, { method: request.method, headers: request.headers, body });
      return untilTrap(call(() => handle(head, whole, env, ctx)));
    }
  }
  const reply = await env.EXPORT_JOB.getByName(job).ask(command);
  if (!reply.startsWith(JSON_REPLY)) return call(() => jobResponse(head, requestId, reply));
  return jsonResponse(reply.slice(JSON_REPLY.length), 200, origin, requestId);
};

export default {
  fetch(request, env, ctx) {
    const origin = request.headers.get("origin");
    const head = headOf(request, origin);
    return respond(request, env, ctx, head, origin).catch((error) => call(() => unanswered(head, String(error))));
  },

  scheduled(event, env, ctx) {
    return call(() => scheduled.call({ env, ctx }, event));
  },
};
