// A RunPod that takes every job at once and remembers the token of its callbacks. It runs in the driver, so its work
// is in nobody's figures.
import http from "node:http";

export async function startRunpod() {
  const jobs = new Map();
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const answer = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      if (request.url.endsWith("/run")) {
        const { input } = JSON.parse(Buffer.concat(chunks).toString());
        const id = `bench-${input.job_id}`;
        jobs.set(input.job_id, { id, token: input.callback.token, attempt: input.attempt, input });
        return answer(200, { id, status: "IN_QUEUE" });
      }
      if (request.url.includes("/status/")) return answer(200, { id: request.url.split("/").pop(), status: "IN_PROGRESS" });
      if (request.url.endsWith("/health")) return answer(200, { jobs: { inQueue: 0, inProgress: 0 }, workers: { idle: 1, running: 0 } });
      answer(200, {});
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}/v2/bench`,
    /** What was submitted for a job, or undefined. */
    submitted: (job) => jobs.get(job),
    /** Waits until all these jobs were submitted. */
    async untilSubmitted(ids, limitMs = 30_000) {
      const end = Date.now() + limitMs;
      while (!ids.every((id) => jobs.has(id))) {
        if (Date.now() > end) throw new Error(`${ids.filter((id) => !jobs.has(id)).length} jobs were not submitted in ${limitMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    forget: () => jobs.clear(),
    stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}
