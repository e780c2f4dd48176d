"""``Lesson``: what a learner types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.notebook import (
    applying,
    checking,
    faults,
    loading,
    questions,
    starting,
    statements,
)
from jupyter_sysdesign.notebook.compare import Comparison
from jupyter_sysdesign.notebook.connection import connect, unknown
from jupyter_sysdesign.notebook.errors import install
from jupyter_sysdesign.notebook.output import Slot, text_and_html
from jupyter_sysdesign.notebook.rendering import html as rendering
from jupyter_sysdesign.notebook.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jupyter_sysdesign.environment.runtimes.choice import RuntimeName
    from jupyter_sysdesign.environment.status import EnvironmentStatus
    from jupyter_sysdesign.notebook.explain import Plan
    from jupyter_sysdesign.notebook.run import RunResult


class Lesson:
    """The lesson whose folder this notebook stands in.

    Everything waits until it is done and returns something that shows itself. What needs a running
    system starts it. A second ``Lesson()`` uses the same connection.

    Args:
        folder: the lesson's folder, or one inside it; by default the current one.
        runtime: what runs the system from its next start on, ``embedded`` or ``docker``; by default
            what it ran on, or what ``$SYSDESIGN_RUNTIME`` says.

    Raises:
        NotFoundError: the folder belongs to no lesson.
    """

    def __init__(
        self, folder: str | Path | None = None, *, runtime: RuntimeName | None = None
    ) -> None:
        install()
        self._connection = connect(folder)
        for notice in self._connection.notices():
            Slot().show(
                text_and_html(notice, rendering.card(rendering.notice(notice), kind="notice"))
            )
        if runtime is not None:
            self._connection.runtime = runtime

    @property
    def id(self) -> str:
        """Return the lesson's id, e.g. ``t1-02-indexes``."""
        return self._connection.workspace.lesson

    @property
    def title(self) -> str:
        """Return the lesson's title."""
        return self._connection.lesson.title

    @property
    def folder(self) -> Path:
        """Return the folder with your files."""
        return self._connection.workspace.folder

    @property
    def profiles(self) -> list[str]:
        """Return the traffic shapes that ``load`` knows: those in load.yaml."""
        return self._connection.profiles()

    @property
    def status(self) -> EnvironmentStatus | None:
        """Return the state of the system now; None when it was never started."""
        return self._connection.status()

    def panel(self) -> View:
        """Show the system: its services, and buttons to start, stop, apply and reset."""
        status = self._connection.status()
        snapshot = {} if status is None else {"status": _lasting(status)}
        props = {**self._connection.props(), "runtime": self._connection.runtime}
        view = View("panel", props, snapshot, connection=self._connection)
        view.show()
        return view

    def start(self) -> None:
        """Start the system; the first time its data is built, which takes a while."""
        starting.start(self._connection)

    def stop(self) -> None:
        """Stop the system; its data stays for the next start."""
        starting.stop(self._connection)

    def reset(self) -> None:
        """Put the data back as it was at the beginning; your files stay as they are."""
        starting.reset(self._connection)

    def load(
        self, profile: str | Mapping[str, Any], seed: int = 1, *, scale: float = 1.0
    ) -> RunResult:
        """Send traffic to the system and watch it; the same seed sends the same requests.

        Args:
            profile: one of ``lesson.profiles``, or a profile as it stands in load.yaml.
            seed: decides which requests are sent, and in which order.
            scale: multiplies rates and connections.
        """
        return loading.load(self._connection, profile, seed=seed, scale=scale)

    def fault(
        self, fault: str, on: str | tuple[str, str], *, for_s: float | None = None, **arguments: Any
    ) -> faults.FaultResult:
        """Let something fail; ``recover`` brings it back.

        Args:
            fault: its name, e.g. ``"kill"`` or ``"latency"``.
            on: a service (``"app"``), or a link from one to another (``"app:db"``).
            for_s: let it recover by itself after so many seconds.
            arguments: what the fault can be told, e.g. ``latency_ms=200``.
        """
        return faults.fault(self._connection, fault, on, for_s=for_s, arguments=arguments)

    def recover(self, fault: faults.FaultResult | str | None = None) -> faults.Recovered:
        """Bring back what was before a fault, or before all of them."""
        return faults.recover(self._connection, fault)

    def compare(self, before: RunResult, after: RunResult) -> Comparison:
        """Compare two runs of the same profile."""
        return Comparison(before, after)

    def sql(
        self, statement: str, parameters: Sequence[Any] = (), *, max_rows: int = 200
    ) -> statements.Table | Plan:
        """Run one statement in a session of its own; EXPLAIN gives a readable plan."""
        return statements.sql(self._connection, statement, parameters=parameters, max_rows=max_rows)

    def explain(self, statement: str, parameters: Sequence[Any] = ()) -> Plan:
        """Show how the database answers a statement; it runs, and is rolled back."""
        return statements.explain(self._connection, statement, parameters=parameters)

    def logs(self, service: str | None = None, *, tail: int = 100) -> View:
        """Show what the services said; ``service`` names one of them."""
        status = self._connection.status()
        names = [each.name for each in status.services] if status else []
        if service is not None and names and service not in names:
            raise unknown("service", service, names)
        lines: list[dict[str, Any]] = []
        if status is not None:
            page = self._connection.client.logs(self._connection.environment, service, tail)
            lines = page.lines
        props = {**self._connection.props(), "service": service}
        view = View("logs", props, {"lines": lines}, connection=self._connection)
        view.show()
        return view

    def ask(self, question: str, *, answer: object = None, skip: bool = False) -> View:
        """Show a question and your answer to it; ``answer=`` answers without clicking."""
        return questions.ask(self._connection, question, answer=answer, skip=skip)

    def predict(self, question: str, *, answer: object = None, skip: bool = False) -> View:
        """Say a number before you measure it."""
        return questions.ask(self._connection, question, answer=answer, skip=skip, kind="predict")

    def hint(self, name: str | None = None, *, level: int = 1) -> questions.Hint:
        """Show hints, one click at a time."""
        return questions.hint(self._connection, name, level=level)

    def apply(self) -> applying.AppliedResult:
        """Let what you saved take effect: new files in ``migrations/``, an edited compose.yaml."""
        return applying.apply(self._connection)

    def check(
        self, *, seed: int | None = None, only: Sequence[str] | str | None = None
    ) -> checking.VerdictResult:
        """Check your fix on a fresh system with traffic that you have not seen."""
        return checking.check(self._connection, seed=seed, only=only)

    def __repr__(self) -> str:
        return f"Lesson {self.id} in {self.folder}"

    def _ipython_display_(self) -> None:
        self.panel()


def _lasting(status: EnvironmentStatus) -> dict[str, Any]:
    """Return a status without addresses: they change with every start, and a view asks for them."""
    services = [each.model_copy(update={"url": None}) for each in status.services]
    lasting = status.model_copy(update={"url": None, "services": services})
    return lasting.model_dump(mode="json")
