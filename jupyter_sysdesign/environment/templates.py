"""Seeded data directories, built once per content hash and copied for every instance.

Layout: ``<folder>/<key>/data`` is the template, ``<key>/template.json`` its size, ``<key>/spare`` a
ready copy that the next instance takes by a rename, ``<key>/spare2`` … more of them. A template
appears by one rename, once the disk holds all of it, so an interrupted build leaves none;
``<key>.lock`` keeps two processes from building the same one.

A second folder may come with an image, made by somebody else and readable by all. A template that
is whole in there is copied straight from there, and only its spare copies lie in the user's own
folder. It may be shared because it holds no secret: the one password in it, of the template's
superuser, is an instance's for as long as its first start takes, behind a socket that nobody else
reaches; the other roles have none before they are given the instance's own.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.owner import server_owner
from jupyter_sysdesign.environment.status import Progress
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: What is said of a preparation that was cancelled.
STOPPED = "Stopped while the database was being prepared"
#: Templates nobody has used for so long go when another one is built.
UNUSED_S = 14 * 24 * 3600.0

_LOCK_POLL_S = 0.05
_FLUSHED_AT_ONCE = 8
_TELL_TIMES = 20  # a copy reports its progress at most so often

# Under root the database's user builds in there, and so must be able to walk through.
_MODE = 0o711 if os.geteuid() == 0 else 0o700


class Templates:
    """The templates below one folder, shared by all instances of a user, safe among processes."""

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        """Use ``folder`` (``paths.templates()``), and of ``shared`` what is whole in there."""
        self.folder = folder
        self.shared = shared

    def ensure(
        self,
        key: str,
        build: Callable[[Path], None],
        progress: Callable[[Progress], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Return the data folder of template ``key``, built now if there is none in either folder.

        ``build`` fills the (missing) folder it is given; when it fails, nothing is left of it.
        Another process that builds the same template is waited for, until ``cancelled`` is set. One
        that is not whole, as after a power loss, is built again.

        Raises:
            ConflictError: ``cancelled`` was set.
            ResourceError: no space left.
        """
        home = self._find(key)
        if home is None:
            with self._locked(key, progress, cancelled or threading.Event()):
                home = self._find(key)
                if home is None:
                    home = self._build(key, build)
        with suppress(FileNotFoundError):  # of a shared one we may have nothing yet
            os.utime(self.folder / key)  # the time of its last use
        return home / "data"

    def copy(
        self, key: str, target: Path, progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Put a copy of template ``key`` at ``target`` (missing before), a spare one if there.

        Whoever is killed meanwhile leaves a part there: it is for the caller to move what is whole.

        Raises:
            ResourceError: no space left; said before anything is copied.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        for spare in sorted((self.folder / key).glob("spare*")):
            with suppress(FileNotFoundError):
                if _is_ready(spare):
                    spare.rename(target)
                    return
        home = self._find(key) or self.folder / key
        size = _bytes(home)
        file_copy.require_room(target.parent, size, "the environment's data")

        told = 0

        def copied(count: int) -> None:
            nonlocal told
            if progress and (count - told) * _TELL_TIMES >= size:
                told = count
                done = min(1.0, count / size)
                progress(Progress(step="Copying the pristine data", done=done, bytes=count))

        file_copy.copy_tree(home / "data", target, copied, owner=server_owner())
        if progress:
            progress(Progress(step="Copying the pristine data", done=1.0, bytes=size))

    def restock(self, key: str, spares: int = 1) -> bool:
        """Make the spare copies of template ``key`` that are missing; tell whether there are all.

        None is made when it would take more than half of the free space. Tidies up as well.
        """
        self.tidy()
        home = self.folder / key
        wanted = [home / f"spare{number if number > 1 else ''}" for number in range(1, spares + 1)]
        with self._try_locked(f"{key}.spare") as mine:
            missing = [spare for spare in wanted if not _is_ready(spare)] if mine else []
            source = self._find(key) if missing else None
            if source is not None:
                home.mkdir(mode=_MODE, exist_ok=True)
                for spare in missing:
                    self._make_spare(source, spare)
        return all(_is_ready(spare) for spare in wanted)

    def size(self, key: str) -> int:
        """Return the bytes a copy of template ``key`` takes."""
        return _bytes(self._find(key) or self.folder / key)

    def tidy(self) -> None:
        """Remove what killed processes left half-made, and what nobody has used for two weeks."""
        for partial in self.folder.glob(".*.partial"):
            with self._try_locked(partial.name[1 : -len(".partial")]) as mine:
                if mine:
                    shutil.rmtree(partial, ignore_errors=True)
        for each in self.folder.glob("*"):  # it may not be there yet
            with suppress(FileNotFoundError):
                old = time.time() - each.stat().st_mtime > UNUSED_S
                if each.is_dir() and old and not each.name.startswith("."):
                    gone = each.with_name(f".{each.name}.partial")
                    each.rename(gone)
                    shutil.rmtree(gone, ignore_errors=True)

    def _make_spare(self, source: Path, spare: Path) -> None:
        partial = spare.with_name(".spare.partial")
        for useless in (partial, spare):
            shutil.rmtree(useless, ignore_errors=True)
        if 2 * _bytes(source) < shutil.disk_usage(spare.parent).free - file_copy.RESERVE_BYTES:
            file_copy.copy_tree(source / "data", partial, owner=server_owner())
            partial.rename(spare)

    def _find(self, key: str) -> Path | None:
        """Return where template ``key`` is, whole: our own, else a shared one; None: nowhere."""
        for folder in (self.folder, self.shared):
            if folder and is_whole(folder / key):
                return folder / key
        return None

    def _build(self, key: str, build: Callable[[Path], None]) -> Path:
        partial = self.folder / f".{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)  # of a build that was interrupted
        partial.mkdir(mode=_MODE)
        try:
            build(partial / "data")
            facts = {**_extent(partial / "data"), "built_at": time.time()}
            (partial / "template.json").write_text(json.dumps(facts))
            _flush(partial)  # else its name may outlive a power loss, and what it holds not
            # Spare copies may be there, of a shared one that is gone.
            shutil.rmtree(self.folder / key, ignore_errors=True)
            return partial.rename(self.folder / key)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    @contextmanager
    def _locked(
        self, key: str, progress: Callable[[Progress], None] | None, cancelled: threading.Event
    ) -> Iterator[None]:
        """Hold the lock of ``key``, waiting for its holder."""
        descriptor = self._lock_file(key)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if progress:
                        progress(Progress(step="Waiting: another process prepares the same data"))
                    if cancelled.wait(_LOCK_POLL_S):
                        raise ConflictError(STOPPED) from None
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _try_locked(self, key: str) -> Iterator[bool]:
        """Hold the lock of ``key`` if it is free; yields whether it is held."""
        descriptor = self._lock_file(key)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)

    def _lock_file(self, key: str) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        return os.open(self.folder / f"{key}.lock", flags, 0o600)


