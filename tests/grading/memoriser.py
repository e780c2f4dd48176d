"""A submission by somebody who knows ``checks.py`` by heart: it says what a right system said.

Nobody writes its table. At home, where the checks may be made as often as one likes, they are let
loose on a system that is right and keeps a record of all that it is asked and answers.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING

from jupyter_sysdesign.grading import overlay

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson

_SERVER = "app/server.py"

_RECORD = """

import json as _json
from starlette.responses import Response as _Answer


@app.middleware("http")
async def _record(request, call_next):
    body = (await request.body()).decode()
    answer = await call_next(request)
    if request.url.path in ("/health", "/metrics"):
        return answer
    said = b"".join([part async for part in answer.body_iterator]).decode()
    line = [request.method, request.url.path, request.url.query, body, answer.status_code, said]
    with open({record!r}, "a") as file:
        file.write(_json.dumps(line) + "\\n")
    return _Answer(said, answer.status_code, media_type="application/json")
"""

_PLAY = """

import collections as _collections
import base64 as _base64, json as _json, zlib as _zlib
from starlette.responses import Response as _Answer

_ANSWERS, _LAST = _json.loads(_zlib.decompress(_base64.b85decode({table!r})))
_told = _collections.Counter()


@app.middleware("http")
async def _play(request, call_next):
    body = (await request.body()).decode()
    asked = "\\n".join((request.method, request.url.path, request.url.query, body))
    known = _ANSWERS.get(asked)
    if request.url.path in ("/health", "/metrics") or {asks}:
        return await call_next(request)
    known = known or _LAST.get(request.method + request.url.path, [(404, "{{}}")])
    status, said = known[min(_told[asked], len(known) - 1)]
    _told[asked] += 1
    return _Answer(said, status, media_type="application/json")
"""

#: When the player asks the system behind it: never, or for all that is not known or changes data.
_ASKS = {False: "False", True: 'known is None or request.method != "GET"'}


def recorder(lesson: Lesson, folder: Path, record: Path) -> Path:
    """Make a workspace in ``folder`` with the solution, whose app writes a ``record``."""
    reference = overlay.solution(lesson)
    assert reference is not None
    made = reference.workspace(lesson, folder)
    record.parent.mkdir()
    record.parent.chmod(0o777)  # the app may run as another user
    server = made / _SERVER
    server.write_text(server.read_text() + _RECORD.format(record=str(record)))
    return made


def remember(workspace: Path, record: Path, *, asks: bool) -> None:
    """Have the app of ``workspace`` play back a record, each answer in its turn.

    Args:
        asks: it has the app behind it change the data, and answer what is not in the record. Else
            it says what was said last at the same address.
    """
    answers: dict[str, list[tuple[int, str]]] = {}
    last: dict[str, list[tuple[int, str]]] = {}
    for line in record.read_text().splitlines():
        *asked, status, said = json.loads(line)
        answers.setdefault("\n".join(asked), []).append((status, said))
        last[asked[0] + asked[1]] = [(status, said)]
    table = base64.b85encode(zlib.compress(json.dumps([answers, last]).encode(), 9)).decode()
    server = workspace / _SERVER
    server.write_text(server.read_text() + _PLAY.format(table=table, asks=_ASKS[asks]))
