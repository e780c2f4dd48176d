"""Reading what a learner sent as an answer: numbers with units, picks, prose."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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


def said(asked: Mapping[str, Any], value: Any) -> Any:
    """Return what was said, in the form that a question asks for (``Question.public``).

    A number, ``(low, high)``, an id, a set of ids, text, ``(id, reasons)``, or ``(prose, claims)``.

    Raises:
        InvalidRequestError: the value has another form.
    """
    form, unit = asked["form"], asked.get("unit", "")
    ids = [each["id"] for each in asked.get("options", ())]
    readers: dict[str, Callable[[], Any]] = {
        "number": lambda: number(value, unit, asked.get("minimum"), asked.get("maximum")),
        "interval": lambda: interval(value, unit),
        "choice": lambda: one_of(value, ids),
        "choices": lambda: some_of(value, ids),
        "text": lambda: text(value, 500),
        "defend": lambda: _defended(value, ids, asked["min_words"]),
        "prose": lambda: _reflected(value, asked.get("claims", ()), asked["min_words"]),
    }
    return readers[form]()


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
    if not isinstance(picked, list) or not 0 < len(picked) <= len(ids):
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


def _defended(value: Any, ids: Sequence[str], min_words: int) -> tuple[str, str]:
    """Return ``{"choice": id, "because": text}``."""
    if not isinstance(value, dict) or not {"choice", "because"} >= set(value):
        raise refuse("Choose one of the ways, and say why")
    chosen = one_of(value.get("choice"), ids)
    because = text(value["because"], 20_000) if value.get("because") else ""
    if (found := _words(because)) < min_words:
        raise refuse(
            f"Say why, in at least {min_words} words (you wrote {found})",
            "A choice without its reasons cannot be weighed.",
        )
    return chosen, because


def _reflected(
    value: Any, claims: Sequence[Mapping[str, Any]], min_words: int
) -> tuple[str, dict[str, float | str]]:
    """Return prose and what was stated: ``"…"``, with claims ``{"text": …, "claims": {id: …}}``."""
    prose, stated = _stated(value, claims) if claims else (text(value, 20_000), {})
    if (found := _words(prose)) < min_words:
        raise refuse(
            f"Write at least {min_words} words (you wrote {found})",
            "It is for yourself: nobody marks it but you.",
        )
    return prose, stated


def _stated(value: Any, claims: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, float | str]]:
    if not isinstance(value, dict) or not {"text", "claims"} >= set(value):
        raise refuse("Give what is asked for in the fields, and say it in your own words too")
    given = value.get("claims")
    names = [each["id"] for each in claims]
    if not isinstance(given, dict) or set(given) != set(names):
        raise refuse(f"Fill in every field: {', '.join(names)}")
    stated = {}
    for each in claims:
        words = [word["id"] for word in each.get("options", ())]
        value_of = given[each["id"]]
        stated[each["id"]] = (
            one_of(value_of, words) if words else number(value_of, each.get("unit", ""))
        )
    return text(value.get("text"), 20_000), stated


def _words(prose: str) -> int:
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
