"""A learner's server: what it does when nobody is there."""

import os

c = get_config()  # noqa: F821 (Jupyter gives it)

# A window that stays open overnight holds neither a kernel nor its lesson's environment. What only
# looks whether something changed does not count as somebody being there.
idle_s = int(os.environ.get("SYSDESIGN_HUB_IDLE_S", "3600"))
c.MappingKernelManager.cull_idle_timeout = idle_s
c.MappingKernelManager.cull_connected = True
c.TerminalManager.cull_inactive_timeout = idle_s
c.ServerApp.shutdown_no_activity_timeout = idle_s
