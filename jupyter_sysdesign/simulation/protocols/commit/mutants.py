"""Galleries of servers that each break one rule of atomic commitment: what the judge must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.commit.messages import (
    ABORT,
    COMMIT,
    PRECOMMIT,
    WAITING,
    YES,
    Answer,
    Begin,
    participants,
)
from jupyter_sysdesign.simulation.protocols.commit.three_phase import ThreePhase
from jupyter_sysdesign.simulation.protocols.commit.two_phase import (
    DECIDED,
    Ask,
    Decision,
    Prepare,
    TwoPhase,
    Vote,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.commit.three_phase import PreCommit

TWO_PHASE_MUTANTS = Gallery()
THREE_PHASE_MUTANTS = Gallery()
_two = TWO_PHASE_MUTANTS.mutant
_three = THREE_PHASE_MUTANTS.mutant

_SPLIT = ("agreement", "stability", "unanimity", "truth", "money")


# The coordinator ---------------------------------------------------------------------------


@_two("commits-by-majority", "BHG §7.3, AC3", "unanimity", "agreement")
class CommitsByMajority(TwoPhase):
    """Commits when more than half voted yes, as if this were a log with copies."""

    def all_voted(self, tx: str) -> bool:
        """Count to a majority."""
        return len(self.votes[tx]) * 2 > len(participants(self.changes[tx]))


@_two("silence-is-yes", "Gray §5.8.3", "unanimity", "agreement")
class SilenceIsYes(TwoPhase):
    """Commits when the votes do not come in time: nobody said no."""

    def on_votes_missing(self, tx: str) -> None:
        """Take it for a yes."""
        self.decide(tx, COMMIT)


@_two("counts-votes-twice", "BHG §7.4", "unanimity", "agreement")
class CountsVotesTwice(TwoPhase):
    """Counts yes votes without looking whose they are: a doubled message counts for two."""

    def on_vote(self, src: NodeId, message: Vote) -> None:
        """Put each vote under a new name."""
        already = self.votes.get(message.tx, set())
        super().on_vote(f"{src}/{len(already)}", message)

    def all_voted(self, tx: str) -> bool:
        """Compare numbers."""
        return len(self.votes[tx]) >= len(participants(self.changes[tx]))


@_two("decision-not-logged", "Gray §5.8.3; BHG §7.4, the commit record", *_SPLIT)
class DecisionNotLogged(TwoPhase):
    """Decides to commit in memory: after a restart it finds no decision, and aborts."""

    def decide(self, tx: str, outcome: str) -> None:
        """Decide without a record."""
        self.enter(tx, outcome)
        self.ctx.cancel(f"votes {tx}")
        for each in participants(self.changes.get(tx, ())):
            self.ctx.send(each, Decision(tx, outcome))
        self.answer(tx)


@_two("tells-before-it-writes", "BHG §7.4, the commit record", *_SPLIT)
class TellsBeforeItWrites(TwoPhase):
    """Tells everybody, and then writes the decision: in between it may die."""

    def decide(self, tx: str, outcome: str) -> None:
        """Send first, and sync in a while."""
        for each in participants(self.changes.get(tx, ())):
            self.ctx.send(each, Decision(tx, outcome))
        self.ctx.disk.append("log", (outcome, tx, None, ()))
        self.enter(tx, outcome)
        self.ctx.cancel(f"votes {tx}")
        self.answer(tx)


@_two("tells-before-it-syncs", "BHG §7.4, the commit record", *_SPLIT)
class TellsBeforeItSyncs(TwoPhase):
    """Tells everybody, and then waits until the decision is on the disk."""

    def decide(self, tx: str, outcome: str) -> None:
        """Send first."""
        for each in participants(self.changes.get(tx, ())):
            self.ctx.send(each, Decision(tx, outcome))
        super().decide(tx, outcome)


@_two("recovers-by-committing", "BHG §7.4, recovery", "unanimity", "agreement")
class RecoversByCommitting(TwoPhase):
    """Commits what it finds open after a restart, as if all votes had come."""

    def on_start(self) -> None:
        """Hope."""
        for tx, state in list(self.states.items()):
            if state == WAITING:
                self.decide(tx, COMMIT)
            elif state not in DECIDED:
                self.ask(tx)


@_two("votes-again", "BHG §7.3, AC2", *_SPLIT)
class VotesAgain(TwoPhase):
    """Begins the vote anew when its client asks again, whatever was decided meanwhile."""

    def on_begin(self, src: NodeId, message: Begin) -> None:
        """Forget what is known of it."""
        self.states.pop(message.tx, None)
        super().on_begin(src, message)


@_two("answers-at-once", "Gray §5.8.3", "truth")
class AnswersAtOnce(TwoPhase):
    """Tells the client that all is well as soon as the vote begins."""

    def on_begin(self, src: NodeId, message: Begin) -> None:
        """Answer before anything is decided."""
        super().on_begin(src, message)
        self.ctx.send(src, Answer(message.tx, True))


@_two("says-no-to-all", "BHG §7.3", "willing")
class SaysNoToAll(TwoPhase):
    """Promises nothing: then no promise can be broken."""

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Say no."""
        if message.tx not in self.states:
            self.record(message.tx, ABORT)
        super().on_prepare(src, message)


