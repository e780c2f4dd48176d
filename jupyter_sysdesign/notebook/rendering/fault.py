"""A fault as a cell shows it: what was put on what, what was seen of it, what to expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    Html,
    badge,
    card,
    footnote,
    notice,
    paragraph,
    table,
    title,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.faults.models import ActiveFault, FaultDescription

_NONE = "No fault is in force."


def as_text(active: ActiveFault, description: FaultDescription) -> str:
    """Return it in plain words."""
    lines = [f"{heading(active)} ({active.state})"]
    lines += [f"  {name}: {value}" for name, value in active.told()]
    lines += [f"  Seen: {active.evidence}", f"  Expect: {description.expect}"]
    return "\n".join([*lines, f"  {_next(active)}"])


def as_html(active: ActiveFault, description: FaultDescription) -> Html:
    """Return it as a card."""
    rows = [list(each) for each in active.told()]
    is_on = active.state == "active"
    return card(
        title(heading(active), " ", badge(active.state, AMBER if is_on else GREY)),
        notice(f"Seen: {active.evidence}", colour=AMBER if is_on else GREEN),
        table([], rows, left=2) if rows else "",
        paragraph("What to expect: ", description.expect),
        footnote(_next(active)),
        kind="fault",
    )


def recovered_text(faults: list[ActiveFault]) -> str:
    """Return what was taken back."""
    return "\n".join(f"Recovered: {heading(each)}." for each in faults) or _NONE


def recovered_html(faults: list[ActiveFault]) -> Html:
    """Return what was taken back, as a card."""
    if not faults:
        return card(notice(_NONE, colour=GREY), kind="fault")
    rows = [[heading(each), "recovered"] for each in faults]
    return card(table([], rows, left=2), kind="fault")


def heading(active: ActiveFault) -> str:
    """Return which fault is on what."""
    return f"{active.name} on {active.link or active.service}"


def _next(active: ActiveFault) -> str:
    if active.state == "ended":
        return "It happened and is over: there is nothing to recover."
    if active.ends_at is not None:
        return "It ends by itself in a while; lesson.recover() ends it now."
    return "lesson.recover() brings back what was before."
