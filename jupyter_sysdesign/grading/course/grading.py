"""Grading one submission: its job started, watched and cleaned up after."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import Status, Verdict
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import locked
from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.file_copy import copy_tree, tree_bytes
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading import verdict as verdicts
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.course.boxes import throwaway_user
from jupyter_sysdesign.grading.course.orders import digest_of
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.submission import scratch, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.course.boxes import Started
    from jupyter_sysdesign.grading.course.isolation import Isolation
    from jupyter_sysdesign.grading.course.orders import Order

TIMEOUT_S = 1800.0
DISK_BYTES = 4 << 30
_LOOK_S = 0.5
_LINE_BYTES = 16 << 20
_SAID_BYTES = 64 << 20
_ERRORS_BYTES = 1 << 16


def grade(
    order: Order,
    lesson: Lesson,
    isolation: Isolation,
    *,
    timeout_s: float = TIMEOUT_S,
    disk_bytes: int = DISK_BYTES,
    stop: threading.Event | None = None,
) -> Verdict:
    """Return the verdict on one submission. Nothing of it is left, whatever it did.

    Setting ``stop`` from another thread ends it; the verdict is unknown then.
    """
    started_at = time.time()
    if order.rejected:
        return without_checks(lesson, order, Finding(Status.FAILED, order.rejected), started_at)
    if order.unreadable:
        return without_checks(lesson, order, Finding(Status.UNKNOWN, order.unreadable), started_at)
    sweep()
    try:
        templates = prepared(lesson, isolation, stop)
        with scratch() as folder:
            job = _Job(
                lesson,
                isolation,
                folder / "job",
                timeout_s=timeout_s,
                disk_bytes=disk_bytes,
                stop=stop,
            )
            said = job.run(order.files, order.seed, templates)
    except (SysdesignError, OSError) as error:
        finding = Finding(Status.UNKNOWN, f"It could not be graded: {error}")
        return without_checks(lesson, order, finding, started_at)
    if isinstance(said, Finding):
        return without_checks(lesson, order, said, started_at)
    found = Verdict.model_validate(said["verdict"])
    if not found.checks:  # it did not even get to know them; the gradebook shall hear of each
        return without_checks(lesson, order, Finding(Status.UNKNOWN, found.reason), started_at)
    return found.model_copy(
        update={"started_at": started_at, "duration_s": time.time() - started_at}
    )


def prepared(lesson: Lesson, isolation: Isolation, stop: threading.Event | None = None) -> Path:
    """Return the folder with the lesson's seeded data, made now if it is not there.

    Made by a job in which no learner's file is: what jobs start from is nobody's but ours. What
    came with an image is not in it: jobs read that where it is.

    Raises:
        UnavailableError: it could not be made.
    """
    store = paths.home() / "grading"
    store.mkdir(mode=0o700, exist_ok=True)
    wanted = store / f"{lesson.id}-{_fingerprint(lesson)}"
    with locked(store / f"{lesson.id}.lock"):
        if not wanted.is_dir():
            with scratch() as folder:
                job = _Job(lesson, isolation, folder / "job", stop=stop)
                said = job.run({}, None, None)
                if isinstance(said, Finding):
                    raise SysdesignError(said.why)
                _keep(job.folder / "home" / "templates", wanted)
    return wanted


class _Job:
    def __init__(
        self,
        lesson: Lesson,
        isolation: Isolation,
        folder: Path,
        *,
        timeout_s: float = TIMEOUT_S,
        disk_bytes: int = DISK_BYTES,
        stop: threading.Event | None = None,
    ) -> None:
        self.folder = folder
        self._lesson = lesson
        self._isolation = isolation
        self._timeout_s = timeout_s
        self._disk_bytes = disk_bytes
        self._stop = stop or threading.Event()
        self._why: Finding | None = None

    def run(
        self,
        files: dict[str, bytes],
        seed: int | None,
        templates: Path | None,
    ) -> dict[str, Any] | Finding:
        """Return the job's last line, or why there is none."""
        user = throwaway_user()
        self._furnish(files, templates, user)
        started = self._isolation.start(self._lesson, self.folder, user)
        ended = threading.Event()
        errors: list[bytes] = []
        process = started.process
        watching = [
            threading.Thread(target=self._watch, args=(started, ended), name="job watch"),
            threading.Thread(target=_collect, args=(process.stderr, errors), name="job stderr"),
        ]
        for each in watching:
            each.start()
        try:
            last = self._converse(started, seed)
        finally:
            ended.set()
            _kill(started)
            for each in watching:
                each.join()
        if last is not None and "failed" not in last:
            return last
        if self._why is not None:
            return self._why
        reason = last["failed"] if last else b"".join(errors).decode(errors="replace").strip()
        why = f"Grading ended without a verdict. {reason[-600:]}".strip()
        return Finding(Status.UNKNOWN, why)

    def _furnish(self, files: dict[str, bytes], templates: Path | None, user: int) -> None:
        boxed = self._isolation.name != "none"
        # PostgreSQL and the services may run as another user, who must be able to walk through.
        closed = 0o700 if boxed or os.geteuid() != 0 else 0o711
        self.folder.mkdir(mode=closed)
        workspace = self.folder / "work"
        workspace.mkdir()
        workspaces.populate(self._lesson, workspace)
        for relative, content in files.items():
            target = workspace / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (self.folder / "home").mkdir(mode=closed)
        if templates is not None:
            copied = self.folder / "home" / "templates"
            copy_tree(templates, copied)
            for each in (copied, *copied.iterdir()):
                each.chmod(closed)
        if user != os.geteuid() and boxed:
            for base, _, names in os.walk(self.folder):
                for path in (base, *(f"{base}/{name}" for name in names)):
                    os.chown(path, user, user, follow_symlinks=False)

    def _converse(self, started: Started, seed: int | None) -> dict[str, Any] | None:
        process = started.process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("The job has no pipes.")
        order = {"workspace": str(started.folder / "work"), "seed": seed}
        with contextlib.suppress(BrokenPipeError):  # what it said on its way out is in stderr
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        size = 0
        while (line := _line(process.stdout)) and size <= _SAID_BYTES:
            size += len(line)
            said = json.loads(line)
            if {"verdict", "prepared", "failed"} & said.keys():
                return dict(said)
        return None

    def _watch(self, started: Started, ended: threading.Event) -> None:
        """Kill the job when its time or its room is over."""
        until = time.monotonic() + self._timeout_s
        while not ended.wait(_LOOK_S):
            if self._stop.is_set():
                self._why = Finding(Status.UNKNOWN, "Grading was stopped.")
            elif time.monotonic() > until:
                minutes = self._timeout_s / 60
                self._why = Finding(
                    Status.UNKNOWN, f"It was not decided within {minutes:g} minutes."
                )
            elif tree_bytes(self.folder) > self._disk_bytes:
                size = self._disk_bytes / 2**30
                self._why = Finding(Status.FAILED, f"It wrote more than {size:g} GiB to the disk.")
            if self._why is not None:
                _kill(started)
                return


