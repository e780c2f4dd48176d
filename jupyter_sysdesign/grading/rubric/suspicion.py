"""Sentences that talk to whoever marks instead of answering the question.

They are no evidence for anything, and a person hears of them. Finding them all is not what
protects: an answer is data to the language model, and its points are limited and summed in code.
"""

from __future__ import annotations

import re

#: An engineer's answer has at most one of these in a sentence.
_MARKING = re.compile(
    r"\b(?:points?|marks?|marked|marking|grade[sd]?|grading|rubric|criteri(?:a|on)|score[sd]?|"
    r"examiners?|graders?|evaluators?|instructors?|teacher|instructions?|directions?|developers?|"
    r"assistant|submission|exempted|exemption|prompt|confidential|model answer|this question|"
    r"automatic tests)\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|award|give|assign|output|report(?:ed)?|treat|pretend|return|"
    r"copy|reveal|repeat|print|act as|you are|say that|skip|stop|set|confirm|respond|declare)\b",
    re.IGNORECASE,
)
_SHAPES = re.compile(r"</?\s*\w+\s*/?>|\[\s*system\s*\]|\bSYSTEM\s*:|\"\w+\"\s*:\s*[\[{\d\"]")
_TWO = 2


def is_aside(sentence: str) -> bool:
    """Tell whether this sentence is spoken to whoever marks."""
    speaks = len({each.casefold() for each in _MARKING.findall(sentence)})
    return (
        speaks >= _TWO or bool(speaks and _ORDER.search(sentence)) or bool(_SHAPES.search(sentence))
    )
