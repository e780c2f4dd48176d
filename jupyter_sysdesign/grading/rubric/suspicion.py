"""Sentences that talk to whoever marks instead of answering the question.

They are no evidence for anything, and a person hears of them. Finding them all is not what
protects: an answer is data to the language model, and its points are limited and summed in code.
"""

from __future__ import annotations

import re

#: An engineer's answer has at most one of these in a sentence.
_MARKING = re.compile(
    r"\b(?:points?|marks?|marked|marking|grade[sd]?|grading|rubric|criteri(?:a|on)|score[sd]?|"
    r"examiner|grader|evaluator|instructor|instructions?|directions?|developer|assistant|"
    r"submission|exempted|prompt|confidential|model answer|automatic tests)\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|award|give|assign|output|report|treat|pretend|return|copy|"
    r"reveal|repeat|print|act as|you are|say that|skip)\b",
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
