"""``python -m jupyter_sysdesign.server``: JupyterLab, as ``sysdesign lab`` starts it."""

from __future__ import annotations

import asyncio

from jupyter_sysdesign import unused


async def _end_requests() -> None:
    """End what is still under way, as ``asyncio.run`` would; Jupyter only stops its loop.

    A thread that has worked for a request ends with the request, and Python waits for the thread.
    """
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


if __name__ == "__main__":
    unused.leave_out(unused.HTTPX_COMMAND, unused.ADDRESS_GRAMMAR)
    from jupyterlab.labapp import main
    from tornado.ioloop import IOLoop

    main()
    IOLoop.current().run_sync(_end_requests)
