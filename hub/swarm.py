"""Several machines as one Docker Swarm: each learner's server is a service of it.

The hub is itself a service, on a manager, because only inside the swarm's network are servers
reached; hub/swarm.yaml starts it. docs/jupyterhub.md tells the rest.

    SYSDESIGN_HUB_NETWORK  the learners' overlay network (default: sysdesign-hub)
    SYSDESIGN_HUB_HOST     the hub's name in it (default: hub)
    SYSDESIGN_HUB_VOLUMES  driver of the volumes (default: local, which is one machine's)
"""

import os
import sys
from pathlib import Path

from docker.types import DriverConfig, Mount

sys.path.append(str(Path(__file__).parent))
from identity import uid

c = get_config()  # noqa: F821 (JupyterHub gives it)
load_subconfig("common.py", path=str(Path(__file__).parent))  # noqa: F821 (same)

DRIVER = DriverConfig(os.environ.get("SYSDESIGN_HUB_VOLUMES", "local"))


def before(spawner):
    """Say of each service what the spawner itself has no words for."""
    prefix, name = spawner.prefix, spawner.escaped_name
    spawner.extra_container_spec = {
        "user": f"{uid(spawner)}:100",
        "labels": {"org.jupyter-sysdesign": "hub"},
        "read_only": True,
        "cap_drop": ["ALL"],
        "mounts": [
            Mount("/home/jovyan", f"{prefix}-home-{name}", type="volume", driver_config=DRIVER),
            Mount("/srv/exchange", f"{prefix}-exchange", type="volume", driver_config=DRIVER),
            Mount("/tmp", None, type="tmpfs", tmpfs_size="512m", tmpfs_mode=0o1777),  # noqa: S108
        ],
    }


c.JupyterHub.spawner_class = "dockerspawner.SwarmSpawner"
c.JupyterHub.hub_ip = "0.0.0.0"  # noqa: S104 (of the hub's container)
c.JupyterHub.hub_connect_ip = os.environ.get("SYSDESIGN_HUB_HOST", "hub")
# In the next container that number is another process, and the hub would end it: itself, say.
c.ConfigurableHTTPProxy.pid_file = "/run/proxy.pid"
c.SwarmSpawner.prefix = "sysdesign"
c.SwarmSpawner.network_name = os.environ.get("SYSDESIGN_HUB_NETWORK", "sysdesign-hub")
c.SwarmSpawner.use_internal_ip = True
# One server behind one name needs no virtual address in front of it.
c.SwarmSpawner.extra_endpoint_spec = {"mode": "dnsrr"}
c.Spawner.pre_spawn_hook = before
