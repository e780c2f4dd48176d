"""A learner's work as one zip, to take along: from Binder, from a hub, to another machine."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_sysdesign.curriculum import archive
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import read_plain
from jupyter_sysdesign.curriculum.registry import Registry
from jupyter_sysdesign.errors import InvalidRequestError, NotFoundError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.curriculum.workspace import Workspace


def pack(folder: Path, target: Path) -> list[Workspace]:
    """Write the workspace that ``folder`` stands in, or else all those below it, to ``target``.

    All of the zip is there or nothing; one that was there before is replaced, and is not packed.

    Raises:
        NotFoundError: no workspace in or below ``folder``.
        InvalidFileError: a workspace's marker is damaged.
        InvalidRequestError: a file is too large for a zip, or its name cannot stand in one, or not
            beside another one; or a workspace lies where none is looked for.
        ResourceError: no room, or no right to read or to write.
    """
    try:
        found = _found(folder)
        files = _files(found, leave_out=target)
    except OSError as error:
        raise ResourceError(f"Cannot read {folder}: {error.strerror}") from error
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        try:
            with os.fdopen(handle, "wb") as file:
                _write(files, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6))
            Path(name).chmod(0o600)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ResourceError(
            f"Cannot write {target}: {error.strerror}", hint="Make room, or name another file."
        ) from error
    return list(found)


def _found(folder: Path) -> dict[Workspace, PurePosixPath]:
    """Return workspaces and where they stand in the zip."""
    folder = workspaces.real(folder)
    around = workspaces.find(folder)
    if around is not None:
        name = around.folder.name.lstrip(".") or around.lesson  # an import takes nothing hidden
        return {around: PurePosixPath("sysdesign", name)}
    found = {
        workspaces.load(each): PurePosixPath(each.relative_to(folder).as_posix())
        for each in _below(folder)
    }
    for each in Registry().known():
        above = {each.folder, *each.folder.parents}
        if folder in above and above.isdisjoint(one.folder for one in found):
            raise InvalidRequestError(
                f"{each.folder} cannot be taken along: it lies in a hidden folder, or more than "
                f"{archive.DEEPEST} folders deep",
                hint=f"Move it, or take it by itself: `sysdesign export {each.folder}`.",
            )
    if not found:
        raise NotFoundError(
            f"There is no workspace in {folder}", hint="`sysdesign open LESSON` makes one."
        )
    return found


def _below(folder: Path) -> Iterator[Path]:
    for base, folders, _ in os.walk(folder, followlinks=False):
        here = Path(base)
        relative = PurePosixPath(here.relative_to(folder).as_posix())
        if archive.may_be_workspace(relative) and workspaces.has_marker(here):
            yield here
            folders.clear()
        deep = len(relative.parts) >= archive.DEEPEST
        folders[:] = [] if deep else sorted(each for each in folders if not each.startswith("."))


def _files(found: dict[Workspace, PurePosixPath], leave_out: Path) -> dict[str, Path]:
    """Return the files to take along, by their names in the zip."""
    left_out = leave_out.parent.resolve() / leave_out.name
    files: dict[str, Path] = {}
    for workspace, place in found.items():
        marker = workspace.folder / workspaces.MARKER
        for path in (marker, *workspaces.plain_files(workspace.folder)):
            if path == left_out:
                continue
            name = str(place / path.relative_to(workspace.folder).as_posix())
            trouble = archive.trouble_with(name)
            if trouble:
                raise InvalidRequestError(
                    f"{str(path)!a} cannot be taken along: {trouble}",
                    hint="Rename it, or move it out of the workspace.",
                )
            files[name] = path
    trouble = archive.trouble_between(files)
    if trouble:
        raise InvalidRequestError(trouble, hint="Rename one of them.")
    return files


def _write(files: dict[str, Path], zipped: zipfile.ZipFile) -> None:
    size = 0
    with zipped:
        for count, (name, path) in enumerate(files.items(), 1):
            try:
                content = _content(path)
            except FileNotFoundError:  # it was there for a moment, as while a notebook is saved
                continue
            size += len(content)
            if count > archive.MOST_FILES or size > archive.MOST_BYTES:
                raise InvalidRequestError(
                    f"This is more than a zip takes: {archive.MOST_FILES:,} files, "
                    f"{archive.MOST_BYTES >> 20} MB",
                    hint="Export one workspace at a time: `sysdesign export WORKSPACE`.",
                )
            entry = zipfile.ZipInfo(name)  # of 1980: the same work gives the same zip
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, content)


def _content(path: Path) -> bytes:
    try:
        content = read_plain(path, archive.MOST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResourceError(f"Cannot read {path}: {error.strerror}") from error
    if len(content) > archive.MOST_FILE_BYTES:
        raise InvalidRequestError(
            f"{path} has more than {archive.MOST_FILE_BYTES >> 20} MB",
            hint="Move it out of the workspace: a lesson needs no such file.",
        )
    return content
