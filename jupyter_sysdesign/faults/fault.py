"""What every fault is: a description, its arguments, and the three things it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from jupyter_sysdesign.faults.models import FaultDescription, FaultLink, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.instance import Instance
    from jupyter_sysdesign.environment.status import EnvironmentStatus


class Arguments(BaseModel):
    """What a fault can be told; its JSON schema is part of the fault's description."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Spot:
    """What a fault is put on.

    Attributes:
        system: the running environment.
        service: name of the service, empty for a link.
        link: the link, None for a service.
        gone: tells that the fault ended by itself, and why; call it on the event loop.
    """

    system: Instance
    service: str
    link: FaultLink | None
    gone: Callable[[str], None]

    def __str__(self) -> str:
        return str(self.link) if self.link else self.service


class Fault(ABC, Generic[A]):
    """One fault on one spot: ``inject``, then ``verify``, and at the end ``recover``.

    Attributes:
        id: its name in the API and on the command line.
        expect: what a person will see of it.
        kinds: service kinds it can be put on; for links empty.
        replica: only on a replica of a database (True), never on one (False).
        takes: its arguments.
        one_shot: it happens and is over.
        excludes: faults that cannot be on the same spot at the same time.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    expect: ClassVar[str]
    target: ClassVar[Target]
    kinds: ClassVar[tuple[str, ...]] = ()
    replica: ClassVar[bool | None] = None
    one_shot: ClassVar[bool] = False
    excludes: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[type[Arguments]] = Arguments

    def __init__(self, identity: str, spot: Spot, arguments: A) -> None:
        self.identity = identity
        self.spot = spot
        self.arguments = arguments

    @abstractmethod
    async def inject(self) -> None:
        """Put it on.

        Raises:
            SysdesignError: it cannot be; ``recover`` is called then, to clear up.
        """

    @abstractmethod
    async def verify(self) -> str:
        """Return what shows that it took effect, as a sentence.

        Raises:
            UnavailableError: it did not.
        """

    async def recover(self) -> None:
        """Bring back exactly what was before. Safe to repeat, and to call after a failed inject.

        Raises:
            SysdesignError: it cannot be brought back now; it may be tried again.
        """

    async def release(self) -> None:
        """Let go of what it holds, when what it was put on is gone."""

    def over(self, status: EnvironmentStatus) -> str:
        """Return why it is over, judging by the environment's state; empty while it is not."""
        del status
        return ""

    @classmethod
    def describe(cls) -> FaultDescription:
        """Return its description."""
        return FaultDescription(
            id=cls.id,
            name=cls.name,
            description=cls.description,
            expect=cls.expect,
            target=cls.target,
            kinds=list(cls.kinds),
            replica=cls.replica,
            arguments=_schema(cls.takes),
            one_shot=cls.one_shot,
        )


def _schema(arguments: type[Arguments]) -> dict[str, object]:
    """Return the JSON schema without what only says how it was made."""
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for each in schema.setdefault("properties", {}).values():
        each.pop("title", None)
    return schema
