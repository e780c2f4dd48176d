"""What goes into the wheel besides the Python package: the lessons and the built frontend.

A learner's wheel holds no cheats and no alternatives (they are for ``sysdesign verify`` from a
checkout), and installs without Node because the frontend is built here. With
``SYSDESIGN_WITHOUT_ANSWERS`` set, for a cohort, it holds no solutions and no answers either.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_AUTHORS_ONLY = {"cheats", "alternatives", "__pycache__", ".ipynb_checkpoints"}
_WITHOUT_ANSWERS = bool(os.environ.get("SYSDESIGN_WITHOUT_ANSWERS"))
_LABEXTENSION = "share/jupyter/labextensions/jupyter-sysdesign"


class ContentHook(BuildHookInterface):  # type: ignore[type-arg]
    """Add lessons and frontend to a standard wheel; an editable install uses the checkout's."""

    def dependencies(self) -> list[str]:
        """Return what sealing ``lesson.yaml`` takes."""
        return ["pydantic>=2.14,<3", "PyYAML>=6.0.2,<7"] if _WITHOUT_ANSWERS else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill ``force_include`` and ``shared_data``."""
        if version == "editable":
            return
        root = Path(self.root)
        built = root / "jupyter_sysdesign" / "labextension"
        if not (built / "package.json").exists():
            subprocess.run([sys.executable, str(root / "labextension" / "build.py")], check=True)
        left_out = _AUTHORS_ONLY | ({"solution"} if _WITHOUT_ANSWERS else set())
        for folder in ("environments", "notebooks"):
            for path in sorted((root / folder).rglob("*")):
                relative = path.relative_to(root)
                if path.is_file() and not left_out.intersection(relative.parts):
                    source = self._sealed(root, path) if path.name == "lesson.yaml" else path
                    build_data["force_include"][str(source)] = (
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

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Remove what was made for this build."""
        shutil.rmtree(self._folder, ignore_errors=True)

    _folder = ""

    def _sealed(self, root: Path, path: Path) -> Path:
        """Return the file to take for a ``lesson.yaml``: itself, or one without its answers."""
        if not _WITHOUT_ANSWERS:
            return path
        sys.path.insert(0, str(root))
        from jupyter_sysdesign import yaml_file  # noqa: PLC0415 (it needs the dependencies above)
        from jupyter_sysdesign.curriculum.lesson import LessonFile  # noqa: PLC0415
        from jupyter_sysdesign.curriculum.sealing import sealed  # noqa: PLC0415

        self._folder = self._folder or tempfile.mkdtemp(prefix="sysdesign-build-")
        made = Path(self._folder) / path.parent.name / path.name
        made.parent.mkdir()
        document = sealed(yaml_file.read(path).validate(LessonFile))
        made.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")  # is YAML too
        return made
