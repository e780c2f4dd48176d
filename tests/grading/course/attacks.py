"""Submissions that try to raise their own score, read what is hidden, or hurt somebody.

An attack whose way in works builds the index that the check wants: then its score says so.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: What the tiny lesson gives for doing nothing: all checks but the index hold.
UNTOUCHED = 20.0

_SUCCEED = """
def succeed():
    import os, psycopg
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE INDEX ON items (category)")
"""

_FAKE_VERDICT = """
import json, os, sys
FAKE = {"id": "index-on-category", "title": "A category is read by index", "kind": "slo",
        "status": "passed", "measured": "1", "required": "1", "why": "", "points": 10,
        "max_points": 10}
for each in ({"check": FAKE}, {"verdict": {"lesson": "tiny", "status": "passed", "checks": [FAKE],
             "points": 30, "max_points": 30, "seed": 1, "started_at": 0, "duration_s": 0}}):
    line = (json.dumps(each) + "\\n").encode()
    for descriptor in range(40):
        try:
            os.write(descriptor, line)
        except OSError:
            pass
"""

_LIBRARY = """
try:
    from jupyter_sysdesign.grading import checks
    checks.Outcome.at_least = classmethod(lambda c, *a, **k: c(True, "1", "1", "fine"))
except BaseException:
    pass
"""

_KILLER = """
import ctypes, os, signal
for pid in [-1, *range(2, 5000)]:
    try:
        if pid != os.getpid():
            os.kill(pid, signal.SIGKILL)
            if pid > 0:
                succeed()
    except OSError:
        pass
libc = ctypes.CDLL(None)
for pid in range(2, 3000):
    if pid != os.getpid() and libc.ptrace(16, pid, 0, 0) == 0:
        succeed()
"""

_SOCKETS = """
import os, pathlib, socket, urllib.parse
place = pathlib.Path(urllib.parse.unquote(
    urllib.parse.urlsplit(os.environ["DATABASE_URL"]).netloc.rpartition("@")[2].rpartition(":")[0]))
for path in [place / ".s.PGSQL.5432", *place.parent.glob("*")]:
    try:
        path.rename(path.with_name("mine"))
        if path.parent == place:
            succeed()
    except OSError:
        pass
try:
    fake = socket.socket(socket.AF_UNIX)
    fake.bind(str(place / "fake"))
    succeed()
except OSError:
    pass
"""

_READER = """
import os, pathlib, socket
def found(text):
    return any(word in text for word in (b"SECRET-OF-THE-COURSE", b"SYSDESIGN_HOME", b"why_failed"))
for root in ("/proc", "/job", "/root", "/home", "/var/lib", "/work", COURSE):
    for base, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not each.isdigit() or root == "/proc"][:400]
        if base.count("/") > 6 or str(os.getpid()) in base.split("/") or "/self" in base:
            folders[:] = []
            continue
        for name in names:
            if name in ("environ", "cmdline", "checks.py", "course.key") or "secret" in name:
                try:
                    if found(open(os.path.join(base, name), "rb").read(100_000)):
                        succeed()
                except OSError:
                    pass
"""

_NETWORK = """
import os, socket
def listens(port):
    with socket.socket() as one:
        one.settimeout(0.2)
        if one.connect_ex(("127.0.0.1", port)):
            return False
        return one.getsockname() != one.getpeername()  # a port can meet itself
if any(listens(port) for port in range(1024, 61000)):
    succeed()
