"""What everything of ours in a Docker engine is known by; standard library only."""

from __future__ import annotations

from jupyter_sysdesign import paths

#: Where an engine usually listens.
SOCKET = "/var/run/docker.sock"

PREFIX = "org.jupyter-sysdesign."
HOME, INSTANCE, SERVICE = f"{PREFIX}home", f"{PREFIX}instance", f"{PREFIX}service"


def of(instance: str, service: str = "") -> dict[str, str]:
    """Return the labels of a container, or of the network of an instance."""
    found = {HOME: str(paths.home()), INSTANCE: instance}
    return {**found, SERVICE: service} if service else found


def name(instance: str, service: str = "") -> str:
    """Return what a container or network is called: no other home has such a one."""
    key = paths.runtime().name.rpartition("-")[2]
    # No service's name begins with a dash; one of our own may begin with what Docker forbids.
    rest = f"-{service.replace('~', '-')}" if service else ""
    return f"sysdesign-{key}-{instance}{rest}"
