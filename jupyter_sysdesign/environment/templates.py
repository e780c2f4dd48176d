"""Seeded data directories, built once per content hash and copied for every instance.

Layout: ``<folder>/<key>/data`` is the template, ``<key>/template.json`` its size, ``<key>/spare`` a
ready copy that the next instance takes by a rename, ``<key>/spare2`` … more of them. A template
appears by one rename, so an interrupted build leaves none; ``<key>.lock`` keeps two processes from
building the same one.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.status import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Templates nobody has used for so long go when another one is built.
UNUSED_S = 14 * 24 * 3600.0

_LOCK_POLL_S = 0.05
_TELL_TIMES = 20  # a copy reports its progress at most so often


class Templates:
    """The templates below one folder, shared by all instances of a user, safe among processes."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder`` (``paths.templates()``)."""
        self.folder = folder

    def ensure(
        self,
        key: str,
        build: Callable[[Path], None],
        progress: Callable[[Progress], None] | None = None,
    ) -> Path:
        """Return the data folder of template ``key``, built now if there is none yet.

        ``build`` fills the (missing) folder it is given; when it fails, nothing is left of it.
        Another process that builds the same template is waited for.

        Raises:
            ResourceError: no space left.
        """
        final = self.folder / key
        if not (final / "data").is_dir():
            with self._locked(key, progress):
                if not (final / "data").is_dir():
                    self._build(key, build)
        os.utime(final)  # the time of its last use
        return final / "data"

    def copy(
        self, key: str, target: Path, progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Put a copy of template ``key`` at ``target`` (missing before), a spare one if there.

        Raises:
            ResourceError: no space left; said before anything is copied.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        for spare in sorted((self.folder / key).glob("spare*")):
            with suppress(FileNotFoundError):
                spare.rename(target)
                return
        size = self.size(key)
        file_copy.require_room(target.parent, size, "the environment's data")

        told = 0

        def copied(count: int) -> None:
            nonlocal told
            if progress and (count - told) * _TELL_TIMES >= size:
                told = count
                done = min(1.0, count / size)
                progress(Progress(step="Copying the pristine data", done=done, bytes=count))

        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        file_copy.copy_tree(self.folder / key / "data", partial, copied)
        partial.rename(target)
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
            for spare in wanted:
                if not mine or not (home / "data").is_dir() or spare.is_dir():
                    continue
                partial = home / ".spare.partial"
                shutil.rmtree(partial, ignore_errors=True)
                if 2 * self.size(key) < shutil.disk_usage(home).free - file_copy.RESERVE_BYTES:
                    file_copy.copy_tree(home / "data", partial)
                    partial.rename(spare)
        return all(spare.is_dir() for spare in wanted)

    def size(self, key: str) -> int:
        """Return the bytes a copy of template ``key`` takes."""
        found = json.loads((self.folder / key / "template.json").read_text())
        return int(found["bytes"])

    def tidy(self) -> None:
        """Remove what killed processes left half-made, and what nobody has used for two weeks."""
        for partial in self.folder.glob(".*.partial"):
            with self._try_locked(partial.name[1 : -len(".partial")]) as mine:
                if mine:
                    shutil.rmtree(partial, ignore_errors=True)
        for each in self.folder.iterdir():
            with suppress(FileNotFoundError):
                old = time.time() - each.stat().st_mtime > UNUSED_S
                if each.is_dir() and old and not each.name.startswith("."):
                    gone = each.with_name(f".{each.name}.partial")
                    each.rename(gone)
                    shutil.rmtree(gone, ignore_errors=True)

    def _build(self, key: str, build: Callable[[Path], None]) -> None:
        partial = self.folder / f".{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)  # of a build that was interrupted
        partial.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
        try:
            build(partial / "data")
            facts = {"bytes": file_copy.tree_bytes(partial / "data"), "built_at": time.time()}
            (partial / "template.json").write_text(json.dumps(facts))
            partial.rename(self.folder / key)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    @contextmanager
    def _locked(self, key: str, progress: Callable[[Progress], None] | None) -> Iterator[None]:
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
                    time.sleep(_LOCK_POLL_S)
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
