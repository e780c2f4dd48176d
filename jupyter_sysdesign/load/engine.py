"""The load engine: ``python -m jupyter_sysdesign.load.engine``.

Reads one line of JSON on standard input (``Profile.plan``), puts the load on the target, and
writes a line ``{"tick": RunTick}`` every 100 ms and at the end ``{"answer": KeptAnswer}`` for each
answer it was to keep and ``{"done": RunSummary}``. SIGTERM or the end of standard input end the run
early, with the summary of what was measured; the death of the process that started it ends it at
once.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.load.closed import ClosedLoop
from jupyter_sysdesign.load.open import OpenLoop
from jupyter_sysdesign.load.outlet import Outlet
from jupyter_sysdesign.load.plan import Plan
from jupyter_sysdesign.load.poller import READ, make_poller
from jupyter_sysdesign.load.recorder import Recorder

if TYPE_CHECKING:
    from jupyter_sysdesign.load.loop import Loop

_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK = 1, 29
_STDIN, _STDOUT = 0, 1
#: A reader that takes nothing for this long after the run does not want the summary.
_LAST_WORDS_S = 60.0
WRONG_USE = 2


def main() -> int:
    """Run the engine; return the exit code."""
    line = _read_line()
    try:
        plan = Plan.read(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"not a plan of load: {error!r}\n")
        return WRONG_USE
    if plan.parent is not None and not _end_with(plan.parent):
        return 0
    _wake_on_time()
    _allow_many_files()

    poller = make_poller(precise=plan.open_loop)
    outlet = Outlet(_STDOUT, poller)
    recorder = Recorder(plan)

    def on_tick(elapsed_ns: int) -> None:
        outlet.say({"tick": recorder.tick(loop, elapsed_ns)})
        loop.stopping = loop.stopping or outlet.broken

    kind = OpenLoop if plan.open_loop else ClosedLoop
    loop: Loop = kind(plan, poller, on_tick)
    loop.watched[_STDOUT] = outlet.flush
    if line.endswith(b"\n"):  # else its end has been seen already: a file, or a hand
        _watch_stdin(loop, poller)

    def on_signal(_number: int, _frame: Any) -> None:
        loop.stopping = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    # Nothing below makes reference cycles; a collection in the middle of a run would be a stall.
    gc.collect()
    gc.freeze()
    gc.disable()
    recorder.start()
    loop.run()
    # What happened after the last tick is in no tick, but it is in the summary.
    recorder.tick(loop, loop.elapsed_ns())
    summary = recorder.summary()
    for answer in loop.sample.documents() if loop.sample else ():
        outlet.say({"answer": answer})
    outlet.say({"done": summary})
    outlet.finish(_LAST_WORDS_S)
    return 0


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(_STDIN, 65536)
        if not more:
            break
        line += more
    return line


def _end_with(parent: int) -> bool:
    """Have the system end this process with its parent; tell whether the parent is still there."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def _wake_on_time() -> None:
    """Ask for sleeps that end within a microsecond; by default Linux makes them 50 µs late."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1000, 0, 0, 0)


def _watch_stdin(loop: Loop, poller: Any) -> None:
    def on_input() -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(_STDIN, 4096):
                loop.stopping = True
                poller.remove(_STDIN)

    os.set_blocking(_STDIN, False)
    with contextlib.suppress(PermissionError):  # a plain file cannot be watched, and has no end
        poller.add(_STDIN, READ)
        loop.watched[_STDIN] = on_input


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
