"""What goes into the wheel besides the Python package: the lessons and the built frontend.

A learner's wheel holds no cheats and no alternatives (they are for ``sysdesign verify`` from a
checkout), and installs without Node because the frontend is built here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_AUTHORS_ONLY = {"cheats", "alternatives", "__pycache__", ".ipynb_checkpoints"}
_LABEXTENSION = "share/jupyter/labextensions/jupyter-sysdesign"


class ContentHook(BuildHookInterface):  # type: ignore[type-arg]
    """Add lessons and frontend to a standard wheel; an editable install uses the checkout's."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill ``force_include`` and ``shared_data``."""
        if version == "editable":
            return
        root = Path(self.root)
        built = root / "jupyter_sysdesign" / "labextension"
        if not (built / "package.json").exists():
            subprocess.run([sys.executable, str(root / "labextension" / "build.py")], check=True)
        for folder in ("environments", "notebooks"):
            for path in sorted((root / folder).rglob("*")):
                relative = path.relative_to(root)
                if path.is_file() and not _AUTHORS_ONLY.intersection(relative.parts):
                    build_data["force_include"][str(path)] = (
                        f"jupyter_sysdesign/_content/{relative}"
                    )
        for path in sorted(built.rglob("*")):
            if path.is_file():
                target = f"{_LABEXTENSION}/{path.relative_to(built)}"
                build_data["shared_data"][str(path)] = target
        build_data["shared_data"][str(root / "labextension" / "install.json")] = (
            f"{_LABEXTENSION}/install.json"
        )
        config = "jupyter_server_config.d/jupyter_sysdesign.json"
        build_data["shared_data"][str(root / "jupyter-config" / config)] = f"etc/jupyter/{config}"
