"""What a mended Errands must show, seen from outside.

Everything here is counted: connections, answers, rows in the table, sheets that came out of the
printer. None of it is a time, so it is the same on a fast and on a slow machine, and on a busy one.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading.checks import (
    CannotTell,
    Context,
    Failed,
    Loaded,
    Outcome,
    System,
    Told,
    check,
    refuse_if_crowded,
    undisturbed,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

JOBS = 60_000  # that were there before
KINDS = ("label", "invoice", "delivery-note", "return-slip")

BUDGET = 12  # connections
UNANSWERED = 0.005  # share of the requests of a crowd
# Eight workers need 0.1 s for a job; after this long without one, nobody works. Who waits longer after each
# failure may have begun to wait just before the printer was back, for two or three times as long as it was off.
STANDSTILL_S = 15.0
PATIENCE_S = 5.0  # with those who ask on after they were turned away
OUTAGE_S = 5.0  # eight workers that lose a connection a second have lost all after three


# ---------------------------------------------------------------- asking Errands


def answer_of(response: httpx.Response, expected: int) -> dict[str, Any]:
    """Return the object that was answered, if it came with the ``expected`` status."""
    asked = f"{response.request.method} {response.request.url.path}"
    if response.status_code != expected:
        raise Failed(f"{asked} answered {response.status_code} instead of {expected}.")
    answer = response.json()
    if not isinstance(answer, dict):
        raise Failed(f"{asked} did not answer with an object.")
    return answer


def a_job(rng: random.Random) -> dict[str, Any]:
    return {"order_id": rng.randint(1, 10**6), "kind": rng.choice(KINDS)}


def hand_in(system: System, rng: random.Random) -> tuple[int, dict[str, Any]]:
    """Hand in a job; return its id, and what was sent."""
    body = a_job(rng)
    answer = answer_of(system.http.post("/jobs", json=body), 201)
    if not isinstance(answer.get("id"), int):
        raise Failed("POST /jobs did not say the id of the job.")
    return answer["id"], body


def ask_for_a_fax(system: System, rng: random.Random) -> bool:
    """Hand in a job that nobody can do; return whether it was refused properly."""
    return system.http.post("/jobs", json={**a_job(rng), "kind": "fax"}).status_code == 422


def in_a_row(most: int, ask: Callable[[], bool]) -> int:
    """Ask up to ``most`` times; return how often it went well before it first did not.

    Who has run dry may let each request wait for seconds: one of them is enough.
    """
    return next((asked for asked in range(most) if not ask()), most)


def altogether(most: int, ask: Callable[[], bool]) -> int:
    """Ask ``most`` times, but not for long once it went wrong; return how often it went well.

    A connection that is missing for a moment, because all workers are at work, is not yet missing for good.
    """
    well, until = 0, float("inf")
    for _ in range(most):
        if ask():
            well += 1
        else:
            until = min(until, time.monotonic() + PATIENCE_S)
            time.sleep(0.1)
        if time.monotonic() > until:
            break
    return well


def patiently(system: System, query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Ask the database; the application may have taken all connections, for a moment or for good."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return system.sql(query, params)
        except SysdesignError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def last_job(system: System) -> int:
    return int(patiently(system, "SELECT max(id) AS id FROM public.jobs")[0]["id"])


def sheets(system: System, after: int) -> dict[int, int]:
    """Return how many sheets the printer has printed for each job with an id above ``after``."""
    address = next(each.url for each in system.status().services if each.name == "printer")
    response = httpx.get(f"{address}/sheets", params={"after": after}, timeout=5, trust_env=False)
    return {int(job): count for job, count in response.json().items()}


def undone(system: System, after: int) -> list[int]:
    """Wait while workers get on with the jobs above ``after``; return those that are left."""
    find = "SELECT id FROM public.jobs WHERE id > %s AND status <> 'done' ORDER BY id"
    left: list[int] = []
    moved = time.monotonic()
    while time.monotonic() - moved < STANDSTILL_S:
        try:
            now = [row["id"] for row in system.sql(find, (after,))]
        except SysdesignError:  # the application has taken all connections
            now = left or [after]
        if not now:
            return []
        if len(now) != len(left):
            moved = time.monotonic()
        left = now
        time.sleep(0.15)
    refuse_if_crowded(above=4)
    return left


def missprinted(system: System, after: int) -> str:
    """Return what is wrong with the paper of the jobs above ``after``, or an empty string."""
    rows = system.sql("SELECT id FROM public.jobs WHERE id > %s", (after,))
    printed = sheets(system, after)
    never = sum(row["id"] not in printed for row in rows)
    twice = sum(count > 1 for count in printed.values())
    if never:
        return f"{never} of {len(rows)} jobs count as done, and nothing was printed."
    if twice:
        return f"{twice} of {len(rows)} jobs were printed more than once."
    return ""


# ---------------------------------------------------------------- jobs and answers


@check("done-once", title="Each job is done, and done once", points=8, kind="correctness")
def done_once(ctx: Context) -> Outcome:
    system, count = ctx.system, 40
    after = last_job(system)
    for _ in range(count):
        hand_in(system, ctx.random)
    left = undone(system, after)
    if left:
        return Outcome.is_true(
            False,
            f"{count - len(left)} of {count} jobs done",
            "all of them",
            why_failed=f"{len(left)} jobs wait, and no worker takes them.",
        )
    wrong = missprinted(system, after)
    return Outcome.is_true(
        not wrong,
        wrong or f"{count} of {count} jobs printed once",
        "each of them printed once",
        why_failed=f"{wrong} A parcel with no label does not arrive, and with two labels it "
        "arrives somewhere.",
    )


STORED_SQL = "SELECT order_id, kind FROM public.jobs WHERE id = %s"
CORRECTED_SQL = "UPDATE public.jobs SET order_id = order_id + 1 WHERE id = %s"
JOB_SQL = "SELECT id, order_id, kind, status FROM public.jobs WHERE id = %s"
WAITING_SQL = "SELECT count(*) AS n FROM public.jobs WHERE status = 'waiting'"
QUEUED_SQL = (
    "INSERT INTO public.jobs (order_id, kind) SELECT n, 'label' FROM generate_series(1, 40) AS n"
)


def misled(system: System, job: int) -> bool:
    """Tell whether a job is shown as it is neither before nor after."""
    before = system.sql(JOB_SQL, (job,))
    said = answer_of(system.http.get(f"/jobs/{job}"), 200)
    return [said] not in (before, system.sql(JOB_SQL, (job,)))


def miscounted(system: System) -> bool:
    """Have another program hand in jobs; tell whether the queue is longer or shorter than said."""
    system.change(QUEUED_SQL)
    most = system.sql(WAITING_SQL)[0]["n"]  # from now on it only gets shorter
    said = answer_of(system.http.get("/queue"), 200).get("waiting")
    return not (type(said) is int and system.sql(WAITING_SQL)[0]["n"] <= said <= most)


@check("answers", title="Every answer says what the table says", points=7, kind="correctness")
def answers(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    wrong = [
        f"Job {job} is shown differently from what the table says."
        for job in rng.sample(range(1, JOBS), 12)
        if answer_of(system.http.get(f"/jobs/{job}"), 200) != system.sql(JOB_SQL, (job,))[0]
    ]
    # Each is read at once: what is stored some time after it was confirmed may be there by chance,
    # but not all three.
    shown = dict[int, bool]()
    for _ in range(3):
        new, body = hand_in(system, rng)
        if system.sql(STORED_SQL, (new,)) != [body]:
            wrong.append("A job that was just confirmed is not in the table.")
        shown[new] = not misled(system, new)
    # And again when they are done, and another program has corrected them.
    undone(system, min(shown) - 1)
    for new, well in shown.items():
        system.change(CORRECTED_SQL, (new,))
        if not well or misled(system, new):
            wrong.append("A job of just now is shown differently from what the table says.")
    if miscounted(system):
        wrong.append("The queue is said to be longer or shorter than it is.")
    if system.http.get(f"/jobs/{10**9}").status_code != 404:
        wrong.append("A job that does not exist is not answered with 404.")
    if not ask_for_a_fax(system, rng):
        wrong.append("A job of a kind that does not exist is not refused with 422.")
    return Outcome.is_true(
        not wrong,
        f"{21 - len(wrong)} of 21 answers right",
        "all of them",
        why_failed=f"{wrong[0] if wrong else ''} An answer that is not true is worse than none.",
    )


# ---------------------------------------------------------------- what a wrong request leaves


@check("refusals", title="Wrong requests use nothing up", points=10, kind="slo")
def refusals(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    wrong = 40
    refused = altogether(wrong, lambda: ask_for_a_fax(system, rng))
    good = in_a_row(20, lambda: system.http.get(f"/jobs/{rng.randint(1, JOBS)}").is_success)
    found = f"{refused} of {wrong} wrong requests refused properly, then {good} of 20 good ones answered"
    return Outcome.all_of(
        Outcome.is_true(
            good == 20,
            found,
            "all of them",
            why_failed="Each wrong request opens or borrows a connection that is never given back. "
            f"After {wrong} of them there is none left, for anybody.",
            evidence={"refused": refused, "good": good},
        ),
        Outcome.is_true(
            refused == wrong,
            found,
            "all of them",
            why_failed="A job of a kind that does not exist has to be refused with 422, the last of "
            f"{wrong} like the first.",
        ),
    )


# ---------------------------------------------------------------- when the printer fails


@check(
    "outage",
    title="The shop goes on while the printer is off",
    points=6,
    kind="blast_radius",
    fresh=True,
)
def outage(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    after, jobs = last_job(system), 8
    system.kill("printer")
    began = time.monotonic()
    handed = in_a_row(jobs, lambda: system.http.post("/jobs", json=a_job(rng)).status_code == 201)
    time.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))
    good = in_a_row(20, lambda: system.http.get(f"/jobs/{rng.randint(1, JOBS)}").is_success)
    found = f"printer off: {handed} of {jobs} jobs taken, {good} of 20 requests answered"
    shop = Outcome.is_true(
        handed == jobs and good == 20,
        found,
        "all of them",
        why_failed="A worker that cannot print loses its connection, and tries again with the next "
        "one. Soon there is none left, and the shop, which needs no printer, stands still as well.",
        evidence={"handed_in": handed, "good": good},
    )
    if not shop.passed:
        return shop
    system.restart("printer")
    left = undone(system, after)
    wrong = missprinted(system, after) if not left else ""
    return Outcome.all_of(
        Outcome.is_true(
            not left,
            f"{found}; then {len(left)} of {jobs} jobs left lying",
            "all of them, and no job left",
            why_failed="The printer works again, and the jobs that came meanwhile are never done. "
            "Follow `one_job` along the way of the error: what did it take, and who gives it back?",
        ),
        Outcome.is_true(
            not wrong,
            wrong or f"{found}; then each job printed once",
            "all of them, and each printed once",
            why_failed=f"{wrong} A job is done when the paper is there, not before.",
        ),
    )


# ---------------------------------------------------------------- a crowd


@dataclass
class Crowd:
    """What a few crowded seconds showed.

    Attributes:
        after: the last job before them.
        ours: how many jobs of ours were confirmed meanwhile; ``lost``: and were not stored then.
        connections: of the application, each time somebody looked.
        locked_out: how often another program was refused by the database, of ``knocked``.
    """

    after: int
    summary: Loaded = field(init=False)
    ours: int = 0
    lost: int = 0
    connections: list[int] = field(default_factory=list)
    locked_out: int = 0
    knocked: int = 0

    def look(self, system: System) -> None:
        """Count the connections, and open one as the evening report does."""
        self.knocked += 1
        try:
            self.connections.append(system.connections())
            system.change("SELECT 1")
        except SysdesignError:
            self.locked_out += 1

    def hand_in(self, system: System, rng: random.Random, load: Future[Loaded]) -> None:
        """Hand in a job now and then, and look at once whether it is stored; not if one is refused."""
        with suppress(httpx.HTTPError, SysdesignError, Failed):
            while not load.done():
                new, body = hand_in(system, rng)
                self.ours += 1
                self.lost += system.sql(STORED_SQL, (new,)) != [body]
                time.sleep(0.2)

    @property
    def unanswered(self) -> float:
        """Return the share of requests without a proper answer."""
        return (self.summary.requests - self.summary.ok) / self.summary.requests

    @property
    def most(self) -> int:
        """Return the most connections that were open twice in a row.

        The database notices a moment late that a connection was closed.
        """
        return max(map(min, self.connections, self.connections[1:]), default=0)


_crowds: dict[str, Crowd] = {}


def crowd(ctx: Context) -> Crowd:
    """Let a crowd in and look over its shoulder; once for all checks."""
    system, attempts = ctx.system, itertools.count()

    def watched() -> Crowd:
        if next(attempts):  # who has lost all connections would show nothing but that
            system.restart("app")
        return _watched(system, ctx.random)

    if system.id not in _crowds:
        _crowds[system.id] = undisturbed(watched)
    return _crowds[system.id]


def _watched(system: System, rng: random.Random) -> Crowd:
    found = Crowd(last_job(system))
    with ThreadPoolExecutor(2, "load") as threads:
        load = threads.submit(system.load, "crowd")
        threads.submit(found.hand_in, system, rng, load)
        while not load.done():
            found.look(system)
            time.sleep(0.1)
        found.summary = load.result()
    # And at last a few who still want a fax: when the workers have nothing left to do, so that
    # whoever is refused a connection then is so for good. Who has run dry may let each of them wait.
    with suppress(CannotTell):
        undone(system, found.after)
    altogether(30, lambda: ask_for_a_fax(system, rng))
    for _ in range(3):
        found.look(system)
        time.sleep(0.2)
    return found


@check(
    "crowd",
    title="Sixty at once all get their answer",
    points=13,
    kind="slo",
    fresh=True,
    timed=True,
)
def everybody(ctx: Context) -> Outcome:
    found = crowd(ctx)
    summary = found.summary
    if "timeout" in summary.errors:
        refuse_if_crowded(above=4)
    kinds = ", ".join(f"{count} x {kind}" for kind, count in summary.errors.items())
    answered = Outcome.at_most(
        100 * found.unanswered,
        100 * UNANSWERED,
        "% of the requests unanswered",
        why_failed=f"{summary.requests - summary.ok:,} of {summary.requests:,} requests got no "
        f"proper answer ({kinds}). When more come than there are connections, the others have to "
        "wait in the app, not to be turned away by the database.",
        evidence={"requests": summary.requests, "errors": summary.errors},
    )
    if answered.passed and untrue(ctx.system, summary.told):
        raise Failed("While sixty ask, an answer says something else than the table, or nothing.")
    return answered


def untrue(system: System, told: Sequence[Told]) -> bool:
    """Tell whether an answer was no answer; how long the queue was, nobody can say afterwards."""
    for each in told:
        if each.name == "look-up":
            job = int(each.path.rpartition("/")[2])
            if [each.said] != system.sql(JOB_SQL, (job,)):
                return True
        if each.name == "queue":
            waiting = each.said.get("waiting") if isinstance(each.said, dict) else None
            if not isinstance(waiting, int):
                return True
    return False


SINCE_SQL = "SELECT count(*) AS n FROM public.jobs WHERE id > %s"


@check(
    "confirmed",
    title="What was confirmed is stored",
    points=7,
    kind="correctness",
    timed=True,
)
def confirmed(ctx: Context) -> Outcome:
    found = crowd(ctx)
    said = found.summary.endpoints["hand-in"]
    if found.lost:
        raise Failed("When many are there, a job is confirmed that is not in the table.")
    promised = said.requests - sum(said.errors.values()) + found.ours
    stored = patiently(ctx.system, SINCE_SQL, (found.after,))[0]["n"]
    return Outcome.is_true(
        stored >= promised,
        f"{min(stored, promised):,} of {promised:,} confirmed jobs stored",
        "all of them",
        why_failed=f"{promised - stored:,} jobs were confirmed with a 201 and are nowhere. An "
        "error that says it is none is the worst of all: nobody asks again.",
        evidence={"confirmed": promised, "stored": stored},
    )


@check("after-crowd", title="After the crowd everything is as before", points=5, kind="recovery")
def after_crowd(ctx: Context) -> Outcome:
    system, after = ctx.system, crowd(ctx).after
    good = in_a_row(20, lambda: system.http.get("/queue").is_success)
    left = undone(system, after) if good == 20 else []
    wrong = missprinted(system, after) if good == 20 and not left else ""
    return Outcome.all_of(
        Outcome.is_true(
            good == 20,
            f"{good} of 20 requests answered",
            "20 of 20",
            why_failed="The crowd has gone, nobody is there any more, and requests still fail. "
            "Something was taken and did not come back.",
        ),
        Outcome.is_true(
            not left,
            f"{len(left)} jobs left lying",
            "none",
            why_failed=f"The crowd has gone, and {len(left)} jobs wait for a worker that does not "
            "come.",
        ),
        Outcome.is_true(
            not wrong,
            wrong or "20 of 20 requests answered, every job printed once",
            "20 of 20, and every job printed once",
            why_failed=f"{wrong} Under pressure, too, a job is done once.",
        ),
    )


# ---------------------------------------------------------------- what it costs, and whom


@check(
    "connections",
    title="The app keeps to its 12 connections",
    points=18,
    kind="cost",
    timed=True,
)
def connections(ctx: Context) -> Outcome:
    found = crowd(ctx)
    return Outcome.at_most(
        found.most,
        BUDGET,
        "connections",
        why_failed="The database takes 20 connections in all, and others live from it too. A "
        "limit that is raised until nothing complains is no limit.",
        evidence={"connections": found.most, "looked": len(found.connections)},
    )


AGREED = 20  # max_connections
LIMIT_SQL = "SELECT setting::int AS n FROM pg_settings WHERE name = 'max_connections'"


@check("room", title="The others keep their room", points=16, kind="blast_radius")
def room(ctx: Context) -> Outcome:
    found = crowd(ctx)
    limit = patiently(ctx.system, LIMIT_SQL)[0]["n"]
    raised = Outcome.is_true(
        limit <= AGREED,
        f"a database for {limit} connections",
        f"{AGREED}, as agreed",
        why_failed=f"max_connections went from {AGREED} to {limit}. Each connection is a process "
        "with memory of its own at a server that others use and pay for, and a leak fills "
        f"{limit} as surely as {AGREED}.",
        evidence={"max_connections": limit, "not_counted": list(ctx.refused)},
    )
    shut_out = Outcome.is_true(
        not found.locked_out,
        f"{found.knocked - found.locked_out} of {found.knocked} other programs let in",
        "all of them",
        why_failed=f"While the crowd was there, the evening report was turned away "
        f"{found.locked_out} times of {found.knocked}: all connections were in the hands of "
        "Errands.",
        evidence={"locked_out": found.locked_out, "knocked": found.knocked},
    )
    return Outcome.all_of(raised, shut_out)


# Sums over what Errands started with; jobs that were added since do not count.
FINGERPRINT_SQL = (
    "SELECT count(*) AS n, sum(order_id * (id % 997 + 1)::bigint) AS orders,"
    " sum(hashtext(kind)::bigint * (id % 101 + 1)) AS kinds, bool_and(status = 'done') AS done"
    " FROM public.jobs WHERE id <= 60000"
)
KINDS_SQL = "SELECT name, paper FROM public.kinds ORDER BY name"
RULES_SQL = """
    SELECT conrelid::regclass::text || ': ' || pg_get_constraintdef(oid) AS rule
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', 'c', 'u')
      AND convalidated AND conenforced
    ORDER BY 1
