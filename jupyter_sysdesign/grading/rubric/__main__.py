"""Marks one answer in a process of its own: the sentence model takes 200 MB and gives them back.

Reads ``{"question", "prose"}`` on stdin and writes a ``Marking``, or ``{"problem", "hint"}``. The
end of stdin before that means that whoever asked is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING

from jupyter_sysdesign.curriculum.question import Reflect
from jupyter_sysdesign.errors import SysdesignError, UnavailableError
from jupyter_sysdesign.grading.rubric.marker import reconcile

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Marking
    from jupyter_sysdesign.grading.rubric.marker import Marker

MODEL_VARIABLE = "SYSDESIGN_RUBRIC_MODEL"


def mark(question: Reflect, prose: str) -> Marking:
    """Return what the sentences show, and beside it what a language model says if one is named.

    Raises:
        UnavailableError: neither can look.
    """
    model = os.environ.get(MODEL_VARIABLE, "")
    if not model:
        return _sentences().mark(question, prose)
    from jupyter_sysdesign.grading.rubric.language_model import (  # noqa: PLC0415 (slow, seldom used)
        LanguageModel,
    )

    opinion = LanguageModel(model).mark(question, prose)
    try:
        beside = _sentences().mark(question, prose)
    except UnavailableError:
        beside = None
    return reconcile(opinion, beside)


def _sentences() -> Marker:
    from jupyter_sysdesign.grading.rubric.embedding import Encoder  # noqa: PLC0415 (an extra)
    from jupyter_sysdesign.grading.rubric.sentences import Sentences  # noqa: PLC0415 (same)

    return Sentences(Encoder())


def main() -> None:
    """Read, mark, write."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # what a library prints must not look like a result
        order = json.loads(sys.stdin.readline())
        threading.Thread(target=_watch, name="owner", daemon=True).start()
        try:
            found = mark(Reflect.model_validate(order["question"]), order["prose"])
        except SysdesignError as error:
            out.write(json.dumps({"problem": error.message, "hint": error.hint}))
        else:
            out.write(found.model_dump_json())


def _watch() -> None:
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    main()
