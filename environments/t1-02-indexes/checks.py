"""What a mended shop must show, seen from outside.

Counted evidence comes first: pages of 8 kB that the database touches for each row it shows, bytes
written for each order, bytes on disk. These are the same on a fast and on a slow machine. The one
figure that is a time is a ratio against an untouched shop, taken in the same run.
"""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.grading.checks import (
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
    from collections.abc import Sequence

POPULAR = range(1, 13)  # these twelve categories hold most of the products
MIDDLING = range(13, 35)
SMALL = range(35, 41)  # a few hundred products each, down to 28
CUSTOMERS = 9_950  # have ordered something; the next 50 have not
PRODUCTS = 300_000
BUDGETS = (10, 15, 20, 30, 50, 80, 120, 200, 500, 2000)  # that many ask for, in euros

PAGES_PER_ROW = 2.5
FASTER = 4.0  # times; the reference was 7 to 33 times faster on machines busy with other things too


# ---------------------------------------------------------------- asking the shop


def rows_of(path: str, answer: Any) -> list[dict[str, Any]]:
    """Return the rows of the list at ``path`` that an answer shows."""
    key = "orders" if path.startswith("/customers") else "products"
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Failed(f"The shop did not answer with a list of {key}.")
    return rows


def shown(system: System, path: str) -> list[dict[str, Any]]:
    """Ask for a list and return its rows."""
    response = system.http.get(path)
    if response.status_code != 200:
        raise Failed(f"GET {path} answered {response.status_code} instead of 200.")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return rows_of(path, answer)


def budget_list(category: int, euros: int) -> str:
    return f"/products?category={category}&max_price={euros}"


def category_list(category: int) -> str:
    return f"/categories/{category}/products"


def history(customer: int) -> str:
    return f"/customers/{customer}/orders"


def send(
    system: System, method: str, path: str, body: dict[str, Any], timeout_s: float = 10
) -> dict[str, Any]:
    """Send a change and return the answer."""
    response = system.http.request(method, path, json=body, timeout=timeout_s)
    if response.status_code not in (200, 201):
        raise Failed(f"{method} {path} answered {response.status_code}.")
    answer = response.json()
    if not isinstance(answer, dict) or "id" not in answer:
        raise Failed(f"{method} {path} did not say the id of what it stored.")
    return answer


# ---------------------------------------------------------------- what a list costs


def some_categories(rng: random.Random) -> list[int]:
    """Return a mix of categories: from a tenth of all products down to 28 of them."""
    return [*rng.sample(POPULAR, 6), *rng.sample(MIDDLING, 4), *rng.sample(SMALL, 3), SMALL[-1]]


def some_budgets(rng: random.Random) -> list[tuple[int, int]]:
    """Return (category, euros): half of them what shoppers type, half the slider at its end."""
    categories = some_categories(rng)
    return [
        (category, rng.randint(800, 4000) if number % 2 else rng.randint(15, 120))
        for number, category in enumerate(categories)
    ]


def reads(system: System, paths: Sequence[str], what: str) -> Outcome:
    """Count the pages touched while lists are asked for one by one; only true rows count."""
    before = system.blocks()
    lists = [shown(system, path) for path in paths]
    touched = system.blocks() - before
    for path, rows in zip(paths, lists, strict=True):
        problem = difference(rows, stored(system, path))
        if problem:
            raise Failed(f"The {what} {problem}, so what it reads says nothing.")
    count = sum(len(rows) for rows in lists)
    if not count:
        raise Failed(f"The {what} shows nothing at all, whatever is asked.")
    return Outcome.at_most(
        touched / count,
        PAGES_PER_ROW,
        "pages read per row shown",
        why_failed=f"The {what} looks through far more rows than it shows. An index that leads "
        "straight to the right rows, already in the right order, needs one or two pages per row.",
        evidence={"pages_read": touched, "rows_shown": count},
    )


@check("budget-reads", title="The budget list reads only what it shows", points=14, kind="slo")
def budget_reads(ctx: Context) -> Outcome:
    asked = some_budgets(ctx.random)
    return reads(ctx.system, [budget_list(*each) for each in asked], "budget list")


@check("category-reads", title="The category list reads only what it shows", points=12, kind="slo")
def category_reads(ctx: Context) -> Outcome:
    asked = some_categories(ctx.random)
    return reads(ctx.system, [category_list(each) for each in asked], "category list")


@check("history-reads", title="The order history reads only what it shows", points=14, kind="slo")
def history_reads(ctx: Context) -> Outcome:
    asked = [
        *ctx.random.sample(range(1, 100), 3),  # hundreds or thousands of orders each
        *ctx.random.sample(range(100, 1_000), 6),  # regulars: 80 to 250
        *ctx.random.sample(range(1_000, CUSTOMERS), 5),  # most people: 25 to 80
        CUSTOMERS + ctx.random.randint(1, 50),  # never ordered anything
    ]
    return reads(ctx.system, [history(each) for each in asked], "order history")


# ---------------------------------------------------------------- what a change costs


# Before many look: prices change then, and a change that comes upon a full page costs more.
def writing(system: System, seed: int) -> dict[str, float]:
    """Place orders and change products; return bytes logged and pages touched per change."""
    rng = random.Random(seed)

    def orders(count: int) -> None:
        for _ in range(count):
            customer, product = rng.randint(1, CUSTOMERS), rng.randint(1, PRODUCTS)
            body = {"customer_id": customer, "product_id": product, "quantity": 1}
            send(system, "POST", "/orders", body)

    def products(count: int) -> None:
        for number in range(count):
            price = rng.randint(500, 20_000)
            body = {"category_id": rng.randint(1, 40), "name": f"Sample {number}"}
            new = send(system, "POST", "/products", {**body, "price_cents": price})["id"]
            send(system, "PUT", f"/products/{new}/price", {"price_cents": price + 250})

    orders(20)  # so that every connection of the pool knows the statements
    products(10)
    cost = {}
    for what, write, count in (("order", orders, 120), ("product", products, 50)):
        wal, blocks = system.wal_bytes(), system.blocks()
        write(count)
        cost[f"{what}_wal_bytes"] = (system.wal_bytes() - wal) / count
        cost[f"{what}_pages"] = (system.blocks() - blocks) / count
    return cost


@check("write-cost", title="Placing an order costs about what it did", points=10, kind="cost")
def write_cost(ctx: Context) -> Outcome:
    seed = ctx.random.randrange(2**32)
    before, after = writing(ctx.pristine, seed), writing(ctx.system, seed)
    ratios = {name: after[name] / before[name] for name in before}
    evidence = {
        name: {"before": round(before[name], 1), "after": round(after[name], 1)} for name in before
    }
    return Outcome.all_of(
        # A new price moves a product to another place in an index, so one or two good indexes
        # on products do cost something here: about twice the work, for changes that are rare.
        Outcome.at_most(
            max(ratios["product_wal_bytes"], ratios["product_pages"]),
            2.6,
            "times the work for each change of a product",
            why_failed="Adding a product or changing its price now costs far more than the lists "
            "gain from it.",
        ),
        Outcome.at_most(
            max(ratios["order_wal_bytes"], ratios["order_pages"]),
            1.5,
            "times the work for each order",
            why_failed="Every index on orders has to be written with every single order. Keep "
            "the ones that a list needs, and drop the rest.",
            evidence=evidence,
        ),
    )


# ---------------------------------------------------------------- when many look


# Before many look at once, a night's deliveries and orders come in past the shop: one thing new in each
# category, and an order of every fifth customer. While they look, it happens once more, in one go: what
# came overnight gets cheaper, each category gets one more thing, and the busiest customers order. More
# would split pages that the writing pays for, and keep those waiting who look. Then a few order in the shop.
DELIVERED_SQL = """
    INSERT INTO public.products (category_id, name, price_cents)
    SELECT category, 'Just delivered', (%s::int[])[1 + mod(category, 10)]
    FROM generate_series(1, 40) AS category
"""
ORDERED_SQL = """
    INSERT INTO public.orders (customer_id, product_id, quantity, total_cents)
    SELECT customer, customer, 1, 100 FROM generate_series(%s::int, %s, %s) AS customer
"""
MEANWHILE_SQL = f"""
    WITH delivered AS ({DELIVERED_SQL}), ordered AS ({ORDERED_SQL})
    UPDATE public.products SET price_cents = price_cents - %s WHERE id BETWEEN %s AND %s RETURNING id
"""
LAST_SQL = """
    SELECT (SELECT max(id) FROM public.products) AS product,
           (SELECT max(id) FROM public.orders) AS "order"
"""


@dataclass(frozen=True)
class Meanwhile:
    """What happened while many looked, and what the lists had to show before.

    Attributes:
        cheaper: by so many cents, what came overnight: the products from the id ``first`` to ``last``.
        order: the id of the last order that was there.
        begun_s, done_s: when, by the clock of what the load was told.
        lost: how many orders the shop confirmed after that, and had not stored.
        ordering: the paths of the histories that these orders come into, sooner or later.
    """

    cheaper: int
    first: int
    last: int
    order: int
    begun_s: float
    done_s: float
    lost: int
    ordering: frozenset[str]

    def difference(self, system: System, told: Told) -> str:
        """Return what was wrong with a list when it was asked for; it may have been either meanwhile."""
        rows = rows_of(told.path, told.said)
        if self.done_s <= told.asked_s and told.path not in self.ordering:
            return difference(rows, stored(system, told.path))
        if told.answered_s <= self.begun_s:
            return difference(rows, self.before(system, told.path))
        return ""

    def before(self, system: System, path: str) -> list[dict[str, Any]]:
        """Return what the list at ``path`` had to show before."""
        columns = "id, category_id, name, created_at, price_cents"
        products = f"""(
            SELECT {columns} FROM public.products WHERE id < {self.first} UNION ALL
            SELECT {columns} + {self.cheaper} FROM public.products
            WHERE id BETWEEN {self.first} AND {self.last}
        ) AS products"""
        orders = f"(SELECT * FROM public.orders WHERE id <= {self.order}) AS orders"
        return stored(system, path, products, orders)


def glance(system: System, seed: int) -> tuple[Loaded, Meanwhile]:
    """Have many look at once, after a night that changed what they see; once more it changes then."""
    rng, evening = random.Random(seed), system.sql(LAST_SQL)[0]
    system.change(DELIVERED_SQL, (drawn_prices(rng),))
    system.change(ORDERED_SQL, (rng.randint(1, 5), 10_000, 5))
    morning = system.sql(LAST_SQL)[0]
    cheaper, first, last = rng.randint(1, 9), evening["product"] + 1, morning["product"]
    ordered = 1, rng.randint(200, 300), 1
    with ThreadPoolExecutor(1, "load") as thread:
        load = thread.submit(system.load, "glance")
        time.sleep(rng.uniform(1.5, 4))  # of the five seconds that they look
        begun_s = time.perf_counter()
        system.change(MEANWHILE_SQL, (drawn_prices(rng), *ordered, cheaper, first, last))
        done_s = time.perf_counter()
        orders = some_orders(rng)
        with ThreadPoolExecutor(len(orders), "order") as customers:
            lost = sum(customers.map(partial(lost_order, system), orders))
        found = load.result()
    ordering = frozenset(history(each["customer_id"]) for each in orders)
    known = cheaper, first, last, morning["order"]
    return found, Meanwhile(*known, begun_s, done_s, lost, ordering)


def drawn_prices(rng: random.Random) -> list[int]:
    """Return a price for each category, ten in turn: each is a budget that many have."""
    return [100 * euros for euros in rng.sample(BUDGETS, len(BUDGETS))]


def looked(ctx: Context) -> dict[str, dict[str, float]]:
    """Have many look at both shops while the same things happen to them; return how they compare.

    They must have seen what was true: before a change, and after it.
    """
    seed = ctx.random.randrange(2**32)
    before, _ = glance(ctx.pristine, seed)
    after, meanwhile = glance(ctx.system, seed)
    if meanwhile.lost:
        raise Failed("When many look, an order is confirmed that is not in the table orders.")
    for each in after.told:
        problem = meanwhile.difference(ctx.system, each)
        if problem:
            raise Failed(f"When many look while the shop changes, the {each.name} list {problem}.")
    return compared(before, after)


@check(
    "latency",
    title="All three lists are fast when many look at once",
    points=10,
    kind="slo",
    timed=True,
)
def latency(ctx: Context) -> Outcome:
    def look() -> dict[str, dict[str, float]]:
        return undisturbed(lambda: looked(ctx))

    times = best(
        look(),
        look,
        doubtful=lambda each: 1.5 < worst(each)[1] < FASTER,
        worth=lambda each: worst(each)[1],
    )
    slowest, ratio = worst(times)
    return Outcome.at_least(
        ratio,
        FASTER,
        "times faster (p95) than the untouched shop",
        why_failed="While 40 customers look around, 5 of 100 still wait about as long as before "
        f"({slowest}: {times[slowest]['after_ms']:,.0f} ms). The lists share one database: "
        "one slow list keeps the others waiting.",
        evidence=times,
    )


def compared(before: Loaded, after: Loaded) -> dict[str, dict[str, float]]:
    """Return p95 before and after, and how many times faster, for each list."""
    wrong = after.requests - after.ok
    if wrong > 0.01 * after.requests:
        raise Failed(f"{wrong} of {after.requests} requests were not answered properly.")
    times = {}
    for name in ("budget", "category", "history"):
        old, new = before.endpoints[name].p95_ms, after.endpoints[name].p95_ms
        if old is None or new is None:
            raise Failed(f"No request for the {name} list was answered.")
        times[name] = {"before_ms": old, "after_ms": new, "ratio": old / new}
    return times


def worst(times: dict[str, dict[str, float]]) -> tuple[str, float]:
    """Return the list that gained least, and how many times faster it is."""
    name = min(times, key=lambda each: times[each]["ratio"])
    return name, times[name]["ratio"]


# ---------------------------------------------------------------- what a list says

BUDGET_SQL = """
    SELECT id, name, price_cents FROM {products}
    WHERE category_id = %s AND price_cents <= %s
    ORDER BY price_cents DESC, id DESC LIMIT 24
"""
CATEGORY_SQL = """
    SELECT id, name, price_cents FROM {products}
    WHERE category_id = %s ORDER BY created_at DESC LIMIT 24
"""
HISTORY_SQL = """
    SELECT id, product_id, quantity, total_cents FROM {orders}
    WHERE customer_id = %s ORDER BY created_at DESC LIMIT 20
"""


def stored(
    system: System, path: str, products: str = "public.products", orders: str = "public.orders"
) -> list[dict[str, Any]]:
    """Return what the list at ``path`` has to show, as the tables say it, or what stands for them."""
    numbers = [int(each) for each in re.findall(r"\d+", path)]
    if path.startswith("/customers"):
        return system.sql(HISTORY_SQL.format(orders=orders), numbers)
    if path.startswith("/categories"):
        return system.sql(CATEGORY_SQL.format(products=products), numbers)
    category, euros = numbers
    return system.sql(BUDGET_SQL.format(products=products), (category, euros * 100))


def difference(rows: list[dict[str, Any]], truth: list[dict[str, Any]]) -> str:
    """Return what is wrong with a list, or an empty string."""
    if len(rows) != len(truth):
        return f"shows {len(rows)} rows instead of {len(truth)}"
    for number, (mine, theirs) in enumerate(zip(rows, truth, strict=True), start=1):
        if any(mine.get(name) != value for name, value in theirs.items()):
            return f"shows something else in row {number} than the tables say"
    return ""


PAGE_SQL = "SELECT id, category_id, name, price_cents FROM public.products WHERE id = %s"


def misprint(system: System, product: int) -> str:
    """Return what is wrong with a product's page, or an empty string."""
    response = system.http.get(f"/products/{product}")
    try:
        page = response.json() if response.status_code == 200 else None
    except ValueError:
        page = None
    rows = [page] if isinstance(page, dict) else []
    return difference(rows, system.sql(PAGE_SQL, (product,)))


@check("results", title="Every list shows what the tables say", points=14, kind="correctness")
def results(ctx: Context) -> Outcome:
    system, rng = ctx.system, ctx.random
    edges = [(1, 0), (1, 100_000), (41, 50), (SMALL[-1], 60), (rng.choice(POPULAR), 12)]
    customers = [1, *rng.sample(range(2, CUSTOMERS), 12), CUSTOMERS + 7, 20_000]
    asked = {
        "A budget list": [budget_list(*each) for each in [*some_budgets(rng), *edges]],
        "A category list": [category_list(each) for each in [*some_categories(rng), 41]],
        "An order history": [history(each) for each in customers],
    }
    pages = rng.sample(range(1, PRODUCTS + 1), 5)
    compared = sum(map(len, asked.values())) + len(pages)
    wrong = [
        f"{what} {problem}"
        for what, paths in asked.items()
        for path in paths
        if (problem := difference(shown(system, path), stored(system, path)))
    ]
    wrong += [
        f"A product's page {problem}" for each in pages if (problem := misprint(system, each))
    ]
    return Outcome.is_true(
        not wrong,
        f"{compared - len(wrong)} of {compared} answers right",
        "all of them",
        why_failed=f"{wrong[0] if wrong else ''}. Faster is no help if the answer changes.",
        evidence={"wrong": len(wrong), "compared": compared},
    )


@check("freshness", title="What was changed shows at once", points=10, kind="correctness")
def freshness(ctx: Context) -> Outcome:
    late: list[str] = []
    changes = [product_round, order_round, office_round, till_round] * 4
    ctx.random.shuffle(changes)  # whoever knows this file does not know what comes next
    for change in changes:
        late += change(ctx)
    made = 4 * (4 + 1 + 2 + 1)
    return Outcome.is_true(
        not late,
        f"{made - len(late)} of {made} changes showed at once",
        "all of them",
        why_failed=f"{late[0] if late else ''} Customers who do not see what was just changed "
        "act on a shop that no longer exists.",
        evidence={"late": len(late)},
    )


def product_round(ctx: Context) -> list[str]:
    """Add a product and raise its price; return what did not show."""
    system, late = ctx.system, []
    category, euros = ctx.random.choice(POPULAR), ctx.random.randint(15, 150)
    budget, newest = budget_list(category, euros), category_list(category)
    for _ in range(2):  # whoever keeps answers keeps these two
        shown(system, budget)
        shown(system, newest)
    name = f"Novelty {ctx.random.randrange(10**9)}"
    new = send(
        system,
        "POST",
        "/products",
        {"category_id": category, "name": name, "price_cents": euros * 100},
    )["id"]
    if new not in ids(shown(system, budget)):
        late.append("A product that was just added is not on its budget list.")
    if new not in ids(shown(system, newest)[:1]):
        late.append("A product that was just added is not at the top of its category list.")
    kept = "SELECT name, price_cents FROM public.products WHERE id = %s"
    if system.sql(kept, (new,)) != [{"name": name, "price_cents": euros * 100}]:
        late.append("A product that was just added is not in the table products.")
    send(system, "PUT", f"/products/{new}/price", {"price_cents": euros * 100 + 1})
    if new in ids(shown(system, budget)):
        late.append(
            "A product whose price was raised above the budget is still on its budget list."
        )
    return late


def office_round(ctx: Context) -> list[str]:
    """Change the price of something new as the office does, and change it back.

    Its program knows only the database. Whether somebody looked before is chance: to the shop it is
    as if a list were asked for, and no copy knows by heart when it is out of date.
    """
    system, rng, late = ctx.system, ctx.random, []
    category, euros = rng.choice(POPULAR), rng.randint(15, 150)
    paths = budget_list(category, euros), category_list(category)
    chosen = rng.choice(stored(system, category_list(category)))
    try:
        for cents in (euros * 100, chosen["price_cents"]):
            for _ in range(rng.randint(0, 2)):
                for path in paths:
                    shown(system, path)
            set_price(system, chosen["id"], cents)
            if any(difference(shown(system, path), stored(system, path)) for path in paths):
                late.append(
                    "A price that was changed in the database by another program does not show."
                )
    finally:
        set_price(system, chosen["id"], chosen["price_cents"])
    return late


def set_price(system: System, product: int, cents: int) -> None:
    system.change("UPDATE public.products SET price_cents = %s WHERE id = %s", (cents, product))


def some_orders(rng: random.Random, count: int = 5) -> list[dict[str, int]]:
    """Return what is sent for orders of different customers."""
    return [
        {
            "customer_id": customer,
            "product_id": rng.randint(1, PRODUCTS),
            "quantity": rng.randint(1, 9),
        }
        for customer in rng.sample(range(1, CUSTOMERS), count)
    ]


def is_ordered(system: System, new: Any, body: dict[str, int]) -> bool:
    """Tell whether an order that was confirmed is in the table."""
    kept = "SELECT customer_id, product_id, quantity FROM public.orders WHERE id = %s"
    return system.sql(kept, (new,)) == [body]


def lost_order(system: System, body: dict[str, int]) -> bool:
    """Place an order, as patiently as those who look; tell whether it is not stored once confirmed."""
    new = send(system, "POST", "/orders", body, timeout_s=30)["id"]
    return not is_ordered(system, new, body)


def order_round(ctx: Context) -> list[str]:
    """Place an order; return what did not show."""
    system, (body,) = ctx.system, some_orders(ctx.random, 1)
    customer = body["customer_id"]
    shown(system, history(customer))
    new = send(system, "POST", "/orders", body)["id"]
    if not is_ordered(system, new, body):
        return ["An order that was confirmed is not in the table orders."]
    if new not in ids(shown(system, history(customer))[:1]):
        return ["An order that was just placed is not at the top of the order history."]
    return []


TILL_SQL = """
    INSERT INTO public.orders (customer_id, product_id, quantity, total_cents)
    SELECT %s, id, %s, %s * price_cents FROM public.products WHERE id = %s
"""


def till_round(ctx: Context) -> list[str]:
    """Have the shop around the corner, with a till of its own, store orders."""
    system, rng = ctx.system, ctx.random
    customer = rng.randint(1, CUSTOMERS)
    for _ in range(rng.randint(0, 1)):
        shown(system, history(customer))
    for _ in range(rng.randint(1, 3)):
        quantity = rng.randint(2, 9)
        system.change(TILL_SQL, (customer, quantity, quantity, rng.randint(1, PRODUCTS)))
    if difference(shown(system, history(customer)), stored(system, history(customer))):
        return ["An order that another program stored is not in the order history."]
    return []


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row.get("id") for row in rows]


