"""One machine: each learner's server is a container of the Docker engine here.

    pip install -r hub/requirements.txt && npm install -g configurable-http-proxy@5
    make setup && hub/image/build.sh
    jupyterhub -f hub/machine.py

Only the hub talks to the engine; no container has its socket. docs/jupyterhub.md tells the rest.

    SYSDESIGN_HUB_NETWORK  the learners' network, made when it is missing (default: sysdesign-hub)
    SYSDESIGN_HUB_SUBNET   its addresses, when it is made (default: what the engine chooses)
"""

import os
import sys
from pathlib import Path

import docker

sys.path.append(str(Path(__file__).parent))
from identity import uid

c = get_config()  # noqa: F821 (JupyterHub gives it)
load_subconfig("common.py", path=str(Path(__file__).parent))  # noqa: F821 (same)

NETWORK = os.environ.get("SYSDESIGN_HUB_NETWORK", "sysdesign-hub")
SUBNET = os.environ.get("SYSDESIGN_HUB_SUBNET")


def gateway():
    """Return the address of this machine in the learners' network; make it when it is missing.

    Nobody reaches anybody in it: what a learner's server may open goes nowhere but outside.
    """
    client = docker.from_env()
    found = client.networks.list(names=[f"^{NETWORK}$"])
    if not found:
        pools = [docker.types.IPAMPool(subnet=SUBNET)] if SUBNET else []
        client.networks.create(
            NETWORK,
            ipam=docker.types.IPAMConfig(pool_configs=pools),
            options={"com.docker.network.bridge.enable_icc": "false"},
            labels={"org.jupyter-sysdesign": "hub"},
        )
        found = client.networks.list(names=[f"^{NETWORK}$"])
    return client.networks.get(found[0].id).attrs["IPAM"]["Config"][0]["Gateway"]


def host(_spawner):
    """Return what holds for each container: no privilege, no disk but its volumes, an end."""
    return {
        "read_only": True,
        "tmpfs": {"/tmp": "size=512m,mode=1777"},  # noqa: S108 (of the container)
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": 1024,
        "shm_size": "256m",
    }


c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
# Learners' servers reach the hub here, and nothing of it on any other address.
c.JupyterHub.hub_ip = c.JupyterHub.hub_connect_ip = gateway()
# The container goes with the server, and with it all that ran; the volume stays.
c.DockerSpawner.remove = True
c.DockerSpawner.network_name = NETWORK
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.extra_host_config = host
c.DockerSpawner.extra_create_kwargs = lambda spawner: {
    "user": f"{uid(spawner)}:100",
    "labels": {"org.jupyter-sysdesign": "hub"},
}
c.DockerSpawner.volumes = {
    "sysdesign-home-{username}": "/home/jovyan",
    "sysdesign-exchange": "/srv/exchange",
}
