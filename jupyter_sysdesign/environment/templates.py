"""Seeded data directories, built once per content hash and copied for every instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Templates:
    """The templates below one folder, shared by all instances of a user."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder`` (``paths.templates()``)."""
        self.folder = folder
