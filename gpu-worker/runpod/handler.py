"""RunPod's worker: passes each job to `gpu-worker attempt` and returns its result.

The program does the whole attempt: it claims the job, downloads, renders, uploads, and reports
progress and the end directly to the export API. This file is only what RunPod's SDK needs: a
coroutine per job that can be cancelled.

Invariants:
- One job at a time, since one render uses the whole machine.
- The coroutine never ends before the program and all of its child processes have ended.
- No `progress_update`: the SDK sends those from threads of its own, a late one overwrites the
  job's result, and the API gets progress from the program anyway.
- The job's input carries a capability and is never printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import Any

import runpod

# Path of the program; a bare name is searched in PATH.
GPU_WORKER = os.environ.get("GPU_WORKER", "gpu-worker")
# The program needs less than a second to end its render and remove its files.
STOP_TIMEOUT_S = 5.0


async def handler(job: dict[str, Any]) -> dict[str, Any]:
    """Runs one job and returns its output.

    A member `error`, always a string, makes RunPod mark the job FAILED. A cancelled job raises
    `CancelledError`, so that the SDK posts nothing for it.
    """
    program = await asyncio.create_subprocess_exec(
        GPU_WORKER,
        "attempt",
        "-",
        "--runpod-job-id",
        job["id"],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A process group of its own, so that it can be killed as a whole.
        start_new_session=True,
    )
    try:
        stdout, _ = await program.communicate(json.dumps(job["input"]).encode())
    finally:
        # Does nothing when the program has ended by itself.
        await stop(program)
    return read_result(stdout, program.returncode)


async def stop(program: asyncio.subprocess.Process) -> None:
    """Ends the program with SIGTERM, then SIGKILL, and waits until it is gone."""
    if program.returncode is None:
        signal_group(program.pid, signal.SIGTERM)
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(program.wait(), STOP_TIMEOUT_S)
        finally:
            # Also when this wait is cancelled.
            if program.returncode is None:
                signal_group(program.pid, signal.SIGKILL)
                await program.wait()
    # An ffmpeg whose parent was killed, for example by the kernel when out of memory.
    signal_group(program.pid, signal.SIGKILL)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signals every process of the group, if there is one left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def read_result(stdout: bytes, code: int | None) -> dict[str, Any]:
    """The program's one line of JSON, or an error when it ended without one."""
    try:
        result = json.loads(stdout)
    except ValueError:
        result = None
    if isinstance(result, dict):
        return result
    return {"error": f"gpu-worker ended with code {code} and no result", "error_code": "gpu_error"}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
