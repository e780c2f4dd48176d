"""The state of an environment: services, migrations, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.notebook.rendering.figures import number, percent, size
from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    RED,
    Html,
    badge,
    bar,
    card,
    code,
    footnote,
    notice,
    paragraph,
    preformatted,
    table,
    title,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.status import EnvironmentStatus, Migration, ServiceStatus

_COLOURS = {
    State.READY: GREEN,
    State.DEGRADED: AMBER,
    State.FAILED: RED,
    ServiceState.READY: GREEN,
    ServiceState.PAUSED: AMBER,
    ServiceState.RESTARTING: AMBER,
    ServiceState.FAILED: RED,
}

_MIGRATIONS = {
    "applied": ("applied", GREEN),
    "pending": ("not applied yet", AMBER),
    "changed": ("changed since it was applied", AMBER),
    "removed": ("applied, but its file is gone", AMBER),
}


def as_html(status: EnvironmentStatus | None, heading: str, message: str = "") -> Html:
    """Return the panel as it would look without its buttons."""
    if status is None:
        return card(
            title(f"{heading} ", badge("stopped", GREY)),
            paragraph("Nothing is running yet: ", code("lesson.start()"), " starts the system."),
            paragraph(message) if message else "",
            kind="panel",
        )
    return card(
        title(f"{heading} ", badge(status.state.value, _COLOURS.get(status.state, GREY))),
        paragraph(message) if message else "",
        _reason(status),
        _progress(status),
        _services(status.services),
        _migrations(status.migrations),
        _pending(status.pending),
        footnote(
            "As it was when this cell ran. lesson.start(), lesson.stop() and lesson.reset() do "
            "what the panel's buttons do."
        ),
        kind="panel",
    )


def as_text(status: EnvironmentStatus | None, heading: str, message: str = "") -> str:
    """Return the panel for a terminal."""
    if status is None:
        lines = [f"{heading}: stopped. lesson.start() starts the system."]
    else:
        lines = [f"{heading}: {status.state.value}"]
        lines += [status.reason] if status.reason else []
        if status.progress and status.state is State.PREPARING:
            lines.append(f"  {status.progress.step} {percent(status.progress.done)}")
        lines += [
            "  " + f"{each.name:<8} {each.state.value:<10} {each.url or ''} {each.reason}".rstrip()
            for each in status.services
        ]
        lines += [f"  {each.name}: {_MIGRATIONS[each.state][0]}" for each in status.migrations]
        lines += [f"  {name}: saved, not applied yet" for name in status.pending]
    return "\n".join([*lines, *([message] if message else [])])


def _reason(status: EnvironmentStatus) -> Html:
    if not status.reason:
        return Html("")
    return notice(
        preformatted(status.reason) if "\n" in status.reason else status.reason,
        colour=RED if status.state is State.FAILED else AMBER,
    )


def _progress(status: EnvironmentStatus) -> Html:
    progress = status.progress
    if progress is None or status.state is not State.PREPARING:
        return Html("")
    amount = f", {size(progress.bytes)}" if progress.bytes else ""
    return bar(progress.done, f"{progress.step} ({percent(progress.done)}{amount})", width_px=320)


def _services(services: list[ServiceStatus]) -> Html:
    if not services:
        return Html("")
    rows = [
        [
            each.name,
            each.kind,
            badge(each.state.value, _COLOURS.get(each.state, GREY)),
            each.reason,
            each.url or "",
            f"{number(each.cpus, 2)} CPU" if each.cpus else "",
        ]
        for each in services
    ]
    return table(["Service", "Kind", "State", "", "Address", "Limit"], rows, left=5)


def _pending(files: list[str]) -> Html:
    if not files:
        return Html("")
    rows = [[code(name), badge("saved, not applied yet", AMBER)] for name in files]
    return table(["Your changes to the system", ""], rows, left=2)


def _migrations(migrations: list[Migration]) -> Html:
    if not migrations:
        return Html("")
    rows = [[code(each.name), badge(*_MIGRATIONS[each.state])] for each in migrations]
    return table(["Your changes to the database", ""], rows, left=2)
