"""The API's description: ``python -m jupyter_sysdesign.control.openapi > openapi.json``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from jupyter_sysdesign.control.models import Event

if TYPE_CHECKING:
    from fastapi import FastAPI


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; what event streams send is among its schemas."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = document["components"]["schemas"]
    _, events = models_json_schema(
        [(Event, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas.update(events["$defs"])
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def render() -> str:
    """Return the document as it is checked in."""
    from jupyter_sysdesign.control.app import create_app  # noqa: PLC0415 (it imports this module)

    return json.dumps(describe(create_app()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