"""


@check("data-intact", title="Nothing in the tables is lost", points=4, kind="blast_radius")
def data_intact(ctx: Context) -> Outcome:
    problems = {
        "Old jobs were changed or thrown away.": FINGERPRINT_SQL,
        "The kinds of job were changed.": KINDS_SQL,
        "A rule that protected the data is gone.": RULES_SQL,
    }
    lost = [
        problem
        for problem, query in problems.items()
        if patiently(ctx.system, query) != ctx.pristine.sql(query)
    ]
    return Outcome.is_true(
        not lost,
        f"{3 - len(lost)} of 3 parts as they were",
        "all of them",
        why_failed=f"{lost[0] if lost else ''} The queue is what the shop relies on.",
    )


# ---------------------------------------------------------------- after a crash


@check(
    "crash",
    title="It comes back after the database crashed",
    points=6,
    kind="recovery",
    fresh=True,
    timed=True,
)
def crash(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    after = last_job(system)
    for _ in range(8):
        hand_in(system, rng)
    system.kill("db")
    system.restart("db")
    # Some requests may still meet a connection that died with the database. Then it must be well.
    in_a_row, wanted, until = 0, 15, time.monotonic() + 12
    while in_a_row < wanted and time.monotonic() < until:
        try:
            job = f"/jobs/{rng.randint(1, JOBS)}"
            well = system.http.get(job, timeout=5).status_code == 200
        except httpx.HTTPError:
            well = False
        in_a_row = in_a_row + 1 if well else 0
        time.sleep(0.02 if well else 0.2)
    if 0 < in_a_row < wanted:
        refuse_if_crowded(above=4)
    left = undone(system, after) if in_a_row >= wanted else []
    return Outcome.all_of(
        Outcome.is_true(
            in_a_row >= wanted,
            f"{in_a_row} good answers in a row after the restart",
            f"{wanted} of them",
            why_failed="The database is back, and the app has not noticed: it still holds on to "
            "connections that died with the crash.",
        ),
        Outcome.is_true(
            not left,
            f"{in_a_row} good answers in a row, {len(left)} of 8 jobs left lying",
            f"{wanted} of them, and no job left",
            why_failed=f"{len(left)} of 8 jobs that were confirmed before the crash are never done: "
            "their workers did not come back.",
        ),
    )