# A participant -----------------------------------------------------------------------------


@_two("yes-not-logged", "BHG §7.4, the yes record", *_SPLIT)
class YesNotLogged(TwoPhase):
    """Promises in memory: after a restart it knows nothing of it, and says the opposite."""

    def record(self, tx: str, state: str) -> None:
        """Write all but the promise."""
        if state == YES:
            self.enter(tx, state)
        else:
            super().record(tx, state)


@_two("impatient", "BHG §7.4, the uncertainty period", "agreement")
class Impatient(TwoPhase):
    """Promises, hears nothing for a while, and aborts by itself."""

    def on_timer(self, name: str) -> None:
        """Stop waiting."""
        what, _, tx = name.partition(" ")
        if what == "ask" and self.states.get(tx) == YES:
            self.record(tx, ABORT)
        else:
            super().on_timer(name)


@_two("presumes-commit", "BHG §7.4, the uncertainty period", "unanimity", "agreement")
class PresumesCommit(TwoPhase):
    """Promises, hears nothing for a while, and commits by itself: most are committed after all."""

    def on_timer(self, name: str) -> None:
        """Go with what is likely."""
        what, _, tx = name.partition(" ")
        if what == "ask" and self.states.get(tx) == YES:
            self.record(tx, COMMIT)
        else:
            super().on_timer(name)


@_two("unlocks-too-early", "BHG §7.3, the yes vote", "money")
class UnlocksTooEarly(TwoPhase):
    """Frees the accounts with its vote: two payments are promised the same money."""

    def enter(self, tx: str, state: str) -> None:
        """Promise nothing."""
        super().enter(tx, state)
        if state == YES:
            self.accounts.promised.clear()


