"""One run of a profile: starts the engine, passes its ticks on, and returns its summary."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.models import KeptAnswer, RunSummary, RunTick
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.load.profile import Profile
    from jupyter_sysdesign.load.target import Target

_STOP_TIMEOUT_S = 3.0
_LONGEST_LINE = 4 * 1024 * 1024


async def run(
    profile: Profile,
    target: Target,
    *,
    seed: int = 1,
    scale: float = 1.0,
    run_id: str = "",
    on_tick: Callable[[RunTick], None] | None = None,
    stop: asyncio.Event | None = None,
    instance: str = "",
    keep: int = 0,
    on_answer: Callable[[KeptAnswer], None] | None = None,
) -> RunSummary:
    """Put load on ``target`` and return what came of it.

    Setting ``stop`` ends the run early with the summary of what was measured; cancelling this
    coroutine ends it without one. Either way the engine's process is gone when this returns.

    Args:
        profile: what to ask for, how often, how long.
        target: where.
        seed: same seed, same requests in the same order.
        scale: multiplies connections and rates.
        run_id: stands in every tick.
        on_tick: called every 100 ms.
        stop: see above.
        instance: id of the instance under load; the engine carries it in its environment.
        keep: how many answers to keep whole, drawn by the seed over the whole run.
        on_answer: called with each of them at the end.

    Raises:
        InvalidRequestError: scaled, the profile goes beyond what a run may be.
        UnavailableError: the engine ended before the run was over.
    """
    plan = profile.plan(target, seed=seed, scale=scale, run=run_id)
    plan |= {"parent": os.getpid(), "keep": keep}
    process = await asyncio.create_subprocess_exec(
        *engine_command(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env=engine_environment(instance),
        limit=_LONGEST_LINE,
    )
    assert process.stdin is not None  # noqa: S101 (all three are pipes)
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    said = asyncio.ensure_future(process.stderr.read())
    stopper: asyncio.Future[None] | None = None
    summary: RunSummary | None = None
    try:
        with contextlib.suppress(ConnectionError):  # it died at once: its exit says why
            process.stdin.write(json.dumps(plan).encode() + b"\n")
            await process.stdin.drain()
        stopper = asyncio.ensure_future(_stop_when(stop, process))
        async for line in process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "tick" in message and on_tick is not None:
                on_tick(RunTick.model_validate(message["tick"]))
            elif "answer" in message and on_answer is not None:
                on_answer(KeptAnswer.model_validate(message["answer"]))
            elif "done" in message:
                summary = RunSummary.model_validate(message["done"])
        await process.wait()
        words = (await said).decode(errors="replace").strip()
    finally:
        if stopper is not None:
            stopper.cancel()
        said.cancel()
        await _end(process)
    if summary is None:
        raise UnavailableError(
            f"The load engine ended before the run was over ({_how(process.returncode)})",
            hint=words[-2000:] or "Start the run again.",
        )
    return summary


def engine_command() -> list[str]:
    """Return the engine's argv."""
    return module_command("jupyter_sysdesign.load.engine")


def engine_environment(instance: str = "") -> dict[str, str]:
    """Return the engine's environment."""
    # It multiplies no matrices: threads that wait for some would only take CPU from the loop.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    if instance:
        environment["SYSDESIGN_INSTANCE"] = instance
    return environment


async def _stop_when(stop: asyncio.Event | None, process: asyncio.subprocess.Process) -> None:
    if stop is None:
        return
    await stop.wait()
    # The end of its input is a wish to stop that cannot come too early, as a signal can.
    if process.stdin is not None:
        process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Make sure that the engine is gone, also when this coroutine is being cancelled."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    # Nobody reads its pipes any more, and a killed process does not keep one waiting.
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.shield(asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S))


def _how(returncode: int | None) -> str:
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {-returncode}"
