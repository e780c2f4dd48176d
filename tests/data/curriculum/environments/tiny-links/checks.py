"""What a shop must show that asks others over links."""

from jupyter_sysdesign.grading.checks import Context, Outcome, check


@check("counts", title="The shop counts", points=10, kind="correctness")
def counts(ctx: Context) -> Outcome:
    first = ctx.system.http.post("/count").json()
    return Outcome.is_true(
        ctx.system.http.post("/count").json() == first + 1,
        "the next number",
        "the next number",
        why_failed="Two visits in a row are not counted as two.",
    )


@check("index-on-price", title="Prices are read by index", points=10, kind="slo")
def index_on_price(ctx: Context) -> Outcome:
    indexes = ctx.system.sql(
        "SELECT count(*) AS n FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename = 'items' AND indexdef LIKE %s",
        ["%(price%"],
    )[0]["n"]
    return Outcome.at_least(
        indexes,
        1,
        "index",
        why_failed="No index begins with price, so the cheapest item is looked for everywhere.",
    )
