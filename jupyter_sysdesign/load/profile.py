"""Profiles: named traffic shapes, as ``load.yaml`` writes them.

A profile says how many clients there are (``closed``: each waits for its answer) or how many
requests arrive (``open``: they come whether or not the service keeps up), for how long, and what
they ask for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.load.parameter import Parameter  # noqa: TC001 (pydantic needs it)
from jupyter_sysdesign.load.strict import Strict
from jupyter_sysdesign.load.template import JsonTemplate, TextTemplate, path_problem
from jupyter_sysdesign.yaml_file import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.load.target import Target

FILE = "load.yaml"

MAX_DURATION_S = 600.0
MAX_CONNECTIONS = 2000
MAX_RATE = 50_000.0
MAX_BODY_CHARS = 1_000_000
MAX_BODY_DEPTH = 100
#: An open loop without ``connections`` may open this many.
DEFAULT_OPEN_CONNECTIONS = 256

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]*$")]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Connections = Annotated[int, Field(ge=0, le=MAX_CONNECTIONS)]
Rate = Annotated[float, Field(ge=0, le=MAX_RATE, allow_inf_nan=False)]
Duration = Annotated[float, Field(gt=0, le=MAX_DURATION_S, allow_inf_nan=False)]

_TOKEN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"  # noqa: S105 (RFC 9110's token, not a secret)
_ENGINES_OWN = ("connection", "content-length", "host", "transfer-encoding", "expect", "upgrade")


class Stage(Strict):
    """A part of a run with its own level.

    Attributes:
        connections: clients (closed loop).
        rate: arrivals per second (open loop).
        ramp: go there in a straight line from the level before, instead of at once.
    """

    duration_s: Duration
    connections: Connections | None = None
    rate: Rate | None = None
    ramp: bool = False


class Request(Strict):
    """One endpoint of the mix.

    Attributes:
        weight: its share, against the sum of all weights; held to in every 32 requests.
        path: path and query; ``{name}`` is a parameter, percent-encoded when filled in.
        body: a JSON document, or text.
        expect: statuses that count as success; without it every 2xx does.
    """

    name: Name
    weight: float = Field(1.0, gt=0, le=1e6, allow_inf_nan=False)
    method: Method = "GET"
    path: str = Field(max_length=4000)
    headers: dict[Annotated[str, Field(pattern=_TOKEN)], Annotated[str, Field(max_length=4000)]] = (
        Field(default_factory=dict)
    )
    body: Any = None
    expect: list[Annotated[int, Field(ge=200, le=599)]] | None = Field(None, min_length=1)

    @field_validator("path")
    @classmethod
    def _has_a_known_form(cls, path: str) -> str:
        problem = path_problem(path)
        if problem:
            raise ValueError(problem)
        return path

    @field_validator("headers")
    @classmethod
    def _are_the_lessons(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() in _ENGINES_OWN:
                raise ValueError(f"{name} is set by the load engine")
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"the value of {name} must be printable ASCII")
        return headers

    @model_validator(mode="after")
    def _body_fits_the_method(self) -> Request:
        if self.body is not None and self.method in {"GET", "HEAD"}:
            _wrong(("body",), f"a {self.method} request has no body")
        if _depth(self.body) > MAX_BODY_DEPTH:
            _wrong(("body",), f"nested more than {MAX_BODY_DEPTH} levels deep")
        try:
            size = len(json.dumps(self.body))
            json.dumps(self.body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            _wrong(("body",), "has half of a character in it, which no request can carry")
        except (TypeError, ValueError):  # a date, which Python knows and JSON does not
            _wrong(("body",), "not a JSON document: put dates and times in quotes")
        if size > MAX_BODY_CHARS:
            _wrong(("body",), f"longer than {MAX_BODY_CHARS} characters")
        return self

    def parameters(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the parameters used, by the key they stand under."""
        headers = [name for text in self.headers.values() for name in TextTemplate(text).names]
        return {
            "path": TextTemplate(self.path).names,
            "headers": tuple(headers),
            "body": JsonTemplate(self.body).names,
        }


