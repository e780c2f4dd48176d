"""The table of contents of a zip somebody sent: what of it may be unpacked, and as what."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from jupyter_sysdesign.curriculum import archive
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.errors import InvalidFileError

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Entry:
    """One file to unpack.

    Attributes:
        workspace: the folder of the workspace, relative to the root.
        path: of the file in it.
    """

    info: zipfile.ZipInfo
    workspace: PurePosixPath
    path: PurePosixPath

    @property
    def size(self) -> int:
        """Return how many bytes it says it has."""
        return self.info.file_size


def entries(zipped: zipfile.ZipFile, file: str) -> list[Entry]:
    """Return what of a zip is to be unpacked; its tools' own files, like ``.git``, are left out.

    Raises:
        InvalidFileError: about ``file``, the zip, where it holds anything that an export does not.
    """
    listed = zipped.infolist()
    size = sum(each.file_size for each in listed)
    if len(listed) > archive.MOST_FILES or size > archive.MOST_BYTES:
        raise InvalidFileError(
            f"{len(listed):,} files of {size >> 20:,} MB are too much",
            file=file,
            hint=f"It may have {archive.MOST_FILES:,} files of {archive.MOST_BYTES >> 20} MB.",
        )
    infos = [each for each in listed if not _is_folder(each, file)]
    for info in infos:
        trouble = archive.trouble_with(info.filename) or _trouble(info)
        if trouble:
            raise InvalidFileError(f"{info.filename!a}: {trouble}", file=file)
    trouble = archive.trouble_between(info.filename for info in infos)
    if trouble:
        raise InvalidFileError(trouble, file=file)
    places = _workspaces(infos, file)
    return [
        Entry(info, place, path)
        for info in infos
        for place, path in [_place(info, places, file)]
        if path == workspaces.MARKER or not workspaces.IGNORED.intersection(path.parts[:-1])
    ]


def _is_folder(info: zipfile.ZipInfo, file: str) -> bool:
    if not info.is_dir():
        return False
    trouble = archive.trouble_with(info.filename.rstrip("/"))
    if trouble or info.file_size:
        raise InvalidFileError(f"{info.filename!a}: {trouble or 'no folder'}", file=file)
    return True


def _trouble(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "it is a link or a device, not a file"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in _METHODS:
        return "it is compressed in another way than zips usually are"
    if info.file_size > archive.MOST_FILE_BYTES:
        return f"it has more than {archive.MOST_FILE_BYTES >> 20} MB"
    return None


def _workspaces(infos: list[zipfile.ZipInfo], file: str) -> set[PurePosixPath]:
    """Return the folders that have a marker in them."""
    marker = "/" + str(workspaces.MARKER)
    found = {
        PurePosixPath(info.filename[: -len(marker)])
        for info in infos
        if info.filename.endswith(marker)
    }
    if not found:
        raise InvalidFileError(
            "there is no work in it", file=file, hint="`sysdesign export` makes such a zip."
        )
    for place in found:
        if not archive.may_be_workspace(place):
            raise InvalidFileError(f"{str(place)!a} is no place for a workspace", file=file)
        if found.intersection(place.parents):
            raise InvalidFileError(f"{str(place)!a} is in another workspace", file=file)
    return found


def _place(
    info: zipfile.ZipInfo, places: set[PurePosixPath], file: str
) -> tuple[PurePosixPath, PurePosixPath]:
    path = PurePosixPath(info.filename)
    for place in path.parents:
        if place in places:
            return place, path.relative_to(place)
    raise InvalidFileError(f"{info.filename!a} is in no workspace", file=file)
