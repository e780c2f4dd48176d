"""The rows of a statement as a table, cut where it gets long, and saying so."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.figures import count, milliseconds, number
from jupyter_sysdesign.notebook.rendering.html import (
    Html,
    card,
    footnote,
    muted,
    paragraph,
    preformatted,
    table,
    tag,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.environment.status import SqlResult

#: Rows of a table in the notebook; all that were fetched stay in ``.rows``.
SHOWN_ROWS = 50
_SHOWN_CHARACTERS = 200
_TEXT_CHARACTERS = 40


def as_html(result: SqlResult, statement: str) -> Html:
    """Return statement, table and how long it took."""
    shown = result.rows[:SHOWN_ROWS]
    rows = [[_cell(value) for value in row] for row in shown]
    body = table(result.columns, rows, left=_text_columns(result)) if result.columns else Html("")
    return card(
        title("SQL"),
        preformatted(cleandoc(statement)),
        tag("div", body, style="overflow: auto; max-height: 420px"),
        paragraph(summary(result)) if not result.columns else footnote(summary(result)),
        kind="sql",
    )


def as_text(result: SqlResult) -> str:
    """Return the table in columns for a terminal."""
    if not result.columns:
        return summary(result)
    cells = [[_text(value) for value in row] for row in result.rows[:SHOWN_ROWS]]
    widths = [max(map(len, column)) for column in zip(result.columns, *cells, strict=True)]

    def line(values: Sequence[str]) -> str:
        padded = (value.ljust(width) for value, width in zip(values, widths, strict=True))
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(result.columns), rule, *map(line, cells), summary(result)])


def summary(result: SqlResult) -> str:
    """Return how many rows there are, how many of them are shown, and the time."""
    fetched = len(result.rows)
    took = milliseconds(result.duration_ms)
    if not result.columns:
        return f"Done: {count(result.row_count, 'row')} affected, {took}."
    shown = min(fetched, SHOWN_ROWS)
    if result.truncated:
        text = f"The first {number(shown)} rows; there are more than the {number(fetched)} fetched"
    elif shown < fetched:
        text = f"{number(shown)} of {number(fetched)} rows; all of them are in .rows"
    else:
        text = count(fetched, "row")
    return f"{text}. {took}."


def _text_columns(result: SqlResult) -> int:
    """Return how many leading columns are left-aligned: up to the last one that holds text."""
    last = 0
    for position in range(len(result.columns)):
        values = [row[position] for row in result.rows if row[position] is not None]
        if not values or not all(_is_number(value) for value in values):
            last = position + 1
    return last


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: object) -> Html:
    if value is None:
        return muted("NULL")
    return tag("span", _cut(_plain(value), _SHOWN_CHARACTERS))


def _text(value: object) -> str:
    return "NULL" if value is None else _cut(_plain(value).replace("\n", " "), _TEXT_CHARACTERS)


def _plain(value: object) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