def _depth(document: Any) -> int:
    """Return how many levels a document has; level by level, as it may be too deep to recur."""
    depth, level = 0, [document]
    while level:
        depth += 1
        inner = [
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, (dict, list))
        ]
        level = [child for each in inner for child in each]
    return depth


class Profile(Strict):
    """One profile of ``load.yaml``.

    Attributes:
        connections: clients in a closed loop; the most connections of an open loop.
        rate: arrivals per second of an open loop.
        arrivals: of an open loop; ``poisson`` is what many independent users look like.
        duration_s: may be left out where ``stages`` give it.
        timeout_s: after this long a request counts as failed (``timeout``).
        keep_alive: False opens a connection per request.
    """

    description: str = ""
    mode: Literal["closed", "open"] = "closed"
    connections: Annotated[int, Field(ge=1, le=MAX_CONNECTIONS)] | None = None
    rate: Annotated[float, Field(gt=0, le=MAX_RATE, allow_inf_nan=False)] | None = None
    arrivals: Literal["constant", "poisson"] = "constant"
    duration_s: Duration | None = None
    stages: list[Stage] = Field([], max_length=100)
    timeout_s: float = Field(10.0, gt=0, le=60, allow_inf_nan=False)
    keep_alive: bool = True
    mix: list[Request] = Field(min_length=1, max_length=50)
    parameters: dict[str, Parameter] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Profile:
        self._check_level()
        self._check_stages()
        self._check_mix()
        return self

    def _check_level(self) -> None:
        if self.mode == "closed":
            if self.rate is not None:
                _wrong(("rate",), "a closed loop has connections, not a rate", self.rate)
            if self.arrivals != "constant":
                _wrong(("arrivals",), "only an open loop has arrivals", self.arrivals)
            if self.connections is None and not self.stages:
                _wrong((), "a closed loop needs connections (or stages with connections)")
        elif self.rate is None and not self.stages:
            _wrong((), "an open loop needs a rate (or stages with a rate)")
        if self.duration_s is None and not self.stages:
            _wrong((), "duration_s (or stages) is missing")

    def _check_stages(self) -> None:
        if not self.stages:
            return
        wanted, other = (
            ("connections", "rate") if self.mode == "closed" else ("rate", "connections")
        )
        for index, stage in enumerate(self.stages):
            if getattr(stage, wanted) is None:
                _wrong(("stages", index), f"a stage of this {self.mode} loop needs {wanted}")
            if getattr(stage, other) is not None:
                _wrong(("stages", index, other), f"a stage of this {self.mode} loop has no {other}")
        if not any(getattr(stage, wanted) for stage in self.stages):
            _wrong(("stages",), f"no stage has any {wanted}")
        if self.mode == "closed" and self.connections is not None:
            _wrong(("connections",), "the stages say how many connections there are")
        if self.mode == "open" and self.rate is not None:
            _wrong(("rate",), "the stages say what the rate is")
        total = sum(stage.duration_s for stage in self.stages)
        if total > MAX_DURATION_S:
            _wrong(("stages",), f"a run lasts {MAX_DURATION_S:g} s at most, these {total:g} s")
        if self.duration_s is not None and abs(self.duration_s - total) > 1e-6:  # noqa: PLR2004
            _wrong(("duration_s",), f"the stages take {total:g} s: leave duration_s out")

    def _check_mix(self) -> None:
        names = [request.name for request in self.mix]
        for index, request in enumerate(self.mix):
            if request.name in names[:index]:
                _wrong(("mix", index, "name"), f"there are two requests named {request.name!r}")
            for key, used in request.parameters().items():
                for name in used:
                    if name not in self.parameters:
                        known = ", ".join(sorted(self.parameters)) or "none"
                        message = f"{{{name}}} is not among the parameters (there are: {known})"
                        _wrong(("mix", index, key), message, name)
                    if key == "headers" and not self.parameters[name].fits_a_header():
                        _wrong(("mix", index, key), f"a value of {name} cannot stand in a header")

    def personal(self, number: Callable[[str, int, int], int]) -> Profile:
        """Return it with favourites chosen: ``number(parameter, first, last)`` says which."""
        chosen = {}
        for name, each in self.parameters.items():
            hot = each.hot
            if hot is not None:
                key = number(name, hot.first, hot.last)
                chosen[name] = each.model_copy(update={"hot": hot.model_copy(update={"key": key})})
        return self.model_copy(update={"parameters": {**self.parameters, **chosen}})

    @property
    def total_s(self) -> float:
        """Return how long requests are sent, in seconds."""
        if self.stages:
            return sum(stage.duration_s for stage in self.stages)
        return self.duration_s or 0.0

    def plan(
        self, target: Target, *, seed: int, scale: float = 1.0, run: str = ""
    ) -> dict[str, Any]:
        """Return the document the engine reads (see ``plan.Plan``).

        Raises:
            InvalidRequestError: scaled, it goes beyond what a run may be.
        """
        levels = self._levels(scale)
        most = max(max(start, end) for _, start, end in levels)
        if self.mode == "closed":
            connections = int(most)
        else:
            connections = _clients(self.connections or DEFAULT_OPEN_CONNECTIONS, scale)
            connections = min(connections, MAX_CONNECTIONS)
        limit = MAX_CONNECTIONS if self.mode == "closed" else MAX_RATE
        if most > limit:
            what = "connections" if self.mode == "closed" else "requests per second"
            raise InvalidRequestError(
                f"Scaled by {scale:g}, this profile has {most:g} {what}; {limit:g} is the most",
                hint="Choose a smaller scale.",
            )
        return {
            "run": run,
            "seed": seed,
            "target": {
                "host": target.host,
                "port": target.port,
                "unix_path": target.unix_path,
                "anywhere": target.anywhere,
            },
            "mode": self.mode,
            "arrivals": self.arrivals,
            "connections": connections,
            "levels": levels,
            "timeout_s": self.timeout_s,
            "keep_alive": self.keep_alive,
            "mix": [request.model_dump(mode="json") for request in self.mix],
            "parameters": {name: each.draw() for name, each in self.parameters.items()},
        }

    def _levels(self, scale: float) -> list[tuple[float, float, float]]:
        """Return ``(duration_s, level at its start, level at its end)`` of each stage."""
        stages = self.stages or [
            Stage(duration_s=self.total_s, connections=self.connections, rate=self.rate)
        ]
        levels, before = [], 0.0
        for stage in stages:
            if self.mode == "closed":
                level = float(_clients(stage.connections or 0, scale))
            else:
                level = (stage.rate or 0.0) * scale
            levels.append((stage.duration_s, before if stage.ramp else level, level))
            before = level
        return levels