# ---------------------------------------------------------------- what it takes

SIZE_SQL = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sysdesign')
"""
DATA_SQL = """
    SELECT sum(pg_table_size(c.oid))::bigint AS bytes
    FROM pg_class AS c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


@check("disk", title="Indexes and copies stay smaller than twice the data", points=6, kind="cost")
def disk(ctx: Context) -> Outcome:
    data = ctx.pristine.sql(DATA_SQL)[0]["bytes"]
    everything = ctx.system.sql(SIZE_SQL)[0]["bytes"]
    return Outcome.at_most(
        (everything - data) / data,
        2,
        "bytes of indexes and copies per byte of data",
        why_failed="The indexes and copies have grown larger than the shop itself. They take "
        "disk, and memory that the tables could use.",
        evidence={"data_mb": round(data / 1e6), "indexes_mb": round((everything - data) / 1e6)},
    )


# ---------------------------------------------------------------- what must not be touched

TABLES = ("categories", "customers", "products", "orders")

# Sums over what the shop started with; rows that were added since do not count.
FINGERPRINT_SQL = {
    "categories": "SELECT count(*) AS n, sum(id * hashtext(name)::bigint) AS names"
    " FROM public.categories WHERE id <= 40",
    "customers": "SELECT count(*) AS n, sum((id % 997 + 1) * hashtext(name)::bigint) AS names"
    " FROM public.customers WHERE id <= 10000",
    "products": "SELECT count(*) AS n, sum(category_id * (id % 997 + 1)::bigint) AS categories,"
    " sum(price_cents * (id % 1009 + 1)::bigint) AS prices, sum(hashtext(name)::bigint) AS names,"
    " round(sum(extract(epoch FROM created_at) * (id % 101 + 1))) AS dates"
    " FROM public.products WHERE id <= 300000",
    "orders": "SELECT count(*) AS n, sum(customer_id * (id % 997 + 1)::bigint) AS customers,"
    " sum(product_id * (id % 1009 + 1)::bigint) AS products,"
    " sum((quantity * 7 + total_cents) * (id % 991 + 1)::bigint) AS totals,"
    " round(sum(extract(epoch FROM created_at) * (id % 101 + 1))) AS dates"
    " FROM public.orders WHERE id <= 500000",
}
KIND_SQL = """
    SELECT c.relname AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence
    FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)
"""
CONSTRAINT_SQL = """
    SELECT conrelid::regclass::text || ': ' || pg_get_constraintdef(oid) AS rule
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', 'c', 'u')
      AND convalidated AND conenforced
"""


