"""Formulas in ``lesson.yaml``: what must hold between the things a learner stated.

Numbers, names and quoted words with ``+ - * / // %``, comparisons, ``and or not`` and
``a if b else c``, written as in Python; nothing can be called, looked into, or assigned.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.IfExp,
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip


class Formula:
    """One formula.

    Attributes:
        names: what it speaks of.
        words: the quoted words in it.
    """

    def __init__(self, text: str) -> None:
        """Read ``text``.

        Raises:
            ValueError: it is no formula, or does more than a formula may.
        """
        try:
            tree = ast.parse(" ".join(text.split()), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"{text!r} is no formula") from None
        for node in ast.walk(tree):
            plain = not isinstance(node, ast.Constant) or isinstance(node.value, (int, float, str))
            if not isinstance(node, _ALLOWED) or not plain:
                raise ValueError(
                    f"{text!r} has more in it than names, numbers, quoted words, arithmetic and "
                    "comparisons"
                )
        found = list(ast.walk(tree))
        self.names = {node.id for node in found if isinstance(node, ast.Name)}
        self.words = {
            node.value
            for node in found
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        self._code = compile(tree, "<formula>", "eval")

    def holds(self, values: Mapping[str, float | str]) -> bool:
        """Tell whether it holds for these values; what cannot be computed does not."""
        try:
            return bool(eval(self._code, {"__builtins__": {}}, dict(values)))  # noqa: S307 (see _ALLOWED)
        except (ArithmeticError, TypeError):
            return False
