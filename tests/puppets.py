"""An instance whose one service does whatever it is told."""

from __future__ import annotations

import json
from typing import Any

import httpx
from watched import Watched

#: A service that runs what it is sent: ``answer`` is what the code leaves there.
PUPPET = """
import contextlib, io, json, traceback

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            await send({"type": (await receive())["type"] + ".complete"})
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    known = {}
    try:
        if body:
            exec(body.decode(), known)
        answer = known.get("answer")
    except BaseException:
        answer = traceback.format_exc()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
"""

COMPOSE = """
name: made-up
services:
  app:
    image: sysdesign/python:3
    working_dir: /app
    command: ["uvicorn", "server:app", "--host", "0.0.0.0", "--port", "8000"]
    volumes: ["./app:/app:ro"]
    ports: ["8000"]
    deploy: {resources: {limits: {cpus: "0.5", memory: 256M}}}
"""


class Puppet(Watched):
    """An instance of one service that runs what it is sent."""

    async def run(self, code: str) -> Any:
        """Run ``code`` in the service and return what it leaves in ``answer``."""
        async with httpx.AsyncClient(base_url=self.status.url or "", timeout=60) as client:
            return json.loads((await client.post("/", content=code)).content)
