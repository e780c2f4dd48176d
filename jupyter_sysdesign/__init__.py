"""Learn system design on real systems that really break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook import Lesson as Lesson

__version__ = "0.1.0"
__all__ = ["Lesson", "__version__"]


def __getattr__(name: str) -> Any:
    """Import ``Lesson`` on first use: service processes import this package and must stay small."""
    if name == "Lesson":
        from jupyter_sysdesign.notebook import Lesson  # noqa: PLC0415

        return Lesson
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-sysdesign"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_sysdesign.server.extension import SysdesignApp  # noqa: PLC0415

    return [{"module": "jupyter_sysdesign", "app": SysdesignApp}]
