"""Parameters: where the values in a profile's templates come from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from jupyter_sysdesign.load.strict import Strict
from jupyter_sysdesign.load.template import as_text

#: The table of a Zipf distribution is held in memory.
MAX_RANKS = 1_000_000
_MOST = 2**53  # every whole number up to here is exact in JSON and in a float

Whole = Annotated[int, Field(ge=-_MOST, le=_MOST)]
Value = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=4000)]


class Range(Strict):
    """Whole numbers, both ends included."""

    first: Whole = Field(alias="from")
    last: Whole = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.last < self.first:
            raise ValueError(f"'to' ({self.last}) is less than 'from' ({self.first})")
        return self


class Zipf(Range):
    """Popularity as it is in the wild: rank ``r`` (``from`` is rank 1) has weight ``1/r^s``."""

    s: float = Field(1.0, gt=0, le=10, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Zipf:
        if self.last - self.first >= MAX_RANKS:
            raise ValueError(f"a Zipf range has at most {MAX_RANKS} values")
        return self


class Sequence(Strict):
    """The next number for each request of the run, from ``from`` on: no two are the same."""

    first: Annotated[int, Field(ge=0, le=2**52)] = Field(1, alias="from")


class Hot(Range):
    """A favourite: one key of this range gets this share of the requests.

    Which one is each learner's own (``Profile.personal``); for nobody in particular, as in checks,
    there is none.
    """

    share: float = Field(gt=0, lt=1)
    key: Whole | None = None


class Parameter(Strict):
    """One parameter: exactly one of the four forms.

    Attributes:
        choice: one of these values, equally often or by ``weights``.
        integer: a whole number, all equally likely.
        zipf: a whole number, the first ones far more often.
        sequence: a new number for each request.
        hot: with integer or zipf, a favourite among them.
    """

    choice: list[Value] | None = Field(None, min_length=1, max_length=10_000)
    weights: list[Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]] | None = None
    integer: Range | None = None
    zipf: Zipf | None = None
    sequence: Sequence | None = None
    hot: Hot | None = None

    @model_validator(mode="after")
    def _favours_what_it_has(self) -> Parameter:
        numbers = self.integer or self.zipf
        if self.hot is None:
            return self
        if numbers is None:
            raise ValueError("hot goes with integer or zipf")
        keys = [self.hot.first, self.hot.last, *([] if self.hot.key is None else [self.hot.key])]
        if min(keys) < numbers.first or max(keys) > numbers.last:
            raise ValueError("hot lies outside of the numbers it is to be one of")
        return self

    @model_validator(mode="after")
    def _has_one_form(self) -> Parameter:
        forms = ("choice", "integer", "zipf", "sequence")
        given = [form for form in forms if getattr(self, form) is not None]
        if len(given) != 1:
            raise ValueError(f"a parameter is exactly one of {', '.join(forms)}")
        if self.weights is not None and len(self.weights) != len(self.choice or ()):
            raise ValueError("weights go with choice, one for each value")
        return self

    def fits_a_header(self) -> bool:
        """Tell whether every value may stand in an HTTP header."""
        texts = (as_text(value) for value in self.choice or ())
        return all(text.isascii() and text.isprintable() for text in texts)

    def draw(self) -> dict[str, Any]:
        """Return the plain form that ``requests.Draw`` takes."""
        if self.hot is not None and self.hot.key is not None:
            return {**self._numbers(), "hot": [self.hot.share, self.hot.key]}
        return self._numbers()

    def _numbers(self) -> dict[str, Any]:
        if self.choice is not None:
            return {"choice": list(self.choice), "weights": self.weights}
        if self.zipf is not None:
            return {"zipf": [self.zipf.first, self.zipf.last, self.zipf.s]}
        if self.integer is not None:
            return {"integer": [self.integer.first, self.integer.last]}
        return {"sequence": self.sequence.first if self.sequence else 1}
