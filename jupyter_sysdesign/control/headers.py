"""Request headers between clients and the control plane; values with paths are percent-encoded."""

from __future__ import annotations

#: The lease under which the request is made.
LEASE = "Sysdesign-Lease"
#: The folder that workspaces must lie in; only the Jupyter server sends it.
ROOT = "Sysdesign-Root"
#: The name of the Jupyter user.
USER = "Sysdesign-User"
