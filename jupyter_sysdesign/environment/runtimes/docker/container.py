"""One service as a container: what it may see, and what it may use."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment.owner import Owner, server_owner
from jupyter_sysdesign.environment.runtimes.docker import labels

if TYPE_CHECKING:
    from pathlib import Path

    from docker import APIClient

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.services import Place

MEMORY_BYTES = 2 << 30
_PIDS = 256
_SCRATCH_BYTES = 64 << 20
_CEILING = 1.0
#: The kernel gives out shares of a core in periods; as short as the embedded runtime's, so that a
#: small share feels the same. It refuses less than a millisecond at a time.
_PERIOD_US, _LONG_PERIOD_US, _LEAST_US = 20_000, 100_000, 1_000
#: Where memory is short, services go before what else runs on the machine.
_OOM_SCORE = 500
#: With control groups of version 1 every process has to run for a moment before all of them are
#: frozen; an engine gives up after some 0.3 s, which is too short where the machine is busy.
_FREEZES, _FREEZE_PAUSE_S = 20, 0.1


def user() -> tuple[int, int]:
    """Return whom services run as: whoever owns them here, never root."""
    owner = server_owner()
    return (owner.uid, owner.gid) if owner else (os.geteuid(), os.getegid())


def create(client: APIClient, place: Place, launch: Launch, network: str) -> str:
    """Create the container of ``launch``, in ``network``; return its id.

    Raises:
        DockerException: as the SDK.
    """
    from docker.types import Mount, Ulimit  # noqa: PLC0415 (it is there: we have a client)

    _hand_over(place, launch)
    uid, gid = user()
    memory = launch.memory_bytes or MEMORY_BYTES
    own = f"size={_SCRATCH_BYTES},uid={uid},gid={gid},mode=0700"
    ulimits = [Ulimit(name="core", soft=0, hard=0)]
    if launch.file_bytes:
        ulimits.append(Ulimit(name="fsize", soft=launch.file_bytes, hard=launch.file_bytes))
    host: dict[str, Any] = client.create_host_config(
        network_mode=network,
        mounts=[
            Mount(str(path), str(path), type="bind", read_only=path not in launch.writes)
            for path in {*launch.reads, *launch.writes}
        ],
        tmpfs={"/tmp": own, **({str(launch.scratch): own} if launch.scratch else {})},  # noqa: S108
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        ipc_mode="private",
        init=True,  # reaps what lost its parent, and hands signals on that nobody else would heed
        mem_limit=memory,
        memswap_limit=memory,
        shm_size=_SCRATCH_BYTES,
        pids_limit=_PIDS,
        ulimits=ulimits,
        oom_score_adj=_OOM_SCORE,
        log_config={"Type": "none", "Config": {}},  # we read it all, and keep what fits
        **share(ceiling(launch.cpus)),
    )
    made = client.create_container(
        launch.image,
        command=list(launch.arguments),
        name=labels.name(place.instance, launch.name),
        labels=labels.of(place.instance, launch.name),
        environment={name: text for name, text in launch.env.items() if name != "PATH"},
        user=f"{uid}:{gid}",
        working_dir=str(launch.cwd),
        stop_signal=launch.stop_signal.name,
        host_config=host,
    )
    return str(made["Id"])


def ceiling(cpus: float | None) -> float:
    """Return the cores a service may use that has no quota now: one, or what it asks for."""
    return max(_CEILING, cpus or 0.0)


def share(cpus: float) -> dict[str, int]:
    """Return the arguments that hold a container to ``cpus`` cores."""
    period = _PERIOD_US if cpus * _PERIOD_US >= _LEAST_US else _LONG_PERIOD_US
    return {"cpu_period": period, "cpu_quota": max(int(cpus * period), _LEAST_US)}


def kill(client: APIClient, made: str) -> None:
    """Kill all of a container, with the core that dying may take.

    Raises:
        DockerException: as the SDK.
    """
    from docker.errors import APIError  # noqa: PLC0415 (it is there: we have a client)

    with contextlib.suppress(APIError):
        client.update_container(made, **share(_CEILING))
    client.kill(made, "SIGKILL")


def freeze(client: APIClient, made: str, free: dict[str, int], share: dict[str, int]) -> None:
    """Pause a container, as often as the kernel may need, and with the core that it takes.

    It may use what is ``free`` meanwhile, as who waits for its share cannot be frozen, and
    ``share`` from then on.

    Raises:
        DockerException: as the SDK.
    """
    from docker.errors import APIError  # noqa: PLC0415 (it is there: we have a client)

    client.update_container(made, **free)
    try:
        for left in reversed(range(_FREEZES)):
            try:
                client.pause(made)
            except APIError as error:  # noqa: PERF203 (as often as it takes)
                if not left or "unable to freeze" not in str(error.explanation):
                    raise
                time.sleep(_FREEZE_PAUSE_S)
            else:
                return
    finally:
        with contextlib.suppress(APIError):  # it ends, which is told
            client.update_container(made, **share)


def _hand_over(place: Place, launch: Launch) -> None:
    """Under root, give the user of the containers what it has to read and write of ours."""
    owner = server_owner()
    if owner is None:
        return
    for folder in launch.writes:
        if folder.stat().st_uid != owner.uid:
            _give(folder, owner)
    for folder in launch.reads:
        if folder.is_relative_to(place.folder):
            _give(folder, owner)


def _give(folder: Path, owner: Owner) -> None:
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # another service removed it just now
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
