"""A Python service: the learner's own files, run by uvicorn or as a plain program."""

from __future__ import annotations

import os
import socket
import tokenize
from pathlib import PurePath
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.compose import image
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.ports import ANYWHERE
from jupyter_sysdesign.environment.preload import READ_ONCE
from jupyter_sysdesign.environment.services.base import OnProgress, environment
from jupyter_sysdesign.environment.services.probes import ask
from jupyter_sysdesign.errors import InvalidFileError, not_utf8
from jupyter_sysdesign.interpreter import INTERPRETER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.services.place import Place
    from jupyter_sysdesign.environment.spec import Mount, ServiceSpec

_ADDRESS_OPTIONS = ("--host", "--port")
_LARGEST_FILE = 2**30
_LARGEST_SOURCE = 16 << 20

_REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class PythonApp:
    """One Python service."""

    def __init__(self, spec: ServiceSpec, place: Place) -> None:
        """Describe the service; touches no file."""
        self.spec = spec
        self.place = place

    @property
    def address(self) -> Address | None:
        """Return where it answers HTTP, None for a worker."""
        return self.place.reached(self.spec.name) if self.spec.port else None

    @property
    def watched(self) -> tuple[Path, ...]:
        """Return the folders and files it sees."""
        return tuple(self._locate(mount) for mount in self.spec.volumes)

    @property
    def folder(self) -> Path:
        """Return its working directory on this machine."""
        return self._path(self.spec.working_dir or "/") or self.place.folder

    def check(self) -> None:
        """Compile every Python file it sees.

        Raises:
            InvalidFileError: one has a syntax error; with its line.
        """
        for mount in self.spec.volumes:
            root = self._locate(mount)
            for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
                inside = path.relative_to(root)
                hidden = any(part.startswith(".") for part in inside.parts)
                if path.suffix == ".py" and not hidden and path.is_file():
                    _compile(path, (PurePath(mount.source) / inside).as_posix())

    def prepare(self, progress: OnProgress | None = None) -> None:  # noqa: ARG002 (protocol)
        """Make its scratch folder and resolved configuration files."""
        self.place.data(self.spec.name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def launch(self) -> Launch:
        """Return the process: listening on its unix socket, or on the inherited one."""
        if self.address is not None and self.address.path is not None:
            _close_to_others(self.address.path)
        words = tuple(self._arguments())
        inherits = self.spec.tcp and self.place.inherits
        return Launch(
            name=self.spec.name,
            argv=(*INTERPRETER, *words),
            env=self._environment(),
            cwd=self.folder,
            listen=self._port if inherits else None,
            cpus=self.spec.cpus,
            memory_bytes=self.spec.memory_bytes,
            file_bytes=_LARGEST_FILE,
            python=words if self._may_be_forked(words) else (),
            stop_timeout_s=self.spec.stop_timeout_s,
            probe=self._probe,
            redact=self.place.passwords.all(),
            image=image("python"),
            arguments=words,
            reads=(*self.watched, *self.place.database_sockets()),
            writes=(self.place.sockets,),
            scratch=self.place.data(self.spec.name),
            network=self.place.by_port or (self.spec.tcp and not inherits),
            untrusted=True,
        )

    def discard(self) -> None:
        """It keeps no data."""

    def restock(self) -> None:
        """Nothing to keep ready."""

    def _arguments(self) -> Iterator[str]:
        program, *rest = (self.place.resolve(word, self.spec.name) for word in self.spec.command)
        rest = [str(self._path(word) or word) if word.startswith("/") else word for word in rest]
        if program == "python":
            yield from rest
            return
        yield from ("-m", "uvicorn", *_without_address(rest), "--app-dir", str(self.folder))
        if self.spec.tcp and self.place.inherits:
            yield from ("--fd", "{listen_fd}")
        elif self.spec.tcp:
            yield from ("--host", ANYWHERE, "--port", str(self._port))
        else:
            yield from ("--uds", str(self.place.addresses.of(self.spec.name).path))
        if "--access-log" not in rest and "--no-access-log" not in rest:
            yield "--no-access-log"  # a line per request of a load run helps nobody
        if not any(word.startswith("--timeout-graceful-shutdown") for word in rest):
            yield from ("--timeout-graceful-shutdown", "2")

    @property
    def _port(self) -> int:
        return self.place.ports[self.spec.name]

    def _may_be_forked(self, words: tuple[str, ...]) -> bool:
        """Tell whether nothing is asked for that only a new interpreter would heed."""
        begins, *rest = words or ("",)
        program = begins.endswith(".py") or (begins == "-m" and bool(rest))
        return program and not any(name.startswith(READ_ONCE) for name in self.spec.environment)

    def _environment(self) -> dict[str, str]:
        scratch = str(self.place.data(self.spec.name))
        own = {
            name: self.place.resolve(each, self.spec.name)
            for name, each in self.spec.environment.items()
        }
        fixed = {
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONPATH": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # the folder is the learner's
            "PYTHONNOUSERSITE": "1",
        }
        return environment(self.place, self.spec.name) | fixed | own

    def _locate(self, mount: Mount) -> Path:
        return self.place.source.locate(mount.source)

    def _path(self, inside: str) -> Path | None:
        """Return the file or folder of this machine that a path inside the container means."""
        for mount in self.spec.volumes:
            if inside == mount.target:
                return self._locate(mount)
            if inside.startswith(mount.target.rstrip("/") + "/"):
                return self._locate(mount) / inside[len(mount.target) :].lstrip("/")
        return None

    async def _probe(self) -> None:
        """Ask for ``/health``; any HTTP answer will do. A worker is ready once it runs."""
        address = self.address
        if address is None:
            return
        answer = await ask(address, _REQUEST)
        if not answer[0].startswith(b"HTTP/1."):
            raise NotReady("no HTTP answer yet")


def _close_to_others(path: Path) -> None:
    """Leave a dead socket of mode 0600 at ``path``.

    Uvicorn opens its socket to everybody, unless there is one: then it takes that one's mode.
    """
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
    path.chmod(0o600)


def _compile(path: Path, shown: str) -> None:
    try:
        if path.stat().st_size > _LARGEST_SOURCE:
            raise InvalidFileError(f"larger than {_LARGEST_SOURCE >> 20} MiB", file=shown)
        with tokenize.open(path) as stream:
            source = stream.read()
        compile(source, shown, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InvalidFileError(error.msg, file=shown, line=error.lineno) from error
    except UnicodeDecodeError as error:
        raise not_utf8(error, shown) from error
    except ValueError as error:
        raise InvalidFileError(str(error), file=shown) from error
    except FileNotFoundError:
        return  # it was there a moment ago
    except OSError as error:
        raise InvalidFileError(error.strerror or str(error), file=shown) from error


def _without_address(words: list[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip or word in _ADDRESS_OPTIONS:
            skip = word in _ADDRESS_OPTIONS
        elif not word.startswith(tuple(f"{option}=" for option in _ADDRESS_OPTIONS)):
            yield word
