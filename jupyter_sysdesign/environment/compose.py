"""The Compose subset as pydantic models; docs/compose.md describes it for authors."""

from __future__ import annotations

import math
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from jupyter_sysdesign.environment.spec import Kind, Mount

IMAGES: dict[str, Kind] = {
    "sysdesign/postgres:18": "postgres",
    "sysdesign/valkey:9": "valkey",
    "sysdesign/haproxy:2.8": "haproxy",
    "sysdesign/python:3": "python",
}


def image(kind: Kind) -> str:
    """Return the image of a kind of service."""
    return next(name for name, each in IMAGES.items() if each == kind)


HAPROXY_CONFIG = "/usr/local/etc/haproxy/haproxy.cfg"
POSTGRES_INIT = "/docker-entrypoint-initdb.d"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,19}")
_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
#: A terabyte: more than any machine of a learner's has, and less than the kernel can count.
_MOST_BYTES = 1 << 40
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmg]?)b?", re.IGNORECASE)
_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def _bytes(value: Any) -> int:
    found = _SIZE.fullmatch(str(value).strip())
    size = float(found.group(1)) * _UNITS[found.group(2).lower()] if found else 0.0
    if not 0 < size < _MOST_BYTES:
        raise ValueError(f"{value!r} is no size; write for example 512M")
    return int(size)


def _cores(value: Any) -> float:
    try:
        cores = float(value)
    except (TypeError, ValueError, OverflowError):
        cores = 0
    if not 0.01 <= cores <= 256:  # noqa: PLR2004 (below, a service cannot even start)
        raise ValueError(f"{value!r} is no number of cores; write for example '0.5'")
    return cores


def _seconds(value: Any) -> float:
    found = _DURATION.fullmatch(str(value).strip())
    seconds = math.inf
    if found and found.group(1, 2) != (None, None):
        seconds = 60 * float(found.group(1) or 0) + float(found.group(2) or 0)
    if seconds == math.inf:
        raise ValueError(f"{value!r} is no duration; write for example 10s")
    return seconds


def _variable_value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        raise ValueError("put it in quotes: Compose takes only strings and numbers here")
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a value is a string or a number")


def _argument(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("put it in quotes: arguments are strings")


def _port(value: Any) -> int:
    text = str(value)
    if ":" in text or "/" in text:
        raise ValueError(f"{text!r}: name the container port alone, the host's port is chosen")
    if not text.isdigit() or not 0 < int(text) < 2**16:
        raise ValueError(f"{text!r} is no port")
    return int(text)


def _relative(path: str) -> str:
    if not path.startswith("./"):
        raise ValueError(f"{path!r} must begin with ./ (a file or folder of this environment)")
    parts = PurePosixPath(path).parts
    if ".." in parts or not parts:
        raise ValueError(f"{path!r} leads outside the environment")
    return PurePosixPath(*parts).as_posix()


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} is no absolute path inside the container")
    return PurePosixPath(path).as_posix()


def _mount(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write ./source:/target or ./source:/target:ro")  # noqa: TRY004 (pydantic)
    source, _, rest = value.partition(":")
    target, _, mode = rest.partition(":")
    if not target or mode not in ("", "ro", "rw"):
        raise ValueError(f"{value!r}: write ./source:/target or ./source:/target:ro")
    return Mount(_relative(source), _absolute(target), read_only=mode == "ro")


def _dependencies(value: Any) -> Any:
    names = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return {name: {} for name in value} if names else value


def _use(value: Any) -> Any:
    return {"source": value, "target": f"/{value}"} if isinstance(value, str) else value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r}: a name is at most 20 of a-z, 0-9, - and _, a letter first")
    return value


Name = Annotated[str, AfterValidator(_name)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Limits(_Part):
    """CPU quota and memory limit."""

    cpus: Annotated[float, BeforeValidator(_cores)] | None = None
    memory: Annotated[int, BeforeValidator(_bytes)] | None = None


class Resources(_Part):
    """Only limits: nothing is reserved."""

    limits: Limits = Limits()


class Deploy(_Part):
    """Only resources."""

    resources: Resources = Resources()


class Dependency(_Part):
    """Both conditions mean the same here: a service is started once the other answers."""

    condition: Literal["service_healthy", "service_started"] = "service_started"


class ConfigUse(_Part):
    """A declared configuration file, as one service sees it."""

    source: str
    target: Annotated[str, AfterValidator(_absolute)]


class Config(_Part):
    """A file whose ``service:port`` tokens are resolved."""

    file: Annotated[str, AfterValidator(_relative)]


class ServiceExtension(_Part):
    """``x-sysdesign`` of a service."""

    durable: bool = False
    replica_of: str | None = None


class Service(_Part):
    """One service."""

    image: str
    command: tuple[Annotated[str, BeforeValidator(_argument)], ...] = ()
    environment: dict[str, Annotated[str, BeforeValidator(_variable_value)]] = {}
    volumes: tuple[Annotated[Mount, BeforeValidator(_mount)], ...] = ()
    configs: tuple[Annotated[ConfigUse, BeforeValidator(_use)], ...] = ()
    ports: tuple[Annotated[int, BeforeValidator(_port)], ...] = Field((), max_length=1)
    depends_on: Annotated[dict[str, Dependency], BeforeValidator(_dependencies)] = {}
    working_dir: Annotated[str, AfterValidator(_absolute)] | None = None
    stop_grace_period: Annotated[float, BeforeValidator(_seconds)] = 5.0
    deploy: Deploy = Deploy()
    x_sysdesign: ServiceExtension = Field(ServiceExtension(), alias="x-sysdesign")


class MarkedLink(_Part):
    """A link that faults can be put on."""

    source: str
    target: str


class Extension(_Part):
    """``x-sysdesign`` at the top."""

    entry: str | None = None
    links: tuple[MarkedLink, ...] = ()


class ComposeFile(_Part):
    """The whole file. Other ``x-`` keys at the top may hold YAML anchors; they mean nothing."""

    name: str = Field(min_length=1)
    services: dict[Name, Service]
    configs: dict[str, Config] = {}
    x_sysdesign: Extension = Field(Extension(), alias="x-sysdesign")

    @model_validator(mode="before")
    @classmethod
    def _without_anchors(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("a Compose file is a mapping: name, services, …")  # noqa: TRY004
        own = "x-sysdesign"
        return {key: each for key, each in data.items() if key == own or str(key)[:2] != "x-"}
