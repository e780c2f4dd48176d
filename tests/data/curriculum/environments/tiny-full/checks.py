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
