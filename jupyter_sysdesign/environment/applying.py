"""What ``apply`` did, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.status import Applied

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.rearrangement import Rearranged

NOTHING = "Nothing to apply: what stands in your files is in effect already."
NO_MIGRATION = "Nothing to apply: every file in migrations/ is applied already."


def applied(
    done: Rearranged, files: list[str], reason: str, notes: list[str], *, nothing: str
) -> Applied:
    """Return what became of the services and of ``migrations/``.

    Args:
        done: the services.
        files: migrations applied now.
        reason: why the pristine data was restored first; empty: it was not.
        notes: what the services' new arrangement brought about besides.
        nothing: what to say if there was nothing to do.
    """
    said = [_of_services(done)] if done.anything else []
    said += [f"{note}." for note in notes]
    said += [_of_migrations(files, reason)] if files or reason else []
    return Applied(
        applied=files,
        replayed=bool(reason),
        started=list(done.started),
        restarted=list(done.restarted),
        stopped=list(done.stopped),
        kept=list(done.kept) if done.anything else [],
        message=" ".join(said) or nothing,
    )


def _of_services(done: Rearranged) -> str:
    kinds = {
        "started": done.started,
        "restarted": done.restarted,
        "stopped": done.stopped,
        "left running": done.kept,
    }
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in kinds.items() if names)
    return f"{said[:1].upper()}{said[1:]}."


def _of_migrations(files: list[str], reason: str) -> str:
    if not reason:
        return f"Applied {', '.join(files)}."
    done = f"applied {', '.join(files)} again" if files else "there was nothing to apply"
    return f"{reason}: restored the pristine data, then {done}."
