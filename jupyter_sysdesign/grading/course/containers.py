"""The first rung: the box of a job, and a container of the Docker engine around it.

The box is the very one of the rung below, made by the same program; so whatever gets out of it is
in a container instead of on the machine: without a network, root's rights, or a process of anybody
else, and with no files but those that the box shows. The kernel counts its memory and processes,
and refuses it most of the system calls that the engine itself would refuse.

Not all of them: the engine's own filter refuses the very calls that make a box, and the kernel a
fresh ``/proc`` wherever parts of one are masked. So the filter is ours (``seccomp``), and nothing
is masked. The rung below has neither filter nor masks, so nothing is open that is closed there; and
the kernel's settings and memory are root's, which nobody in there is, whatever box they make.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.confine import View, command, machine
from jupyter_sysdesign.environment.runtimes.docker import engine, labels
from jupyter_sysdesign.environment.runtimes.docker.attachment import Attachment
from jupyter_sysdesign.environment.runtimes.docker.reaping import reap
from jupyter_sysdesign.environment.sweep import reap_unknown
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading.course import boxes, relay
from jupyter_sysdesign.grading.course.boxes import INSIDE, Started
from jupyter_sysdesign.grading.course.seccomp import PROFILE
from jupyter_sysdesign.grading.submission import scratch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import APIClient

    from jupyter_sysdesign.curriculum.catalogue import Lesson

#: Nothing is in it: programs are this machine's.
IMAGE = "sysdesign/empty:1"
SERVICE = "~job"
#: A whole system, its load and its checks; two thirds of a machine of 6 GiB.
MEMORY_BYTES = 4 << 30
#: The box mounts its own over it.
_TMP = "size=64k,mode=0755"
_HIDDEN = "size=4k,mode=0755"
#: Eight times a process's, for a dozen of them: beside others on a busy machine a container would
#: get what one process gets.
_CPU_SHARES = 8 * 1024
#: Where memory is short, jobs go before what else runs on the machine.
_OOM_SCORE = 500
_TRIAL_S = 60.0
_END_S = 60.0


class Containers:
    """A container per job, of this machine's engine."""

    name = "docker"

    def unusable(self) -> str:
        """Start two boxes in a container, one in the other, and look; once for each engine."""
        if sys.platform != "linux":
            return "only Linux has boxes"
        try:
            engine.knock()  # it may have gone meanwhile
            return _why_not(engine.url())
        except SysdesignError as error:  # not kept: it may come
            return error.message

    def start(self, lesson: Lesson, folder: Path, user: int) -> Started:
        """Start a job in a box in a container."""
        reap_unknown()
        variables = boxes.environment(lesson, INSIDE, confined=True)
        return contained(boxes.view(lesson, folder, user), boxes.JOB, variables, folder.parent.name)


def contained(view: View, argv: list[str], variables: Mapping[str, str], instance: str) -> Started:
    """Run ``argv`` in a box in a container, which ends with the process that is returned.

    ``instance`` names the scratch folder it belongs to: a container that is left is removed
    (``reap_unknown``) once that folder is gone.

    Raises:
        SysdesignError: as ``engine.connect`` and ``engine.asking``.
    """
    client = engine.connect()
    with contextlib.closing(client), engine.asking("A job"):
        _have_image(client)
        made = str(_create(client, view, argv, variables, instance)["Id"])
        try:
            said = Attachment(client, made, stdin=True)
            with contextlib.closing(said):
                client.start(made)
                passing = [sys.executable, "-I", "-S", relay.__file__, str(said.fileno())]
                process = boxes.started(passing, {}, [said.fileno()])
        except BaseException:
            with contextlib.suppress(Exception):
                client.remove_container(made, force=True, v=True)
            raise
    where, home = engine.url(), str(paths.home())
    return Started(process, Path(view.cwd), functools.partial(_clear, where, home, instance))


def _create(
    client: APIClient, view: View, argv: list[str], variables: Mapping[str, str], instance: str
) -> dict[str, Any]:
    from docker.types import Mount, Ulimit  # noqa: PLC0415 (it is there: we have a client)

    # What makes the box is among our programs, whatever the box itself shows.
    seen = {*machine(), *boxes.programs(), *view.read}
    shown = {path: os.path.realpath(path) for path in sorted(seen)}
    mounts = [Mount(path, real, type="bind", read_only=True) for path, real in shown.items()]
    mounts += [Mount(inside, path, type="bind") for path, inside in view.write.items()]
    host: dict[str, Any] = client.create_host_config(
        network_mode="none",
        mounts=mounts,
        tmpfs={"/tmp": _TMP, **dict.fromkeys(view.scratch, _HIDDEN)},  # noqa: S108
        read_only=True,
        cap_drop=["ALL"],
        # Where there is AppArmor, its profile for containers forbids every mount.
        security_opt=["no-new-privileges", f"seccomp={PROFILE}", "apparmor=unconfined"],
        ipc_mode="private",
        mem_limit=MEMORY_BYTES,
        memswap_limit=MEMORY_BYTES,
        pids_limit=view.processes,
        cpu_shares=_CPU_SHARES,
        ulimits=[Ulimit(name="core", soft=0, hard=0)],
        oom_score_adj=_OOM_SCORE,
        auto_remove=True,
        log_config={"Type": "none", "Config": {}},
    )
    host |= {"MaskedPaths": [], "ReadonlyPaths": []}  # the SDK does not know of them
    inside = view._replace(write={each: each for each in view.write.values()}, held=True)
    made: dict[str, Any] = client.create_container(
        IMAGE,
        command=command(inside, argv),
        name=labels.name(instance, SERVICE),
        labels=labels.of(instance, SERVICE),
        environment=dict(variables),
        user=f"{view.uid}:{view.uid if os.geteuid() == 0 else os.getegid()}",
        working_dir="/",
        stdin_open=True,
        host_config=host,
    )
    return made


def _have_image(client: APIClient) -> None:
    from docker.errors import ImageNotFound  # noqa: PLC0415 (as above)

    try:
        client.inspect_image(IMAGE)
    except ImageNotFound:
        nothing = io.BytesIO()
        tarfile.open(fileobj=nothing, mode="w").close()
        name, _, tag = IMAGE.partition(":")
        client.import_image_from_data(nothing.getvalue(), repository=name, tag=tag)


def _clear(where: str, home: str, instance: str) -> None:
    """Wait until the engine has removed the container, and have it hurry; if it is away, go on."""
    with contextlib.suppress(OSError):
        reap(where, home, instance, networks=False, patience_s=_END_S)


@functools.cache
def _why_not(where: str) -> str:  # noqa: ARG001 (another engine, another answer)
    """Return why no box can be made in a box in a container; empty: it can.

    Raises:
        SysdesignError: the engine does not do its part.
    """
    user = boxes.throwaway_user()
    outer, inner = boxes.nested(user)
    with scratch() as folder:
        job = folder / "job"
        job.mkdir(mode=0o700)
        os.chown(job, user, -1)
        view = outer._replace(write={str(job): str(INSIDE)}, cwd=str(INSIDE))
        argv = ["/bin/sh", "-c", f"{shlex.join(inner)} && touch seen"]
        trial = contained(view, argv, {}, folder.name)
        with trial.process as process:
            try:
                process.wait(_TRIAL_S)
            except subprocess.TimeoutExpired:
                process.kill()
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        trial.clear()
        if (job / "seen").exists():
            return ""
    last = said.strip().rpartition("\n")[2]
    return last or "what runs in the engine does not see the files here"
