"""What a fixed tiny shop must show."""

from jupyter_sysdesign.grading.checks import Context, Outcome, check


@check("index-on-category", title="A category is read by index", points=10, kind="slo")
def index_on_category(ctx: Context) -> Outcome:
    indexes = ctx.system.sql(
        "SELECT count(*) AS n FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename = 'items' AND indexdef LIKE %s",
        ["%(category%"],
    )[0]["n"]
    return Outcome.at_least(
        indexes,
        1,
        "index",
        why_failed="No index begins with category, so every listing reads the whole table.",
    )


@check("new-item-shows", title="A new item shows in its category", points=10, kind="correctness")
def new_item_shows(ctx: Context) -> Outcome:
    category = f"new-{ctx.random.randrange(10**9)}"
    created = ctx.system.http.post("/items", json={"category": category, "price": 3}).json()["id"]
    listed = ctx.system.http.get("/items", params={"category": category}).json()
    return Outcome.is_true(
        [item["id"] for item in listed] == [created],
        f"{len(listed)} items",
        "exactly the new item",
        why_failed="The category list does not show what was just added.",
    )


@check("few-indexes", title="Adding an item stays cheap", points=5, kind="cost")
def few_indexes(ctx: Context) -> Outcome:
    indexes = ctx.system.sql(
        "SELECT count(*) AS n FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'items'"
    )[0]["n"]
    return Outcome.at_most(
        indexes, 2, "indexes", why_failed="Every index has to be written with every new item."
    )


@check("keeps-serving", title="It serves as many as before", points=5, kind="blast_radius")
def keeps_serving(ctx: Context) -> Outcome:
    before = ctx.pristine.load("browse", duration_s=0.7).rps
    after = ctx.system.load("browse", duration_s=0.7).rps
    return Outcome.at_least(
        after / before,
        0.25,
        "of the requests served before",
        why_failed="The change makes every listing slower.",
        evidence={"before_rps": before, "after_rps": after},
    )
