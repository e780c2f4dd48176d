"""Reading what a learner sent as an answer: numbers with units, picks, prose."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Groups of thousands follow no leading 0: ``0,125`` is a fraction with a decimal comma.
_NUMBER = re.compile(
    r"([+-]?(?:[1-9]\d*(?:[,_ ]\d{3})*|\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s*(\D*)"
)
#: In milliseconds: learners read "1.2 s" off a chart whose question asks for ms.
_TIMES = {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0}
_ARTICLES = re.compile(r"^(?:a|an|the) ")


def refuse(message: str, hint: str = "") -> InvalidRequestError:
    """Return the error for a value that has not the form the question asks for."""
    return InvalidRequestError(message, hint=hint)


def number(
    value: Any, unit: str, minimum: float | None = None, maximum: float | None = None
) -> float:
    """Return a finite number; ``"1,200 ms"`` and ``"1.2 s"`` are read too."""
    found = _parse(value, unit)
    if found is None or not math.isfinite(found):
        raise refuse(f"That is no number{f' in {unit}' if unit else ''}: {_short(value)}")
    if (minimum is not None and found < minimum) or (maximum is not None and found > maximum):
        bounds = " and ".join(
            f"at {side} {figure(bound, unit)}"
            for side, bound in (("least", minimum), ("most", maximum))
            if bound is not None
        )
        raise refuse(f"It must be {bounds}")
    return found


def interval(value: Any, unit: str) -> tuple[float, float]:
    """Return ``{"low": …, "high": …}`` as two numbers in order."""
    if not isinstance(value, dict) or set(value) != {"low", "high"}:
        raise refuse("Give a range: its low and its high end")
    low, high = number(value["low"], unit), number(value["high"], unit)
    if low > high:
        raise refuse("The low end of the range is above its high end")
    return low, high


def one_of(value: Any, ids: Sequence[str]) -> str:
    """Return the one option picked."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or value not in ids:
        raise refuse(f"Pick one of {', '.join(ids)}")
    return value


def some_of(value: Any, ids: Sequence[str]) -> set[str]:
    """Return the options picked, at least one."""
    picked = [value] if isinstance(value, str) else value
    if not isinstance(picked, list) or not picked:
        raise refuse(f"Pick one or more of {', '.join(ids)}")
    return {one_of(each, ids) for each in picked}


def text(value: Any, longest: int) -> str:
    """Return non-empty text of at most ``longest`` characters."""
    if not isinstance(value, str) or not value.strip():
        raise refuse("Write an answer first")
    if len(value) > longest:
        raise refuse(f"That is longer than {longest:,} characters")
    try:
        value.encode()
    except UnicodeEncodeError:  # a surrogate without the other one of its pair
        raise refuse("That holds half a character: type it again") from None
    return value.strip()


def defended(value: Any, ids: Sequence[str]) -> tuple[str, str]:
    """Return ``{"choice": id, "because": text}``."""
    if not isinstance(value, dict) or not {"choice", "because"} >= set(value):
        raise refuse("Choose one of the ways, and say why")
    chosen = one_of(value.get("choice"), ids)
    because = value.get("because") or ""
    return chosen, text(because, 20_000) if because else ""


def reflected(
    value: Any, claims: Sequence[tuple[str, str, Sequence[str]]]
) -> tuple[str, dict[str, float | str]]:
    """Return prose and what was stated: ``"…"``, with claims ``{"text": …, "claims": {id: …}}``.

    ``claims`` are triples of id, unit and options (none: a number).
    """
    if not claims:
        return text(value, 20_000), {}
    if not isinstance(value, dict) or not {"text", "claims"} >= set(value):
        raise refuse("Give what is asked for in the fields, and say it in your own words too")
    given = value.get("claims")
    if not isinstance(given, dict) or set(given) != {each for each, _, _ in claims}:
        raise refuse(f"Fill in every field: {', '.join(each for each, _, _ in claims)}")
    stated = {
        each: one_of(given[each], options) if options else number(given[each], unit)
        for each, unit, options in claims
    }
    return text(value.get("text"), 20_000), stated


def words(prose: str) -> int:
    """Count the different words: the same one again says nothing new."""
    return len(set(re.findall(r"\w+", prose.casefold())))


def normalised(prose: str) -> str:
    """Return text without case, punctuation, spacing and a leading article."""
    folded = unicodedata.normalize("NFKC", prose).casefold()
    return _ARTICLES.sub("", " ".join(re.findall(r"\w+", folded.replace("_", " "))))


def figure(value: float, unit: str) -> str:
    """Return a number for people: three significant digits, with its unit."""
    large = abs(value) >= 100 or value == int(value)  # noqa: PLR2004
    return f"{value:,.0f} {unit}".strip() if large else f"{value:.3g} {unit}".strip()


def _parse(value: Any, unit: str) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return math.inf if abs(value) > sys.float_info.max else float(value)
    if not isinstance(value, str) or len(value) > 50:  # noqa: PLR2004
        return None
    match = _NUMBER.fullmatch(value.strip())
    if match is None or not any(each.isdigit() for each in match[1]):
        return None
    written = match[2].strip()
    factor = 1.0
    if written and written.casefold() != unit.casefold():
        if written not in _TIMES or unit not in _TIMES:
            return None
        factor = _TIMES[written] / _TIMES[unit]
    return float(re.sub(r"[,_ ]", "", match[1])) * factor


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."  # noqa: PLR2004
