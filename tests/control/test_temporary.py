from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.temporary import remove_temporary, temporary
from jupyter_sysdesign.environment.ownership import Ownership

if TYPE_CHECKING:
    from pathlib import Path


def test_only_what_is_there_for_a_check_is_removed(home: Path) -> None:
    lasting = paths.instance("tiny-00000001")
    (lasting / "data").mkdir()
    (temporary("tiny-00000002") / "data").mkdir()
    paths.instance("tiny-00000003.unfinished")  # killed before it had its name
    owned = temporary("tiny-00000004")
    ownership = Ownership.take(owned)
    assert ownership is not None
    remove_temporary()
    assert sorted(paths.instances().iterdir()) == [lasting, owned]
    ownership.release()
    remove_temporary()
    assert list(paths.instances().iterdir()) == [lasting]
    assert home in lasting.parents


def test_asking_twice_gives_the_same_folder(home: Path) -> None:
    first = temporary("tiny-00000001")
    assert temporary("tiny-00000001") == first
    assert home in first.parents
