"""Which figure a question is about: fixed, a run's, a metric's, a ratio, or a favourite."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from jupyter_sysdesign.control.models import EndpointStats, RunSummary

#: Derived from a summary: (requests - ok) / requests.
ERROR_SHARE = "error_share"
_NUMBERS = {
    name
    for name, info in RunSummary.model_fields.items()
    if info.annotation in (int, float, int | None, float | None)
} | {ERROR_SHARE}
_ENDPOINT_NUMBERS = set(EndpointStats.model_fields) - {"errors", "distribution"}
_ENDPOINT_PARTS = 3


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fixed(_Strict):
    """A number that is the same for everybody, e.g. the rows in a seeded table."""

    value: float


class RunFigure(_Strict):
    """One number of one of the learner's finished runs."""

    profile: str = Field(description="profile of load.yaml")
    which: Literal["first", "last"] = "last"
    field: str = Field(
        description="p95_ms, rps, errors.timeout, error_share, endpoints.<name>.p95_ms, …"
    )

    @field_validator("field")
    @classmethod
    def _is_a_number(cls, value: str) -> str:
        first, *rest = value.split(".")
        known = (
            (first in _NUMBERS and not rest)
            or (first == "errors" and len(rest) == 1)
            or (
                first == "endpoints"
                and len(rest) == _ENDPOINT_PARTS - 1
                and rest[1] in _ENDPOINT_NUMBERS
            )
        )
        if not known:
            raise ValueError(
                f"{value!r} is no number of a run; use one of {', '.join(sorted(_NUMBERS))}, "
                f"errors.<kind>, endpoints.<name>.<{'|'.join(sorted(_ENDPOINT_NUMBERS))}>"
            )
        return value


class OfRun(_Strict):
    """``run: {profile: browse, which: last, field: endpoints.category.p95_ms}``."""

    run: RunFigure


class OfMetric(_Strict):
    """``metric: db.seq_scans_per_s, window: last_run, reduce: max``."""

    metric: str = Field(pattern=r"^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$")
    window: Literal["first_run", "last_run"] = "last_run"
    profile: str | None = Field(None, description="only runs of this profile")
    reduce: Literal["max", "min", "mean", "median", "last"] = "max"


class HotKey(_Strict):
    """The favourite of a parameter, in the learner's own traffic."""

    profile: str = Field(description="profile of load.yaml; one run of it must be done")
    parameter: str = Field(description="one with hot:")


class OfHot(_Strict):
    """``hot: {profile: evening, parameter: user}``: another number for each learner."""

    hot: HotKey


class OfRatio(_Strict):
    """``ratio: {of: …, to: …}``: how many times larger ``of`` is than ``to``."""

    ratio: Pair


class Pair(_Strict):
    """Two figures, neither of them a ratio itself."""

    of: Plain
    to: Plain


def _kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    return next((key for key in ("value", "run", "metric", "ratio", "hot") if key in keys), None)


_NONE_OF = "give one of value:, run:, metric:, ratio:, hot:"

Plain = Annotated[
    Annotated[Fixed, Tag("value")]
    | Annotated[OfRun, Tag("run")]
    | Annotated[OfMetric, Tag("metric")],
    Discriminator(_kind, custom_error_type="figure", custom_error_message=_NONE_OF),
]
Figure = Annotated[
    Annotated[Fixed, Tag("value")]
    | Annotated[OfRun, Tag("run")]
    | Annotated[OfMetric, Tag("metric")]
    | Annotated[OfRatio, Tag("ratio")]
    | Annotated[OfHot, Tag("hot")],
    Discriminator(_kind, custom_error_type="figure", custom_error_message=_NONE_OF),
]
Pair.model_rebuild()
OfRatio.model_rebuild()
