"""All models on one history, and the weakest one it breaks.

The order of the models is that of Viotti and Vukolic, "Consistency in non-transactional
distributed storage systems" (2016), for those that are checked here:

- linearizable implies sequential, and eventual convergence;
- sequential implies causal convergence and causal memory, neither of which implies the other;
- both of these imply causal;
- causal implies each of the four session guarantees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import (
    causal,
    convergence,
    linearizability,
    sequential,
    sessions,
)
from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.checkers.history import History, Value
    from jupyter_sysdesign.simulation.checkers.judgement import Budget

_SESSIONS = (
    sessions.READ_YOUR_WRITES,
    sessions.MONOTONIC_READS,
    sessions.MONOTONIC_WRITES,
    sessions.WRITES_FOLLOW_READS,
)
#: What each model implies directly; the strongest stands first.
IMPLIES: dict[str, tuple[str, ...]] = {
    linearizability.MODEL: (sequential.MODEL, convergence.MODEL),
    sequential.MODEL: (causal.CONVERGENCE, causal.MEMORY),
    causal.CONVERGENCE: (causal.CAUSAL,),
    causal.MEMORY: (causal.CAUSAL,),
    causal.CAUSAL: _SESSIONS,
    **dict.fromkeys(_SESSIONS, ()),
    convergence.MODEL: (),
}


@dataclass(frozen=True)
class Classification:
    """What one history says of all models.

    Attributes:
        judgements: of each model, the strongest first.
    """

    judgements: Mapping[str, Judgement]

    @property
    def weakest_broken(self) -> tuple[Judgement, ...]:
        """The broken models that imply no other broken one; more than one if none is weaker."""
        broken = {model for model, each in self.judgements.items() if each.failed}
        return tuple(
            self.judgements[model]
            for model in IMPLIES
            if model in broken and not broken & weaker(model)
        )

    @property
    def strongest_kept(self) -> tuple[Judgement, ...]:
        """The models kept that no other model kept implies."""
        kept = {model for model, each in self.judgements.items() if each.passed}
        implied = {each for model in kept for each in weaker(model)}
        return tuple(self.judgements[model] for model in IMPLIES if model in kept - implied)


def classify(
    history: History, initial: Value = None, budget: Budget | None = None
) -> Classification:
    """Judge a history of reads and writes of registers by every model.

    A search that ran out of its budget is helped by the models around it: what breaks a weaker
    model breaks this one, what keeps a stronger one keeps this one.

    Raises:
        InvalidRequestError: there is an operation that a register does not know.
    """
    register = Register(initial)
    own = {
        linearizability.MODEL: linearizability.check(history, register, budget),
        sequential.MODEL: sequential.check(history, register, budget),
        causal.CONVERGENCE: causal.check_convergence(history, initial),
        causal.MEMORY: causal.check_memory(history, initial),
        causal.CAUSAL: causal.check_causal(history, initial),
        **{each: sessions.check(each, history, initial) for each in _SESSIONS},
        convergence.MODEL: convergence.check(history, initial),
    }
    return Classification({model: _helped(model, own) for model in IMPLIES})


def weakest_violated(history: History, initial: Value = None) -> tuple[Judgement, ...]:
    """Return the weakest models that the history breaks; empty when it is known to break none."""
    return classify(history, initial).weakest_broken


def weaker(model: str) -> set[str]:
    """Return all models that ``model`` implies."""
    found: set[str] = set()
    waiting = list(IMPLIES[model])
    while waiting:
        each = waiting.pop()
        found.add(each)
        waiting += IMPLIES[each]
    return found


def _helped(model: str, own: Mapping[str, Judgement]) -> Judgement:
    """Return the judgement of ``model``, taken from another one where the search gave up."""
    if own[model].status != "unknown":
        return own[model]
    for other, judgement in own.items():
        if judgement.failed and other in weaker(model):
            why = f"It implies {other}, which is broken. {judgement.why}"
            return Judgement(model, "failed", why, judgement.operations)
        if judgement.passed and model in weaker(other):
            return Judgement(model, "passed", f"It is implied by {other}, which holds.")
    return own[model]
