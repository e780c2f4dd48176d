"""What the hubs of machine.py and swarm.py share. Who may log in is yours to say: see there.

SYSDESIGN_HUB_DATA     the hub's own files: database, cookie secret, proxy's pid (default: here)
SYSDESIGN_HUB_IMAGE    what a learner's server runs (default: what hub/image/build.sh makes)
SYSDESIGN_HUB_MEMORY   of one server (default: 2G)
SYSDESIGN_HUB_CPUS     of one server (default: 1)
SYSDESIGN_HUB_IDLE_S   stop a server that nobody used for so long (default: 3600)
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 (JupyterHub gives it)

data = Path(os.environ.get("SYSDESIGN_HUB_DATA", ".")).resolve()
idle_s = int(os.environ.get("SYSDESIGN_HUB_IDLE_S", "3600"))

c.JupyterHub.db_url = f"sqlite:///{data}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{data}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{data}/proxy.pid"
# A hub that stops or dies takes nobody's lesson along: it finds the servers again.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.concurrent_spawn_limit = 20

c.DockerSpawner.image = os.environ.get("SYSDESIGN_HUB_IMAGE", "jupyter-sysdesign/singleuser:0.1.0")
c.DockerSpawner.pull_policy = "skip"  # it was built here
c.DockerSpawner.mem_limit = os.environ.get("SYSDESIGN_HUB_MEMORY", "2G")
c.DockerSpawner.cpu_limit = float(os.environ.get("SYSDESIGN_HUB_CPUS", "1"))
c.DockerSpawner.notebook_dir = "/home/jovyan"
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 120

c.Spawner.environment = {"SYSDESIGN_HUB_IDLE_S": str(idle_s)}

# Whoever closed the window. Who left it open, the server itself notices (hub/image).
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    }
]
c.JupyterHub.services = [
    {
        "name": "culler",
        "command": [
            *(sys.executable, "-m", "jupyterhub_idle_culler"),
            *(f"--timeout={idle_s}", f"--cull-every={max(1, min(300, idle_s // 2))}"),
        ],
    }
]
