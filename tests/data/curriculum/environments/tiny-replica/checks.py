"""What a shop must show that reads from a replica."""

from jupyter_sysdesign.grading.checks import Context, Outcome, check


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
