// Sockets: how long it takes from a GPU worker's callback until each socket of the job has its message, and whether
// one is lost.
import { AUTHORIZED } from "./driver.mjs";
import { cpuMeter, quiet } from "./processes.mjs";
import { openSocket } from "./socket.mjs";
import { quantile } from "./statistics.mjs";

const LIMIT_MS = 20_000;
const OPEN_AT_ONCE = 50;

/** One job with `count` sockets and `ticks` callbacks: all latencies in ms, and the CPU of a callback in us. */
export async function socketTurn(driver, count, ticks) {
  const [id] = await driver.createJobs(1);
  await driver.send(driver.claims([id]), {});
  let due = { at: 0, marker: "", missing: 0, done: () => {} };
  const latencies = [];
  const onText = (text, at) => {
    if (due.missing === 0 || !text.includes(due.marker)) return;
    latencies.push(at - due.at);
    if (--due.missing === 0) due.done();
  };
  const sockets = [];
  while (sockets.length < count) {
    const some = Math.min(OPEN_AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => openSocket(driver.form.port, `/api/jobs/${id}/ws`, AUTHORIZED, onText)))));
  }
  await quiet(driver.form.pid);
  const meter = cpuMeter(driver.form.pid);
  for (let tick = 1; tick <= ticks; tick++) {
    const marker = `"message":"tick ${tick} of ${ticks}"`;
    const [report] = driver.callbacks([id], "progress", () => ({ progress: Math.min(98, tick), message: `tick ${tick} of ${ticks}` }));
    const all = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${driver.form.name}: ${due.missing} of ${count} sockets did not get a message`)), LIMIT_MS);
      due = { at: performance.now(), marker, missing: count, done: () => (clearTimeout(timer), resolve()) };
    });
    await Promise.all([all, driver.send([report], {})]);
  }
  const us = meter() / ticks;
  for (const socket of sockets) socket.close();
  await quiet(driver.form.pid);
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), us };
}