def _kill(started: Started) -> None:
    process = started.process
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    started.clear()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _line(stream: Any) -> bytes:
    """Return the next line; empty: there is none, or it was cut as the job was killed."""
    try:
        line: bytes = stream.readline(_LINE_BYTES)
    except ValueError:  # closed
        return b""
    return line if line.endswith(b"\n") else b""


def _collect(stream: Any, errors: list[bytes]) -> None:
    """Keep the end of what is printed; read all of it, so that nobody waits for us."""
    with stream:
        while chunk := stream.read1(1 << 14):
            errors.append(chunk)
            while sum(map(len, errors)) > _ERRORS_BYTES and len(errors) > 1:
                errors.pop(0)


def _keep(templates: Path, wanted: Path) -> None:
    partial = wanted.with_name(f".{wanted.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    for each in templates.iterdir() if templates.is_dir() else ():
        if (each / "template.json").is_file():
            (partial / each.name).mkdir(mode=0o700)
            shutil.copyfile(each / "template.json", partial / each.name / "template.json")
            copy_tree(each / "data", partial / each.name / "data")
    partial.rename(wanted)


def _fingerprint(lesson: Lesson) -> str:
    """Return a short hash of all that the data are made of."""
    made_of = {
        path.relative_to(lesson.environment).as_posix(): path.read_bytes()
        for path in workspaces.plain_files(lesson.environment / "db")
    }
    made_of["postgres"] = binaries.version(binaries.find("postgres")).encode()
    made_of["shared"] = str(paths.shared_templates()).encode()
    return digest_of(made_of)[:12]


def without_checks(lesson: Lesson, order: Order, finding: Finding, started_at: float) -> Verdict:
    """Return the verdict on a submission that came to no checks, for the reason found."""
    results = [verdicts.not_made(each, finding) for each in load_checks(lesson)]
    return verdicts.combine(
        lesson.id, results, seed=order.seed, started_at=started_at, reason=finding.why
    )