@_two("restarts-unlocked", "BHG §7.4, recovery", "money")
class RestartsUnlocked(TwoPhase):
    """Finds its promises again after a restart, and locks nothing for them."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.accounts.promised.clear()


@_two("pays-twice", "BHG §7.4", "money", "stability")
class PaysTwice(TwoPhase):
    """Does the changes of a decision each time it hears of it."""

    def on_decision(self, src: NodeId, message: Decision) -> None:
        """Do not look whether it is done."""
        tx, outcome = message
        if self.states.get(tx) == COMMIT == outcome:
            self.accounts.settle(tx, self.mine(tx), commit=True)
        super().on_decision(src, message)


@_two("never-asks", "BHG §7.4, recovery", "decision", "cooperation")
class NeverAsks(TwoPhase):
    """Waits for the decision, and waits, also where the message was lost."""

    def ask(self, tx: str) -> None:
        """Be patient."""


@_two("asks-the-dead", "BHG §7.4, cooperative termination", "cooperation")
class AsksTheDead(TwoPhase):
    """Asks the coordinator alone, though another participant knows."""

    def others(self, tx: str) -> tuple[NodeId, ...]:
        """Name the coordinator."""
        return (self.coordinators[tx],)


@_two("aborts-in-passing", "BHG §7.4, cooperative termination", *_SPLIT)
class AbortsInPassing(TwoPhase):
    """Aborts because somebody asks, in memory: after a restart it can still say yes."""

    def on_ask(self, src: NodeId, message: Ask) -> None:
        """Decide without a record."""
        if message.tx not in self.states:
            self.enter(message.tx, ABORT)
        super().on_ask(src, message)


@_two("last-word-wins", "BHG §7.3, AC2", "stability", "agreement", "money")
class LastWordWins(TwoPhase):
    """Votes on a second Prepare as if it were the first, also after the decision."""

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Begin anew."""
        if self.states.get(message.tx) in DECIDED:
            del self.states[message.tx]
        super().on_prepare(src, message)


# Three phases ------------------------------------------------------------------------------


@_three("two-phases", "Skeen (1981); BHG §7.5", "non-blocking")
class TwoPhases(TwoPhase):
    """Leaves the phase in the middle out: this is two-phase commit, and it blocks."""


@_three("waits-for-all", "Skeen (1981); BHG §7.5", "non-blocking", "decision")
class WaitsForAll(ThreePhase):
    """Waits for the acknowledgement of those who are down, too."""

    def on_timer(self, name: str) -> None:
        """Do not end the phase in the middle by time."""
        if not name.startswith("ready "):
            super().on_timer(name)


@_three("aborts-in-doubt", "BHG §7.5, the termination rules", "agreement")
class AbortsInDoubt(ThreePhase):
    """Aborts in the termination protocol, also if somebody knows that everybody voted yes."""

    def lead_to_commit(self, tx: str) -> None:
        """Commit only where the votes were counted."""
        if self.ctx.id == self.coordinators[tx] and self.states[tx] == WAITING:
            super().lead_to_commit(tx)
        else:
            self.decide(tx, ABORT)


@_three("commits-at-once", "BHG §7.5, the termination rules", "agreement", "unanimity")
class CommitsAtOnce(ThreePhase):
    """Commits as soon as everybody voted yes, and tells of the phase in the middle afterwards."""

    def lead_to_commit(self, tx: str) -> None:
        """Decide first."""
        super().lead_to_commit(tx)
        self.decide(tx, COMMIT)


@_three("leads-without-asking", "BHG §7.5, recovery", "agreement", "stability")
class LeadsWithoutAsking(ThreePhase):
    """Aborts after a restart what it coordinates and finds open: others may have committed it."""

    def on_start(self) -> None:
        """Decide alone."""
        for tx in sorted(self.recovered):
            if self.coordinators[tx] == self.ctx.id:
                self.decide(tx, ABORT)
            else:
                self.ask(tx)


@_three("forgets-it-was-away", "BHG §7.5, recovery", "agreement")
class ForgetsItWasAway(ThreePhase):
    """Takes part in the termination protocol after a restart as if it had never been down."""

    def on_start(self) -> None:
        """Ask, and be as good as anybody."""
        were_open, self.recovered = sorted(self.recovered), set()
        for tx in were_open:
            self.ask(tx)


@_three("precommit-in-passing", "BHG §7.5", "agreement")
class PrecommitInPassing(ThreePhase):
    """Acknowledges the middle phase and forgets it: then it is as uncertain as before."""

    def on_precommit(self, src: NodeId, message: PreCommit) -> None:
        """Answer, and stay."""
        tx = message.tx
        if self.states.get(tx) == YES:
            self.record(tx, PRECOMMIT)
            self.states[tx] = YES
        super().on_precommit(src, message)
        if self.states.get(tx) == PRECOMMIT:
            self.states[tx] = YES
