"""Owns one instance as the control plane does, for tests that kill it.

``owner.py <lesson> <workspace> <purpose>``; says on stdout who runs, then does what stdin says:
``<service> <action>`` lines, each answered. The action ``rest`` waits until it has been noticed
that the service, or the ``instance``, does not run.
"""

import asyncio
import json
import sys
from pathlib import Path

from jupyter_sysdesign.environment.instance import Instance
from jupyter_sysdesign.environment.lifecycle import AT_REST
from jupyter_sysdesign.environment.runtimes import forking
from jupyter_sysdesign.environment.source import Source


async def main() -> None:
    lesson, workspace, purpose = sys.argv[1:]
    pristine = Path(__file__).parent / "curriculum" / "environments" / lesson
    source = Source(lesson, pristine, Path(workspace), ("app/*.py", "migrations/*.sql"))
    instance = Instance(source, purpose=purpose, emit=lambda *_: None)
    await instance.start()
    runtime = instance._life._runtime
    say(
        guard=runtime.guard,
        supervisor=runtime.supervisor,
        fork_server=forking.prepare(),
        services=instance.processes(),
        url=instance.status.url,
        dsn=instance.dsn(),
        folder=str(instance._life.folder),
    )
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, action = line.split()
        if action.startswith("quota="):
            await instance.set_quota(name, float(action.removeprefix("quota=")))
        elif action == "rest":
            while state(instance, name) not in ("stopped", "failed"):
                await asyncio.sleep(0.01)
        elif name == "instance":
            while action == "start" and instance.status.state not in AT_REST:
                await asyncio.sleep(0.01)  # it has yet to hear of what was killed
            await getattr(instance, action)()
        else:
            await instance.service(name, action)
        say(services=instance.processes(), status=instance.status.model_dump(mode="json"))


def state(instance: Instance, name: str) -> str:
    status = instance.status
    if name == "instance":
        return status.state.value
    return next(each.state.value for each in status.services if each.name == name)


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


asyncio.run(main())