@check("data-intact", title="Nothing of the shop is lost", points=10, kind="blast_radius")
def data_intact(ctx: Context) -> Outcome:
    lost = (
        changed_tables(ctx.system)
        or changed_rows(ctx.system, ctx.pristine)
        or changed_rules(ctx.system, ctx.pristine)
    )
    return Outcome.is_true(
        not lost,
        lost or "4 of 4 tables as they were",
        "4 of 4 tables as they were",
        why_failed=f"{lost} A shop must not lose data to become fast.",
    )


def changed_tables(system: System) -> str:
    found = {row["name"]: row for row in system.sql(KIND_SQL, (list(TABLES),))}
    for name in TABLES:
        if name not in found or found[name]["kind"] not in ("r", "p"):
            return f"{name} is no longer a table."
        if found[name]["persistence"] != "p":
            return f"{name} no longer survives a crash (it is UNLOGGED or temporary)."
    return ""


def changed_rows(system: System, pristine: System) -> str:
    for name, query in FINGERPRINT_SQL.items():
        now, then = system.sql(query)[0], pristine.sql(query)[0]
        if now["n"] != then["n"]:
            return f"{name} had {then['n']:,} rows, {now['n']:,} of them are left."
        if now != then:
            return f"Rows of {name} were changed."
    return ""


def changed_rules(system: System, pristine: System) -> str:
    kept = {row["rule"] for row in system.sql(CONSTRAINT_SQL)}
    for row in pristine.sql(CONSTRAINT_SQL):
        if row["rule"] not in kept:
            return f"A rule that protected the data is gone ({row['rule']})."
    return ""
