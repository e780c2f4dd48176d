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