def is_whole(home: Path) -> bool:
    """Tell whether the template in ``home``, of whomever, is all there and may be read by us."""
    try:
        facts = json.loads((home / "template.json").read_text())
        return isinstance(facts, dict) and _extent(home / "data").items() <= facts.items()
    except (OSError, ValueError):
        return False


def _extent(data: Path) -> dict[str, int]:
    """Return how many bytes and how many files and folders there are to copy.

    Raises:
        OSError: one of them may not be read.
    """
    found = {"bytes": 0, "entries": 0}
    for where, folders, names in os.walk(data, onerror=_raise):
        found["entries"] += len(folders) + len(names)
        for name in names:
            path = f"{where}/{name}"
            found["bytes"] += os.lstat(path).st_size
            if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
                raise PermissionError(path)
    return found


def _flush(folder: Path) -> None:
    """Have the disk hold all that is below ``folder``: a thousand small files, many at once."""
    with ThreadPoolExecutor(_FLUSHED_AT_ONCE, thread_name_prefix="flush") as pool:
        for _ in pool.map(_flush_one, (folder, *folder.rglob("*"))):
            pass  # one that failed is raised here


def _flush_one(path: Path) -> None:
    if path.is_symlink():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # not every file system can do it with a folder
            raise
    finally:
        os.close(descriptor)


def _raise(error: OSError) -> NoReturn:
    raise error


def _bytes(home: Path) -> int:
    return int(json.loads((home / "template.json").read_text())["bytes"])


def _is_ready(spare: Path) -> bool:
    """Tell whether ``spare`` is there, and of the user that servers run as today."""
    owner = server_owner()
    return spare.is_dir() and spare.stat().st_uid == (owner.uid if owner else os.geteuid())
