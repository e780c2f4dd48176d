"""What is said about faults: in the API, in events, in notebooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Target = Literal["service", "link", "database", "cache"]

#: Nobody waits longer than a day for a fault to end.
_DAY_S = 86_400


def _text(value: str) -> str:
    """Refuse what JSON can write and no answer could carry: half of a surrogate pair."""
    value.encode()
    return value


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class FaultDescription(BaseModel):
    """One fault of the library."""

    id: str
    name: str
    description: str = Field(description="what it does")
    expect: str = Field(description="what will be seen of it")
    target: Target = Field(description="what it is put on; databases and caches are services too")
    kinds: list[str] = Field(
        description="service kinds that it can be put on; empty for links: any that is marked"
    )
    replica: bool | None = Field(
        None, description="true: only on a replica of a database, false: never on one"
    )
    arguments: dict[str, Any] = Field(description="JSON schema of its arguments, an object")
    one_shot: bool = Field(
        default=False, description="it happens and is over: there is nothing to recover"
    )


class FaultLibrary(BaseModel):
    """All faults there are."""

    faults: list[FaultDescription]


class FaultLink(_Request):
    """A link by its ends, as in ``EnvironmentStatus.links``."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class FaultRequest(_Request):
    """Put one fault on a service (or database, or cache), or on a link that the lesson marks."""

    fault: str = Field(description="id of the library")
    service: str | None = None
    link: FaultLink | None = None
    arguments: dict[str, Any] = {}
    for_s: float | None = Field(
        None, gt=0, le=_DAY_S, description="recover by itself after so many seconds"
    )


class ActiveFault(BaseModel):
    """A fault that was put on something, and what became of it."""

    id: str
    fault: str = Field(description="id of the library")
    name: str
    service: str | None = None
    link: FaultLink | None = None
    arguments: dict[str, Any] = Field(description="all of them, defaults filled in")
    state: Literal["active", "ended"]
    evidence: str = Field(
        "",
        description="what was seen when it took effect, or that a failed one could not be undone",
    )
    started_at: float = Field(description="seconds since the epoch")
    ends_at: float | None = Field(None, description="it recovers by itself then")
    ended_at: float | None = None
    reason: str = Field("", description="why it ended")
    schedule: str | None = Field(None, description="id of the schedule that put it there")

    def told(self) -> list[tuple[str, str]]:
        """Return what it was told, as people read it: without what was left open."""
        return [
            (name, f"{value:g}" if isinstance(value, float) else str(value))
            for name, value in self.arguments.items()
            if value is not None
        ]


class ActiveFaults(BaseModel):
    """The faults that are in force, oldest first."""

    faults: list[ActiveFault]


class FaultStep(FaultRequest):
    """One fault of a schedule, and when."""

    at_s: float = Field(ge=0, le=_DAY_S, description="seconds after the schedule's start")


class FaultSchedule(_Request):
    """A failure story as data: the same document plays the same faults with the same draws."""

    name: Annotated[str, AfterValidator(_text)] = Field("", max_length=200)
    seed: int = Field(
        1, ge=0, lt=2**53, description="decides the seed of every step that has none of its own"
    )
    steps: list[FaultStep] = Field(min_length=1, max_length=1000)


class StepOutcome(BaseModel):
    """What became of one step."""

    at_s: float
    fault: str
    state: Literal["waiting", "injected", "refused"] = "waiting"
    id: str | None = Field(None, description="of the ActiveFault")
    message: str = Field("", description="why it was refused")


class PlayedSchedule(BaseModel):
    """A schedule that is being played, or was."""

    id: str
    name: str
    seed: int
    state: Literal["playing", "done", "stopped"] = Field(
        description="done: every step had its turn; its faults may go on"
    )
    started_at: float
    steps: list[StepOutcome]


class PlayedSchedules(BaseModel):
    """The last 30 schedules played, oldest first."""

    schedules: list[PlayedSchedule]
