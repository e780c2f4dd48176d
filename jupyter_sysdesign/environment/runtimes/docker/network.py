"""The private network of one instance: an address that only this machine reaches.

All services that talk by ports share it, as the processes of one machine do: to each other they are
on 127.0.0.1. It is internal, so there is no way out to other networks; and before a service enters,
whoever holds it (``sysdesign/network``) has the kernel refuse every connection that is begun in
there, so that not even the machine's own end of the bridge can be reached. Only answers leave.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.runtimes.docker import engine, labels
from jupyter_sysdesign.environment.runtimes.docker.attachment import Attachment
from jupyter_sysdesign.environment.runtimes.docker.reaping import reap
from jupyter_sysdesign.errors import ConflictError, ResourceError, StartFailedError, SysdesignError

if TYPE_CHECKING:
    from docker import APIClient

#: RFC 2544 keeps 198.18.0.0/15 for measuring network devices: it leads nowhere. Eight addresses per
#: instance; Docker's own pools are used up after thirty networks.
_FIRST = (198 << 24) + (18 << 16)
_SUBNETS = 1 << 14
_SIZE = 8
_ATTEMPTS = 64
#: Holds it: the container's image, and its name among the instance's.
IMAGE, HOLDER = "sysdesign/network:1", "~network"
#: Ports of those whose own number is taken by another service.
_NEXT_PORT = 20_000


class Network:
    """The network, from start to stop. Methods block.

    Attributes:
        host: its one address.
    """

    inherits = False

    def __init__(self, instance: str) -> None:
        """Make it.

        Raises:
            MissingBinaryError: there is no engine.
            ResourceError, StartFailedError, ConflictError, UnavailableError: it refuses.
        """
        self._taken: set[int] = set()
        self._client = engine.connect()
        try:
            with engine.asking("The private network"):
                reap(engine.url(), str(paths.home()), instance)  # what a crash left has its name
                self.host, self._id = _make(self._client, instance)
        except BaseException:
            self._client.close()
            raise

    def take(self, name: str, wanted: int, before: int | None) -> int:  # noqa: ARG002 (protocol)
        """Return a port: the number in ``compose.yaml``, if no other service has it."""
        free = (port for port in (before, wanted) if port and port not in self._taken)
        port = next(free, _NEXT_PORT + len(self._taken))
        self._taken.add(port)
        return port

    def close(self) -> None:
        """Remove it; where that fails, the next sweep does."""
        with contextlib.suppress(SysdesignError), engine.asking("The private network"):
            self._client.remove_network(self._id)
        self._client.close()


def _make(client: APIClient, instance: str) -> tuple[str, str]:
    from docker.errors import APIError  # noqa: PLC0415 (it is there: we have a client)

    name = labels.name(instance)
    digest = hashlib.sha256(name.encode()).digest()
    first = int.from_bytes(digest[:4], "big")
    for attempt in range(_ATTEMPTS):
        base = _FIRST + (first + attempt) % _SUBNETS * _SIZE
        try:
            made: dict[str, Any] = client.create_network(
                name,
                driver="bridge",
                internal=True,
                check_duplicate=True,
                labels=labels.of(instance),
                ipam={"Config": [{"Subnet": f"{_dotted(base)}/29", "Gateway": _dotted(base + 1)}]},
            )
        except APIError as error:
            said = str(error.explanation)
            if "verlap" in said:  # another instance has these addresses
                continue
            if "already exists" in said:
                raise ConflictError(
                    f"The network name {name} is taken",
                    hint=f"`docker network rm {name}` frees it.",
                ) from error
            raise
        return _dotted(base + 2), str(made["Id"])
    raise ResourceError("There is no free subnet for another private network")


def hold(client: APIClient, instance: str, host: str) -> str:
    """Start the container that holds the network, and close it; return the container's id.

    Raises:
        StartFailedError: it cannot be closed.
        DockerException: as the SDK.
    """
    network = client.inspect_network(labels.name(instance))
    made = client.create_container(
        IMAGE,
        name=labels.name(instance, HOLDER),
        labels=labels.of(instance, HOLDER),
        user="0:0",
        host_config=client.create_host_config(
            network_mode=network["Id"],
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/run": "size=1m"},
            mem_limit="32m",
            pids_limit=16,
            dns=["127.0.0.1"],
            sysctls={"net.ipv6.conf.all.disable_ipv6": "1"},
            log_config={"Type": "none", "Config": {}},
        ),
        networking_config=client.create_networking_config(
            {network["Id"]: client.create_endpoint_config(ipv4_address=host)}
        ),
    )
    holder = str(made["Id"])
    text = b""
    with contextlib.closing(Attachment(client, holder)) as said:
        client.start(holder)
        for part in said:
            text += part
            if text.endswith(b"closed\n"):
                return holder
    raise StartFailedError(
        "The private network cannot be closed: " + text.decode(errors="replace").strip(),
        hint="The kernel of the machine needs iptables, which Docker uses too.",
    )


def _dotted(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))
