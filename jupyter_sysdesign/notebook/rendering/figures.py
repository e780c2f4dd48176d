"""Numbers as people read them; the same words as in ``labextension/src/format.ts``."""

from __future__ import annotations

_KIB = 1024
# From here on a number is rounded up to one with a digit more, and written like that one.
_TO_TEN, _TO_HUNDRED, _TO_THOUSAND, _TO_KIB = 9.95, 99.95, 999.5, 1023.5


def number(value: float | None, digits: int = 0) -> str:
    """Return ``1,234`` (or with ``digits`` decimals); a missing value is a dash."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def share(points: float) -> str:
    """Return points, of which a near miss may bring a part: ``5`` or ``2.5``."""
    return number(points, 0 if float(points).is_integer() else 1)


def count(value: float, noun: str, plural: str | None = None) -> str:
    """Return ``1 row`` or ``1,234 rows``."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def milliseconds(value: float | None) -> str:
    """Return a duration in ms or, from one second up, in s, with three significant digits."""
    if value is None:
        return "–"
    if value >= _TO_THOUSAND:
        return f"{_three_digits(value / 1000)} s"
    return f"{_three_digits(value)} ms"


def _three_digits(value: float) -> str:
    to_ten = 9.995  # with two decimals
    digits = 0 if value >= _TO_HUNDRED else 1 if value >= to_ten else 2
    return f"{value:,.{digits}f}"


def size(amount_bytes: float) -> str:
    """Return bytes as kB, MB or GB, counted in 1024s as PostgreSQL does."""
    units = ["B", "kB", "MB", "GB", "TB"]
    value = float(amount_bytes)
    while value >= _TO_KIB and len(units) > 1:
        value /= _KIB
        units.pop(0)
    digits = 1 if value < _TO_TEN and units[0] != "B" else 0
    return f"{value:,.{digits}f} {units[0]}"


def percent(share: float) -> str:
    """Return a share of 1 as ``97%``; never 100% for less than all, never 0% for more than none."""
    value = share * 100
    if value <= 0:
        return "0%"
    if value < 1:
        return "<1%"
    almost, all_of_it = 99, 100
    if almost < value < all_of_it:
        return ">99%"
    return f"{value:.0f}%"


def times(ratio: float) -> str:
    """Return a ratio as ``12×`` or, when small, ``1.3×``."""
    return f"{ratio:,.0f}×" if ratio >= _TO_TEN else f"{ratio:.1f}×"
