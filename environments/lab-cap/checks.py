"""What must hold of a learner's choices: the shop is played with them, while the network is cut.

No code of the learner's runs: the file says what is chosen, and the servers are ours.
"""

from __future__ import annotations

from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

import yaml
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.grading.checks import CannotTell, Context, Outcome, check
from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import Register
from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.quorum.cluster import QuorumCluster, history, made
from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.world import Simulation

RUNS = 24
SERVERS = 5
_CALM = 3 * S
_END = 5 * S
_LARGEST_FILE = 20_000
#: A read from one server takes two messages to it and back, one of them to the client.
_ONE_SERVER_MS = 18.0


def chosen(ctx: Context, key: str) -> Policy:
    """Return what the learner chose for a key.

    Raises:
        InvalidRequestError: nothing that makes sense.
    """
    file = ctx.workspace / "policies.yaml"
    try:
        text = file.read_text(encoding="utf-8")
        if len(text) > _LARGEST_FILE:
            raise InvalidRequestError("policies.yaml is too long")
        document = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidRequestError(f"policies.yaml cannot be read: {error}") from error
    if not isinstance(document, dict) or key not in document:
        raise InvalidRequestError(f"policies.yaml says nothing of {key}")
    policy = Policy.from_json(document[key])
    if policy.n > SERVERS:
        raise InvalidRequestError(f"{key}: there are {SERVERS} servers, not {policy.n}")
    return policy


def promise(
    ctx: Context, key: str, trouble: Callable[[Context, Policy, int], str], runs: int = RUNS
) -> Outcome:
    """Play runs with what is chosen for a key; ``trouble`` says of each why it is not as promised."""
    try:
        policy = chosen(ctx, key)
    except InvalidRequestError as error:
        return Outcome.is_true(False, "no policy", "a policy", f"{error.message}.")
    found = [trouble(ctx, policy, run) for run in range(runs)]
    kept = found.count("")
    why = next((each for each in found if each), "")
    return Outcome.is_true(kept == runs, f"{kept} of {runs} runs", "all of them", why)


def played(
    ctx: Context, key: str, policy: Policy, run: int, faults: tuple[Fault, ...], *,
    reads: float = 0.5, think_us: int = 50 * MS, operations: int = 0,
) -> Simulation:  # fmt: skip
    """Return a run of the shop with one kind of data: each server has one client beside it."""
    plan = Plan(
        ctx.seed * 1000 + run,
        servers=SERVERS,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(SERVERS, 1, reads, 0.0, think_us, 120 * MS, operations, 100 * MS),
        options={"policy": policy.as_json(), "keys": [key]},
        faults=faults,
    )
    world = QuorumCluster().build(plan, Replica)
    world.start()
    world.run(plan.duration_us)
    return world


def cuts(ctx: Context, run: int) -> tuple[Fault, ...]:
    """Return cuts of the network, and clocks that are wrong, as nobody has seen them."""
    random = Random(f"{ctx.seed}/{run}/cuts")
    faults = [
        Fault("skew", 0, server, None, {"offset_us": int((random.random() - 0.5) * 2 * S)})
        for server in range(1, SERVERS + 1)
    ]
    at_us = 400 * MS
    while at_us < _CALM - 700 * MS:
        lasts = int((0.3 + random.random() * 0.5) * S)
        server = 1 + int(random.random() * SERVERS)
        kind = "partition" if random.random() < 0.5 else "isolate"
        faults.append(Fault(kind, at_us, server, lasts, {"with": 1} if kind == "partition" else {}))
        at_us += lasts + int(random.random() * 0.3 * S)
    return tuple(faults)


# THE BALANCE --------------------------------------------------------------------------------


@check("balance-right", title="A balance that is read is right", points=25,
       kind="correctness", deadline_s=100)  # fmt: skip
def balance_right(ctx: Context) -> Outcome:
    # A read that leaves old copies behind is seldom followed by one that meets them.
    return promise(ctx, "balance", wrong_balance, runs=120)


def wrong_balance(ctx: Context, policy: Policy, run: int) -> str:
    slow = Fault("network", 0, "all", None, {"high_us": 60 * MS, "loss": 0.2})
    faults = (slow, *cuts(ctx, run))
    world = played(ctx, "balance", policy, run, faults, reads=0.8, think_us=25 * MS)
    judgement = linearizability.check(history(world), Register(), Budget(200_000, None))
    if judgement.status == "unknown":
        raise CannotTell(judgement.why)
    return judgement.why if judgement.failed else ""


