// What a process has used: CPU time and memory, as Linux counts them.
import fs from "node:fs";

const TICK_US = 10_000; // of /proc/PID/stat: 100 ticks a second on every usual kernel
const TOLERANCE_US = 4 * TICK_US;

/** The ids of the children of this process that run workerd. */
export function workerds() {
  const children = fs.readdirSync("/proc/self/task").flatMap((task) => fs.readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "));
  return children.filter((pid) => pid && fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd").map(Number);
}

/** CPU time so far: utime + stime in ticks, and the scheduler's finer count of the threads that are alive. */
function used(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticksUs = (Number(fields[11]) + Number(fields[12])) * TICK_US;
  let threadsUs = 0;
  try {
    for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
      const ran = /sum_exec_runtime\s*:\s*([\d.]+)/.exec(fs.readFileSync(`/proc/${pid}/task/${task}/sched`, "utf8"));
      if (ran) threadsUs += Number(ran[1]) * 1000;
    }
  } catch {
    // A kernel without it, or a thread that has just ended: the ticks remain.
  }
  return { ticksUs, threadsUs };
}

/** Starts to count; the function that it gives tells the microseconds of CPU since. */
export function cpuMeter(pid) {
  const before = used(pid);
  return () => {
    const after = used(pid);
    const [ticks, threads] = [after.ticksUs - before.ticksUs, after.threadsUs - before.threadsUs];
    // A thread that ended in between takes its time with it; the ticks know it.
    return before.threadsUs > 0 && Math.abs(ticks - threads) <= TOLERANCE_US ? threads : ticks;
  };
}

/** Waits until the process has had next to nothing to do for a while: what a request leaves behind is over. */
export async function quiet(pid, { forMs = 40, limitMs = 10_000 } = {}) {
  for (let waited = 0; waited < limitMs; waited += forMs) {
    const meter = cpuMeter(pid);
    await new Promise((resolve) => setTimeout(resolve, forMs));
    if (meter() < forMs * 20) return;
  }
}

/** Resident memory in bytes. */
export function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}
