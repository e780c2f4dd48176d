"""An answer cut into sentences, and what of it can be evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.grading.rubric.suspicion import is_aside

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.question import Reflect

#: The end of a sentence, a blank line, or the next point of a list.
_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+|\n\s*\n|\n(?=\s*[-*•\d])")
_MOST = 100  # sentences; an answer that goes on for longer says it more than once
_SHORTEST = 3  # words
_SHORTEST_COPY = 5  # words

ASIDE = "Part of it speaks to whoever marks instead of answering."
COPIED = "Part of it is copied from the question, its rubric or our answer."
PILE = "Part of it is a pile of words and no sentence."

#: So many parts between commas, of so few words on average, say nothing.
_PILE_PARTS = 8
_PILE_WORDS = 2.5


@dataclass(frozen=True)
class Prose:
    """What an answer says.

    Attributes:
        sentences: each by itself, asides and copies left out.
        doubts: why a person should look at it.
    """

    sentences: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def passages(self) -> list[str]:
        """Return each sentence and each two in a row: a thought may take both."""
        pairs = zip(self.sentences, self.sentences[1:], strict=False)
        return list(dict.fromkeys((*self.sentences, *(f"{one} {other}" for one, other in pairs))))


def read(question: Reflect, prose: str) -> Prose:
    """Cut an answer into sentences that may be evidence.

    An aside takes the sentences after it along: they usually belong to it.
    """
    said = [each.strip() for each in _END.split(prose) if each.strip()][:_MOST]
    asides = [at for at, each in enumerate(said) if is_aside(each)]
    own = said[: asides[0]] if asides else said
    given = _words(
        " ".join((question.prompt, question.model_answer, *(each.text for each in question.rubric)))
    )
    own = [each for each in own if len(each.split()) >= _SHORTEST]
    copied = [each for each in own if _is_copied(_words(each), given)]
    doubts = [ASIDE] if asides else []
    doubts += [COPIED] if copied else []
    piles = [each for each in own if _is_pile(each)]
    doubts += [PILE] if piles else []
    return Prose(tuple(each for each in own if each not in (*copied, *piles)), tuple(doubts))


def _is_copied(sentence: str, given: str) -> bool:
    return len(sentence.split()) >= _SHORTEST_COPY and f" {sentence} " in f" {given} "


def _is_pile(sentence: str) -> bool:
    parts = sentence.count(",") + 1
    return parts >= _PILE_PARTS and len(sentence.split()) <= _PILE_WORDS * parts


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
