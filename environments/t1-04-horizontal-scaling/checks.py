"""What a Larder that has grown must show, seen from outside.

Counted evidence comes first: cores rented, CPU seconds used by each instance, connections held,
requests left unanswered, sales booked once. The one figure that is a time is a ratio against an
untouched copy, taken in the same run. How much is asked for follows the speed of this machine, so
that one instance has about twice as much to do as it can, wherever this runs.
"""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.grading.checks import (
    CannotTell,
    Context,
    Failed,
    Loaded,
    Outcome,
    System,
    Told,
    best,
    check,
    undisturbed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from concurrent.futures import Future

CATEGORIES = 48
PRODUCTS = 12_000
SHOWN = 20

FASTER = 5.0  # times; the reference was 20 to 200 times faster
UNANSWERED = 0.01  # share of the requests
MANY = 0.05  # of them; an instance at its limit leaves more than this, a busy machine less
HEADROOM = 0.9  # of its CPU that the busiest instance may use; the reference used 0.5 to 0.75
CORES = 1.5  # rented for the app: six of the smallest machines
BUDGET = 12  # connections
LOST = 0.02  # share of the requests that may be lost with an instance: those it was answering

TOO_LIGHT = 1.15  # times faster than it had seemed; an instance has twice as much to do as it can
MOST = 2.5  # times the traffic that keeps our machine busy
REPORT_CPU_S = 0.075  # that the arithmetic of one report took where the traffic was shaped


# ---------------------------------------------------------------- the report, worked out again

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
TRENDS = (0.05, 0.1, 0.2, 0.3, 0.4)


def forecast(weeks: Sequence[int]) -> float:
    """Foretell the next week by exponential smoothing (Holt), with the rates that fitted best."""
    tried = []
    for level_rate in LEVELS:
        for trend_rate in TRENDS:
            level, trend, missed = float(weeks[0]), 0.0, 0.0
            for sold in weeks[1:]:
                expected = level + trend
                missed += (sold - expected) ** 2
                new_level = expected + level_rate * (sold - expected)
                trend += trend_rate * (new_level - level - trend)
                level = new_level
            tried.append((missed, level + trend))
    return round(min(tried, key=lambda each: each[0])[1], 1)


PRODUCTS_SQL = (
    "SELECT id, name, stock, sold_per_week FROM public.products WHERE category_id = %s ORDER BY id"
)


def ranking(system: System, category: int) -> list[dict[str, Any]]:
    """Work out from what the tables say now which products run out first; a report shows 20."""
    products = system.sql(PRODUCTS_SQL, (category,))
    for each in products:
        each["next_week"] = forecast(each.pop("sold_per_week"))
    products.sort(key=lambda each: (each["stock"] / max(each["next_week"], 0.1), each["id"]))
    return products


def speed() -> float:
    """Return how fast this machine works out a report just now; ours has 1."""
    weeks = [(17 * week) % 43 for week in range(52)]
    began = time.process_time()
    for _ in range(50):
        forecast(weeks)
    return REPORT_CPU_S / (5 * (time.process_time() - began))  # a category has 250 products


_pace: list[float] = []


def pace() -> float:
    """Return how much more (or less) traffic this machine needs than ours to be as busy."""
    if not _pace:
        # Not the quickest, which asks too much of a machine that is slower most of the time. Where
        # it makes us look slow, the load itself shows it (``rush``).
        keep_pace(median(speed() for _ in range(9)))
    return _pace[0]


def keep_pace(at: float) -> None:
    """Ask from now on for what keeps a machine as fast as that busy."""
    _pace[:] = [min(max(at, 0.4), MOST)]


def lasts_s() -> float:
    """Return how long a load lasts: on a slow machine longer, so that as much is asked for."""
    return 5.0 / min(pace(), 1.0)


# ---------------------------------------------------------------- asking Larder


def instances(system: System) -> list[str]:
    """Return the names of the app's instances."""
    return [each.name for each in system.status().services if each.kind == "python"]


def ask(system: System, path: str) -> dict[str, Any]:
    """Return the object that Larder answers at ``path``."""
    response = system.http.get(path)
    if response.status_code != 200:
        raise Failed(f"GET {path} answered {response.status_code} instead of 200.")
    answer = response.json()
    if not isinstance(answer, dict):
        raise Failed(f"GET {path} did not answer with an object.")
    return answer


def ask_all(system: System, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for several things at once, so that every instance gets its share."""
    with ThreadPoolExecutor(max(2, len(instances(system))), "ask") as pool:
        return list(pool.map(lambda path: ask(system, path), paths))


def products_in(answer: Any) -> list[dict[str, Any]]:
    """Return the products that an answer shows; none if it is not of that form."""
    shown = answer.get("products") if isinstance(answer, dict) else None
    if not isinstance(shown, list) or not all(isinstance(each, dict) for each in shown):
        return []
    return shown


def is_report(
    answer: Any, ranked: list[dict[str, Any]], moving: Collection[int] = frozenset()
) -> bool:
    """Tell whether a report names the right products, in order, with the right figures.

    Those that are ``moving`` were sold meanwhile and may stand anywhere; all others may not.
    """
    if len(products_in(answer)) != SHOWN:
        return False
    shown = [each for each in products_in(answer) if each.get("id") not in moving]
    expected = [each for each in ranked if each["id"] not in moving][: len(shown)]
    for mine, theirs in zip(shown, expected, strict=True):
        if not isinstance(mine.get("next_week"), int | float):
            return False
        if any(mine.get(key) != theirs[key] for key in ("id", "name", "stock")):
            return False
        if abs(mine["next_week"] - theirs["next_week"]) > 0.15:
            return False
    return True


# ---------------------------------------------------------------- the last day of the month

# Less a few: those below may still be on their way into the table.
LAST_SALE_SQL = "SELECT coalesce(max(id), 0) - 50 AS id FROM public.sales"
# Neither figure is changed by a sale that happens as a whole, whenever one looks.
BOOKS_SQL = """
    SELECT sum(stock) + max(pieces) AS stocked, sum(sold_per_week[52]) - max(pieces) AS counted
    FROM public.products, (SELECT coalesce(sum(quantity), 0) AS pieces FROM public.sales) AS sold
"""
SOLD_SQL = "SELECT receipt, product_id FROM public.sales WHERE id > %s"


def untrue(system: System, told: Sequence[Told], last: int, books: list[dict[str, Any]]) -> str:
    """Return what of a load's answers the tables do not say, or an empty string.

    What was sold was taken off the stock and counted in its week, so the ``books`` are as they were.
    What was sold after the sale ``last`` was sold while others asked, and its stock was moving. The
    sales are read at the end: then all that can have moved what was read before are among them.
    """
    if system.sql(BOOKS_SQL) != books:
        return "a sale was written down, but not taken off the stock, or not counted in its week"
    truth = [true_rows(system, each) for each in told]
    sales = system.sql(SOLD_SQL, (last,))
    booked, moving = ({each[key] for each in sales} for key in ("receipt", "product_id"))

    def still(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "stock": None} if row.get("id") in moving else row for row in rows]

    for each, rows in zip(told, truth, strict=True):
        if each.name == "sale":
            if each.sent["receipt"] not in booked:
                return "a sale was confirmed that is not booked"
        elif each.name == "report":
            if not is_report(each.said, rows, moving):
                return "a report foretold something else than a year of sales does"
        else:
            answer = each.said if each.name == "category" else {"products": [each.said]}
            if still(products_in(answer)) != still(rows):
                return "the catalogue showed something else than the tables say"
    return ""


def true_rows(system: System, told: Told) -> list[dict[str, Any]]:
    """Return what an answer has to show."""
    number = int(re.findall(r"\d*$", told.path)[0] or 0)
    if told.name == "report":
        return ranking(system, number)
    if told.name == "sale":
        return []
    return system.sql(PAGE_SQL if told.name == "category" else PRODUCT_SQL, (number,))


@dataclass(frozen=True)
class Rush:
    """What a few busy seconds showed.

    Attributes:
        untrue: what was answered and does not hold.
        used: share of its CPU that each instance used.
        connections: held by the app at the busiest moment.
        speed: how fast the machine was meanwhile, most of the time; ours has 1.
    """

    summary: Loaded
    untrue: str
    used: dict[str, float]
    connections: int
    speed: float

    @property
    def unanswered(self) -> float:
        """Return the share of requests without a proper answer."""
        return (self.summary.requests - self.summary.ok) / self.summary.requests


_rushes: dict[str, Rush] = {}


def rush(system: System, rng: random.Random, *, again: bool = False) -> Rush:
    """Put the month's last day on ``system`` and look over its shoulder; once for all checks.

    Where the machine was faster meanwhile than it had seemed to be, too little was asked for, and
    one instance may have been enough: then more is asked for, of every system.
    """
    if again or system.id not in _rushes:
        _rushes[system.id] = undisturbed(lambda: _watched(system, rng))
    found = _rushes[system.id]
    if found.untrue:
        raise Failed(f"While many asked, {found.untrue}.")
    if found.speed > TOO_LIGHT * pace() and pace() < MOST:
        keep_pace(found.speed)
        _rushes.clear()
        return rush(system, rng)
    return found


def rushes(ctx: Context, *, again: bool = False) -> tuple[Rush, Rush]:
    """Return the same rush on the untouched system and on the learner's."""
    before, after = rush(ctx.pristine, ctx.random), rush(ctx.system, ctx.random, again=again)
    while not {ctx.pristine.id, ctx.system.id} <= _rushes.keys():  # one was asked for more
        before, after = rush(ctx.pristine, ctx.random), rush(ctx.system, ctx.random)
    return before, after


def _watched(system: System, rng: random.Random) -> Rush:
    last, books = system.sql(LAST_SALE_SQL)[0]["id"], system.sql(BOOKS_SQL)
    scale, speeds = pace(), []
    began, connections = time.time(), 0
    time.sleep(1.1)
    with ThreadPoolExecutor(2, "load") as threads:
        load = threads.submit(system.load, "rush", scale=scale, duration_s=lasts_s())
        till = threads.submit(unbooked, load, system, rng)
        while not load.done():
            connections = max(connections, system.connections())
            speeds.append(speed())
            time.sleep(0.3)
        summary = load.result()
    time.sleep(1.1)
    seconds = system.used_s(began)
    rented = {each.name: each.cpus for each in system.status().services if each.kind == "python"}
    used = {
        name: seconds.get(name, 0.0) / (cpus * summary.duration_s)
        for name, cpus in rented.items()
        if cpus
    }
    said = till.result() or untrue(system, summary.told, last, books)
    return Rush(summary, said, used, connections, median(speeds))


@check(
    "catalogue",
    title="The catalogue answers quickly while reports are made",
    points=10,
    kind="slo",
    timed=True,
    deadline_s=240,  # up to six rushes; on a slow machine each lasts for a quarter of a minute
)
def catalogue(ctx: Context) -> Outcome:
    found = rush(ctx.system, ctx.random)
    if found.unanswered >= MANY:
        share = f"{found.unanswered:.0%} of the requests"
        return Outcome.is_true(
            False,
            f"{share} unanswered",
            f"p95 at least {FASTER:g} times lower",
            why_failed=f"{share} were not answered at all, so the p95 says nothing good: whoever "
            "gives up has waited for nothing.",
        )
    times = best(
        compared(*rushes(ctx)),
        lambda: compared(*rushes(ctx, again=True)),
        doubtful=lambda each: 1.5 < each["ratio"] < FASTER,
        worth=lambda each: each["ratio"],
    )
    return Outcome.at_least(
        times["ratio"],
        FASTER,
        "times lower (p95) than the untouched catalogue",
        why_failed="A page of the catalogue still waits behind the reports "
        f"({times['after_ms']:,.0f} ms).",
        evidence=times,
    )


def compared(before: Rush, after: Rush) -> dict[str, float]:
    """Return the p95 of a catalogue page before and after, and how many times lower it is."""
    old, new = (each.summary.endpoints["category"].p95_ms for each in (before, after))
    if old is None or new is None:
        raise Failed("No page of the catalogue was answered.")
    return {"before_ms": old, "after_ms": new, "ratio": old / new}


@check(
    "answered",
    title="Everybody gets an answer, also who wants a report",
    points=8,
    kind="slo",
    timed=True,
)
def answered(ctx: Context) -> Outcome:
    found = best(
        rush(ctx.system, ctx.random),
        lambda: rush(ctx.system, ctx.random, again=True),
        doubtful=lambda each: UNANSWERED < each.unanswered < MANY,
        worth=lambda each: -each.unanswered,
    )
    summary = found.summary
    kinds = ", ".join(f"{count} x {kind}" for kind, count in summary.errors.items())
    return Outcome.at_most(
        100 * found.unanswered,
        100 * UNANSWERED,
        "% of the requests unanswered",
        why_failed=f"{summary.requests - summary.ok} of {summary.requests} requests got no "
        f"proper answer ({kinds}). There is more to do than the instances that do it can do.",
        evidence={"requests": summary.requests, "errors": summary.errors},
    )


@check("headroom", title="No instance works at its limit", points=8, kind="slo", timed=True)
def headroom(ctx: Context) -> Outcome:
    # The same work takes more processor time on a crowded machine.
    found = best(
        rush(ctx.system, ctx.random),
        lambda: rush(ctx.system, ctx.random, again=True),
        doubtful=lambda each: HEADROOM < max(each.used.values()) < 1.0,
        worth=lambda each: -max(each.used.values()),
    )
    name, share = max(found.used.items(), key=lambda each: each[1])
    idle = [each for each, used in found.used.items() if used < 0.05]
    said = f" Meanwhile {', '.join(idle)} had nothing to do." if idle else ""
    return Outcome.is_true(
        share <= HEADROOM,
        f"{name} used {min(share, 1):.0%} of its CPU",
        f"at most {HEADROOM:.0%}, also of the busiest",
        why_failed=f"{name} used all the processor time it may. Whoever works at their limit has "
        f"a queue in front of them that only grows.{said}",
        evidence={"used": {each: round(used, 2) for each, used in found.used.items()}},
    )


# ---------------------------------------------------------------- what it says

PRODUCT_SQL = "SELECT id, category_id, name, price_cents, stock FROM public.products WHERE id = %s"
PAGE_SQL = """
    SELECT id, name, price_cents, stock FROM public.products
    WHERE category_id = %s ORDER BY name LIMIT 20
"""


@check("results", title="Every answer says what the tables say", points=8, kind="correctness")
def results(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    problems = []
    reported = rng.sample(range(1, CATEGORIES + 1), 4)
    answers = ask_all(system, [f"/report?category={category}" for category in reported])
    for category, answer in zip(reported, answers, strict=True):
        if not is_report(answer, ranking(system, category)):
            problems.append("A report foretells something else than a year of sales does")
    pages = rng.sample(range(1, CATEGORIES + 1), 8)
    answers = ask_all(system, [f"/products?category={category}" for category in pages])
    for category, answer in zip(pages, answers, strict=True):
        if answer.get("products") != system.sql(PAGE_SQL, (category,)):
            problems.append("A page of the catalogue shows something else than the tables say")
    products = rng.sample(range(1, PRODUCTS + 1), 8)
    answers = ask_all(system, [f"/products/{product}" for product in products])
    for product, answer in zip(products, answers, strict=True):
        if [answer] != system.sql(PRODUCT_SQL, (product,)):
            problems.append("A product is shown differently from what the tables say")
    asked = len(reported) + len(pages) + len(products)
    return Outcome.is_true(
        not problems,
        f"{asked - len(problems)} of {asked} answers right",
        "all of them",
        why_failed=f"{problems[0] if problems else ''}. Faster is no help if the answer changes.",
        evidence={"wrong": len(problems), "compared": asked},
    )


@check("freshness", title="A change shows at once, in every instance", points=8, kind="correctness")
def freshness(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    times = 2 * len(instances(system))
    categories = rng.sample(range(1, CATEGORIES + 1), 2)
    # Whoever keeps answers keeps those of the first; whoever keeps a copy has both in it. Which of
    # them comes first, and what is changed by how much, nobody knows by heart.
    rounds = list(zip(categories, (True, False), strict=True))
    rng.shuffle(rounds)
    late = [each for category, looked in rounds for each in office(ctx, category, times, looked)]
    asked = 2 * 3 * times
    return Outcome.is_true(
        not late,
        f"{asked - len(late)} of {asked} answers were up to date",
        "all of them",
        why_failed=f"{late[0] if late else ''} The next instance may say something else: whoever "
        "keeps a copy keeps it in one instance only.",
        evidence={"late": len(late)},
    )


def office(ctx: Context, category: int, times: int, looked: bool) -> list[str]:
    """Correct a price, and what was sold of something this week; return what does not show."""
    system, rng, late = ctx.system, ctx.random, []
    product = 250 * (category - 1) + rng.randint(1, 250)
    pages = [f"/products/{product}"] * times + [f"/products?category={category}"] * times
    reports = [f"/report?category={category}"] * times
    if looked:
        # Apart: pages would go to those instances alone that have no report to work on.
        ask_all(system, reports)
        ask_all(system, pages)
    system.change(
        "UPDATE public.products SET price_cents = price_cents + %s, stock = %s,"
        " sold_per_week[52] = sold_per_week[52] + %s WHERE id = %s",
        (rng.randint(1, 500), rng.randint(0, 5), rng.randint(50, 90), product),
    )
    ranked, shown = ranking(system, category), system.sql(PRODUCT_SQL, (product,))
    page = system.sql(PAGE_SQL, (category,))
    for answer in ask_all(system, reports):
        if not is_report(answer, ranked):
            late.append("A report does not know of what has just been sold.")
    for number, answer in enumerate(ask_all(system, pages)):
        if number < times and [answer] != shown:
            late.append("A price that has just been corrected is not what the product page says.")
        if number >= times and answer.get("products") != page:
            late.append("A price that has just been corrected does not show in the catalogue.")
    return late


# ---------------------------------------------------------------- what it costs


@check("machines", title="The machines are the ones you were given", points=8, kind="cost")
def machines(ctx: Context) -> Outcome:
    count = len(ctx.refused)
    return Outcome.is_true(
        not count,
        f"{count} changes that do not count" if count else "Nothing but instances was changed",
        "only more instances of the app, and POOL_SIZE",
        why_failed="; ".join(ctx.refused) + ". A bigger machine, or another database, is not "
        "yours to order, so all of this was checked without it.",
        evidence={"refused": list(ctx.refused)},
    )


@check("cores", title="Not more is rented than is needed", points=14, kind="cost")
def cores(ctx: Context) -> Outcome:
    rented = [each for each in ctx.system.status().services if each.kind == "python"]
    total = sum(each.cpus or 0.0 for each in rented)
    return Outcome.is_true(
        total <= CORES,
        f"instances: {len(rented)}, with {total:g} of a core in all",
        f"at most {CORES:g} of a core in all",
        why_failed="An instance costs the same whether it works or not. Most of these have "
        "nothing to do even on the busiest day of the month.",
        evidence={"instances": len(rented), "cores": round(total, 2)},
    )


@check(
    "connections",
    title="All instances together keep to 12 connections",
    points=14,
    kind="cost",
    timed=True,
)
def connections(ctx: Context) -> Outcome:
    asked = ctx.random.sample(range(1, PRODUCTS + 1), 40)
    ask_all(ctx.system, [f"/products/{product}" for product in asked])
    held = max(ctx.system.connections(), rush(ctx.system, ctx.random).connections)
    return Outcome.at_most(
        held,
        BUDGET,
        "connections held by the app",
        why_failed="The database takes 20 connections in all, and others live from it too. Each "
        "instance has a pool of its own: what counts is all of them together.",
        evidence={"connections": held},
    )


# ---------------------------------------------------------------- what must not get worse


def sell(system: System, receipt: str, product: int, quantity: int = 1) -> bool:
    """Sell some pieces of a product; tell whether that was confirmed."""
    body = {"receipt": receipt, "product_id": product, "quantity": quantity}
    try:
        return system.http.post("/sales", json=body, timeout=5).status_code == 201
    except httpx.HTTPError:
        return False


def unbooked(load: Future[Loaded], system: System, rng: random.Random) -> str:
    """Sell something now and then until a load is over, with receipts like those of the load.

    Returns what is wrong, if a sale was confirmed and not booked then, or an empty string.
    """
    while not load.done():
        receipt = f"till-{rng.randint(1_000_000, 9_999_999)}"
        if sell(system, receipt, rng.randint(1, PRODUCTS)):
            if not system.sql(BOOKED_SQL, (receipt,)):
                return "a sale was confirmed that is not booked"
        time.sleep(0.2)
    return ""


def sell_until(load: Future[Loaded], system: System, day: str, rng: random.Random) -> list[str]:
    """Sell one piece after the other until a load is over; return the confirmed receipts."""
    confirmed, rounds = list[str](), 0
    while not load.done():
        receipt = f"{day}-{rounds}"
        if sell(system, receipt, rng.randint(1, PRODUCTS)):
            confirmed.append(receipt)
        rounds += 1
        time.sleep(0.1)
    return confirmed


STOCK_SQL = "SELECT stock, sold_per_week[52] AS sold FROM public.products WHERE id = %s"
BOOKED_SQL = (
    "SELECT receipt, count(*) AS n, sum(quantity)::int AS pieces FROM public.sales"
    " WHERE receipt LIKE %s GROUP BY receipt"
)


@check("sales", title="A sale that was confirmed is booked, once", points=8, kind="blast_radius")
def sales(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    day, product = f"check-{rng.randrange(10**9)}", rng.randint(1, PRODUCTS)
    sold = {f"{day}-{n}": rng.randint(1, 3) for n in range(20)}
    count, pieces = len(sold), sum(sold.values())
    before = system.sql(STOCK_SQL, (product,))[0]
    with ThreadPoolExecutor(4, "sell") as pool:
        done = list(pool.map(lambda each: sell(system, each[0], product, each[1]), sold.items()))
    booked = system.sql(BOOKED_SQL, (f"{day}-%",))
    after = system.sql(STOCK_SQL, (product,))[0]
    taken, added = before["stock"] - after["stock"], after["sold"] - before["sold"]
    once = sum(each["n"] == 1 and each["pieces"] == sold[each["receipt"]] for each in booked)
    return Outcome.all_of(
        Outcome.is_true(
            all(done),
            f"{sum(done)} of {count} sales confirmed",
            "all of them",
            why_failed="A till could not book what was sold.",
        ),
        Outcome.is_true(
            once == count and taken == added == pieces,
            f"{once} of {count} sales booked once; of {pieces} pieces {taken} taken off the stock, "
            f"{added} counted in the week",
            f"{count}, {pieces} and {pieces}",
            why_failed="The till was told that a sale is booked, and it is not, or not once, or not "
            "everywhere. What an instance only keeps in mind is gone when it is.",
        ),
    )


# ---------------------------------------------------------------- when an instance dies


@check(
    "recovery",
    title="An instance that dies is not missed",
    points=14,
    kind="recovery",
    timed=True,
)
def recovery(ctx: Context) -> Outcome:
    system = ctx.system
    victim = ctx.random.choice(instances(system))
    last, books = system.sql(LAST_SALE_SQL)[0]["id"], system.sql(BOOKS_SQL)
    day = f"night-{ctx.random.randrange(10**9)}"
    with ThreadPoolExecutor(2, "afternoon") as threads:
        load = threads.submit(system.load, "afternoon", scale=pace(), duration_s=lasts_s())
        till = threads.submit(sell_until, load, system, day, ctx.random)
        # By the clock: whoever keeps a till waiting does not put off the death of an instance. The
        # load lasts for as long as it was meant to, however it is answered.
        time.sleep(lasts_s() / 2)
        system.kill(victim)
        too_late = load.done()
        summary, confirmed = load.result(), till.result()
    if too_late:
        raise CannotTell("The load was over before an instance was killed. Check again.")
    lie = untrue(system, summary.told, last, books)
    if lie:
        raise Failed(f"While an instance was missing, {lie}.")
    booked = {each["receipt"]: each["n"] for each in system.sql(BOOKED_SQL, (f"{day}-%",))}
    wrong = [each for each in confirmed if booked.get(each) != 1]
    lost = summary.requests - summary.ok
    kinds = ", ".join(f"{count} x {kind}" for kind, count in summary.errors.items())
    return Outcome.all_of(
        Outcome.at_most(
            100 * lost / summary.requests,
            100 * LOST,
            "% of the requests lost when an instance was killed",
            why_failed=f"{victim} was killed, and {lost} of {summary.requests} requests failed "
            f"({kinds}). Nobody else was there to answer them.",
            evidence={"requests": summary.requests, "errors": summary.errors},
        ),
        Outcome.is_true(
            not wrong,
            f"{len(confirmed) - len(wrong)} of {len(confirmed)} confirmed sales booked once",
            "all of them",
            why_failed="A sale was confirmed, then an instance died, and now the sale is gone, or "
            "booked twice.",
        ),
    )