@check("balance-there", title="One dead server stops no payment", points=15,
       kind="recovery", deadline_s=100)  # fmt: skip
def balance_there(ctx: Context) -> Outcome:
    return promise(ctx, "balance", stopped, runs=SERVERS)


def stopped(ctx: Context, policy: Policy, run: int) -> str:
    dead = run + 1
    world = played(ctx, "balance", policy, run, (Fault("crash", 300 * MS, dead, 2 * S),))
    refused = sum(each.ok is False for each in made(world))
    return (
        f"S{dead} was dead, and {refused} calls at other servers were refused." if refused else ""
    )


# THE CART -----------------------------------------------------------------------------------


@check("cart-open", title="A cart is always answered, on both sides of a cut", points=15,
       kind="recovery", deadline_s=100)  # fmt: skip
def cart_open(ctx: Context) -> Outcome:
    return promise(ctx, "cart", closed)


def closed(ctx: Context, policy: Policy, run: int) -> str:
    refused = sum(not each.ok for each in made(played(ctx, "cart", policy, run, cuts(ctx, run))))
    return f"{refused} calls were refused while the network was cut." if refused else ""


@check("cart-whole", title="What was put into a cart is in it in the end", points=15,
       kind="correctness", deadline_s=100)  # fmt: skip
def cart_whole(ctx: Context) -> Outcome:
    return promise(ctx, "cart", gone)


def gone(ctx: Context, policy: Policy, run: int) -> str:
    world = played(
        ctx, "cart", policy, run, cuts(ctx, run), reads=0.3, think_us=150 * MS, operations=10
    )
    put = {
        item
        for each in made(world)
        if each.kind == "write" and each.ok
        for item in things(each.value)
    }
    copies = [dict(world.probe(each).copies).get("cart") for each in world.servers]
    carts = [set(things(each.value)) for each in copies if each is not None]
    lost = put - set.intersection(*carts) if carts else put
    said = f"{len(lost)} of {len(put)} things that were acknowledged are not in every copy of the cart."
    return said if lost else ""


def things(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


# THE PRICE ----------------------------------------------------------------------------------


@check("price-there", title="A price is read at once, from any server, cut off or not", points=15,
       kind="performance", deadline_s=100)  # fmt: skip
def price_there(ctx: Context) -> Outcome:
    return promise(ctx, "price", unread)


def unread(ctx: Context, policy: Policy, run: int) -> str:
    calls = made(played(ctx, "price", policy, run, cuts(ctx, run), reads=0.9))
    reads = [each for each in calls if each.kind == "read"]
    refused = sum(not each.ok for each in reads)
    if refused:
        return f"{refused} reads of a price were refused while the network was cut."
    known = min(
        (each.returned_us for each in calls if each.kind == "write" and each.ok), default=_END
    )
    nothing = sum(each.result is None and each.invoked_us > known + 2 * S for each in reads)
    if nothing or known == _END:
        return f"{nothing} reads found no price, two seconds after it was set."
    took = median((each.returned_us - each.invoked_us) / MS for each in reads)
    if took > _ONE_SERVER_MS:
        return f"Half of the reads took more than {took:.0f} ms: they waited for other servers."
    return ""


@check("price-kept", title="A price that was acknowledged counts until the next one", points=15,
       kind="correctness", deadline_s=100)  # fmt: skip
def price_kept(ctx: Context) -> Outcome:
    return promise(ctx, "price", overruled)


def overruled(ctx: Context, policy: Policy, run: int) -> str:
    world = played(ctx, "price", policy, run, cuts(ctx, run))
    writes = [each for each in history(world) if each.kind == "write"]
    versions = world.rules.versions  # type: ignore[union-attr]
    done = [each for each in writes if each.status == "ok"]
    for later in done:
        newer = versions.get(("price", later.value))
        for each in done:
            mine = versions.get(("price", each.value))
            if each.returned < later.invoked and newer and mine and newer < mine:
                return (
                    f"The price was set to {each.value}, after that to {later.value}, both were "
                    "acknowledged, and the first one stays."
                )
        # One that no server ever kept may have met a newer one on its way; alone it cannot.
        if newer is None and not any(each is not later and meets(each, later) for each in writes):
            return (
                f"The price was set to {later.value}, that was acknowledged, and no server has it."
            )
    return ""


def meets(one: Any, other: Any) -> bool:
    """Return whether one write may have happened at the same time as another."""
    over = one.status == "ok" and one.returned < other.invoked
    return one.invoked <= other.returned and not over
