"""What must hold of a learner's histories: each breaks the model it is written for, and none weaker."""

from __future__ import annotations

from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.checkers import convergence, models
from jupyter_sysdesign.simulation.checkers.history import History
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.notation import read_sections

_MOST = 30
_LARGEST_FILE = 20_000


def histories(ctx: Context) -> dict[str, History]:
    """Return what is in the file.

    Raises:
        InvalidFileError: it cannot be read.
    """
    with (ctx.workspace / "histories.txt").open(encoding="utf-8", errors="replace") as file:
        return read_sections(file.read(_LARGEST_FILE), "histories.txt")


def trouble(model: str, history: History | None) -> str:
    """Return why a history is not what was asked for; nothing if it is."""
    if not history:
        return f"[{model}] has no operations."
    if len(history) > _MOST:
        return f"[{model}] has {len(history)} operations; {_MOST} are enough for any of them."
    written = {(each.key, each.value): each.invoked for each in history if each.kind == "write"}
    if len(written) < sum(each.kind == "write" for each in history):
        return f"[{model}] writes a value twice, so that nobody can tell which write was read."
    for each in history:
        if each.kind == "read" and each.result is not None:
            began = written.get((each.key, each.result))
            if began is None or began > (each.returned or 0):
                return f"[{model}] reads {each.key} = {each.result} before anybody wrote it."
    found = models.classify(history, budget=Budget(20_000, None))
    weakest = [each.model for each in found.weakest_broken]
    if not weakest:
        return f"[{model}] breaks nothing."
    if weakest != [model]:
        return f"[{model}] breaks {' and '.join(weakest)}."
    # (Where nobody reads in the end, it cannot be told whether copies converge; that is no fault.)
    for each in models.weaker(model):
        if found.judgements[each].status == "unknown" and each != convergence.MODEL:
            return f"[{model}] may break {each}, too: there are too many orders to try. Leave lines out."
    return ""


def all_right(ctx: Context, *wanted: str) -> Outcome:
    """Look at some of the histories."""
    try:
        written = histories(ctx)
    except (OSError, SysdesignError) as error:
        said = getattr(error, "message", str(error))
        return Outcome.is_true(False, "no histories", "histories", f"histories.txt: {said}.")
    found = [trouble(model, written.get(model)) for model in wanted]
    right = found.count("")
    why = next((each for each in found if each), "")
    return Outcome.is_true(right == len(wanted), f"{right} of {len(wanted)}", "all of them", why)


@check("real-time", title="Sequential, but not linearizable", points=25, kind="correctness")
def real_time(ctx: Context) -> Outcome:
    return all_right(ctx, "linearizable")


@check("program-order", title="Causal, but not sequential", points=25, kind="correctness")
def program_order(ctx: Context) -> Outcome:
    return all_right(ctx, "sequential")


@check("happened-before", title="All session guarantees, but not causal", points=25,
       kind="correctness")  # fmt: skip
def happened_before(ctx: Context) -> Outcome:
    return all_right(ctx, "causal")


@check("sessions", title="Each session guarantee by itself", points=25, kind="correctness")
def sessions(ctx: Context) -> Outcome:
    return all_right(
        ctx, "read your writes", "monotonic reads", "monotonic writes", "writes follow reads"
    )
