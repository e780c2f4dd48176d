"""Loading a lesson's ``checks.py``."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading.checks import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.curriculum.catalogue import Lesson


def load_checks(lesson: Lesson, only: Sequence[str] | None = None) -> list[Check]:
    """Return the checks in the order they stand in the file, or those named by ``only``.

    Raises:
        InvalidFileError: the file does not load, has no checks, or none of that name.
    """
    path = lesson.environment / "checks.py"
    shown = f"environments/{lesson.id}/checks.py"
    name = f"sysdesign_checks_{lesson.id.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidFileError("the file is missing", file=shown)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # may be read-only
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InvalidFileError(error.msg, file=shown, line=error.lineno) from error
    except Exception as error:
        raise InvalidFileError(f"{type(error).__name__}: {error}", file=shown) from error
    finally:
        sys.dont_write_bytecode = written
    checks = [each for each in vars(module).values() if isinstance(each, Check)]
    ids = [each.id for each in checks]
    twice = {each for each in ids if ids.count(each) > 1}
    unknown = sorted(set(only or ()) - set(ids))
    if not checks or twice or unknown:
        said = (
            f"there is no check {', '.join(unknown)}"
            if unknown
            else f"two checks are called {', '.join(twice)}"
            if twice
            else "there is no check in it"
        )
        raise InvalidFileError(said, file=shown)
    return [each for each in checks if only is None or each.id in only]
