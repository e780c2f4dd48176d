"""The base of what ``load.yaml`` holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Knows its keys and its types: ``"50"`` is no number, a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)