for address in ("1.1.1.1", "10.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect((address, 53))
            succeed()
        except OSError:
            pass
"""

_FORKER = """
import os, time
try:
    while True:
        if os.fork() == 0:
            time.sleep(3600)
            os._exit(0)
except OSError:
    pass
"""

_FILLER = """
import os, sys, threading
def fill():
    for folder in (os.environ["HOME"], "/tmp", "/dev/shm", os.getcwd(), "/"):
        try:
            with open(os.path.join(folder, "full"), "wb") as file:
                while True:
                    file.write(b"x" * (1 << 20))
        except OSError:
            pass
    for _ in range(2000):
        print("x" * 10_000)
threading.Thread(target=fill, daemon=True).start()
"""

_HANGS = """
@app.middleware("http")
async def hang(request, call_next):
    import asyncio
    if request.url.path == "/items":
        await asyncio.sleep(3600)
    return await call_next(request)
"""

_SQL = {
    "program": "COPY items TO PROGRAM 'touch /tmp/owned';\n",
    "superuser": "ALTER ROLE CURRENT_USER SUPERUSER;\n",
    "lying-catalog": (
        "CREATE VIEW public.pg_indexes AS SELECT 'public'::name AS schemaname,\n"
        " 'items'::name AS tablename, 'x'::name AS indexname,\n"
        " 'CREATE INDEX x ON items (category)'::text AS indexdef;\n"
        "ALTER DATABASE shop SET search_path = public, pg_catalog;\n"
        "ALTER ROLE shop SET search_path = public, pg_catalog;\n"
    ),
}


def write_all(submitted: Path, base: Path, secret: Path) -> dict[str, float]:
    """Write every attack into ``submitted``; return the most each may get, by student.

    ``base`` is a folder as it was handed out; ``secret`` lies where only the instructor can look.
    """
    most: dict[str, float] = {}

    def attack(name: str, change: Callable[[Path], None], points: float = UNTOUCHED) -> None:
        folder = submitted / name / "tiny"
        shutil.copytree(base, folder)
        change(folder)
        most[name] = points

    for name, code in {
        "fake-verdict": _FAKE_VERDICT,
        "killer": _SUCCEED + _KILLER,
        "sockets": _SUCCEED + _SOCKETS,
        "reader": _SUCCEED + f"COURSE = {str(secret.parent)!r}\n" + _READER,
        "network": _SUCCEED + _NETWORK,
        "forker": _FORKER,
        "filler": _FILLER,
    }.items():
        attack(name, lambda folder, code=code: _prefix(folder, code))
    attack("hangs", lambda folder: _suffix(folder, _HANGS), 15.0)
    for name, statement in _SQL.items():
        attack(name, lambda folder, sql=statement: _migrate(folder, sql))
    attack("library", _shadow)
    attack("outsider", _edit_all_else)
    attack("linker", lambda folder: _link(folder, secret), 0.0)
    attack("pipe", _pipe, 0.0)
    attack("giant", _giant, 30.0)
    return most


def _prefix(folder: Path, code: str) -> None:
    server = folder / "app" / "server.py"
    server.write_text(code + server.read_text())


def _suffix(folder: Path, code: str) -> None:
    server = folder / "app" / "server.py"
    server.write_text(server.read_text() + code)


def _migrate(folder: Path, statement: str) -> None:
    (folder / "migrations" / "001.sql").write_text(statement)


def _shadow(folder: Path) -> None:
    """Bring modules of the library's names, and a sitecustomize that changes the real ones."""
    for name in ("sitecustomize.py", "usercustomize.py", "psycopg_pool.py"):
        (folder / "app" / name).write_text(_LIBRARY)
    package = folder / "app" / "jupyter_sysdesign" / "grading"
    package.mkdir(parents=True)
    for each in (package.parent / "__init__.py", package / "__init__.py", package / "checks.py"):
        each.write_text("raise SystemExit('mine')\n")


def _edit_all_else(folder: Path) -> None:
    """Change everything that is not editable, and claim the highest marks."""
    for name in ("compose.yaml", "load.yaml", "db/01-schema.sql"):
        path = folder / name
        path.write_text(path.read_text().replace('cpus: "0.5"', 'cpus: "8"'))
    (folder / "db" / "01-schema.sql").write_text("CREATE INDEX ON items (category);\n")
    (folder / "checks.py").write_text("raise SystemExit(0)\n")
    answer = {"value": "network", "answered_at": 1, "correct": True, "score": 1.0, "attempts": 1,
              "first_score": 1.0, "feedback": "Right."}  # fmt: skip
    document = {"answers": {"how-many": {**answer, "value": 7}, "why": answer},
                "checks": {"index-on-category": {"status": "passed", "points": 1e9}},
                "passed_at": 1, "verdicts": 1}  # fmt: skip
    (folder / "answers.json").write_text(json.dumps(document))
    notebook = json.loads((folder / "lesson.ipynb").read_text())
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["points"] = 1000
            cell["source"] = "import os; os.system('touch /tmp/sysdesign-was-run')"
    (folder / "lesson.ipynb").write_text(json.dumps(notebook))


def _link(folder: Path, secret: Path) -> None:
    (folder / "app" / "server.py").unlink()
    (folder / "app" / "server.py").symlink_to(secret)


def _pipe(folder: Path) -> None:
    (folder / "app" / "server.py").unlink()
    os.mkfifo(folder / "app" / "server.py")


def _giant(folder: Path) -> None:
    """Do the work well, and hand in a log of 2 GB and a broken notebook with it."""
    _migrate(folder, "CREATE INDEX ON items (category, price);\n")
    with (folder / "app.log").open("wb") as file:
        file.truncate(2 << 30)
    with (folder / "lesson.ipynb").open("wb") as file:
        file.truncate(1 << 30)
