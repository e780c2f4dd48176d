"""``python -m jupyter_sysdesign.control.openapi > openapi.json``: the API's description."""

from __future__ import annotations

import json
import sys

from jupyter_sysdesign.control.app import create_app


def document() -> str:
    """Return the OpenAPI document as it is checked in."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
