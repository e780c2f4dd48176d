"""Labelled answers to the lessons' reflections: what a person found in each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.curriculum.question import Reflect
from jupyter_sysdesign.grading.rubric.embedding import Encoder
from jupyter_sysdesign.grading.rubric.sentences import Sentences

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Marking

SUITES = Path(__file__).parents[2] / "data" / "rubrics"


@dataclass(frozen=True)
class Labelled:
    """One answer of the suite."""

    lesson: str
    question: Reflect
    label: str
    text: str
    meets: frozenset[str]
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        """Return it as a learner sends it."""
        return {"text": self.text, "claims": self.claims} if self.question.claims else self.text

    def __str__(self) -> str:
        return f"{self.lesson}-{self.question.id}-{self.label}"


def _labelled() -> list[Labelled]:
    catalogue, found = Catalogue([shipped()]), []
    for path in sorted(SUITES.glob("*.yaml")):
        lesson = catalogue.lesson(path.stem)
        for name, answers in yaml_file.read(path).data.items():
            question = lesson.file.question(name)
            assert isinstance(question, Reflect), f"{lesson.id} has no reflection {name}"
            for each in answers:
                meets = frozenset(each["meets"])
                assert meets <= {criterion.id for criterion in question.rubric}
                found.append(
                    Labelled(
                        lesson.id, question, each["label"], each["text"], meets,
                        each.get("claims", {}),
                    )
                )  # fmt: skip
    return found


ANSWERS = _labelled()


@pytest.fixture(scope="session")
def sentences() -> Sentences:
    return Sentences(Encoder())


@pytest.fixture(scope="session")
def marked(sentences: Sentences) -> list[tuple[Labelled, Marking]]:
    """Give every answer with what the sentence model found in it."""
    return [(each, sentences.mark(each.question, each.text)) for each in ANSWERS]