class LoadFile(Strict):
    """The whole of ``load.yaml``."""

    profiles: dict[Name, Profile] = Field(min_length=1)


def load_profiles(path: Path, name: str | None = None) -> dict[str, Profile]:
    """Read ``load.yaml``; ``name`` is what errors call the file.

    Raises:
        InvalidFileError: with the line of what is wrong.
    """
    return read(path, name).validate(LoadFile).profiles


def parse_profile(document: dict[str, Any]) -> Profile:
    """Return a profile that a request carries in full.

    Raises:
        InvalidRequestError: what is wrong with it, and where.
    """
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        said = []
        for each in error.errors():
            where = ".".join(str(part) for part in each["loc"])
            message = each["msg"].removeprefix("Value error, ")
            said.append(f"{where}: {message}" if where else message)
        raise InvalidRequestError(
            f"Not a load profile: {said[0]}", hint="\n".join(said[1:])
        ) from None


def _clients(connections: int, scale: float) -> int:
    """Return a scaled number of connections: none stays none, some stay at least one."""
    return max(1, round(connections * scale)) if connections else 0


def _wrong(location: tuple[str | int, ...], message: str, given: Any = None) -> NoReturn:
    """Raise a validation error that stands at ``location`` below the model being validated."""
    kind = PydanticCustomError("profile", "{message}", {"message": message})
    details = InitErrorDetails(type=kind, loc=location, input=given)
    raise ValidationError.from_exception_data("Profile", [details])
