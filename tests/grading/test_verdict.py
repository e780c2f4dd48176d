from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.grading import verdict
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.checks import Check, Context, Outcome, check
from jupyter_sysdesign.grading.system import derive


def made(points: float) -> Check:
    @check(f"c{points}", title="T", points=points, kind="slo")
    def some(_: Context) -> Outcome:
        raise NotImplementedError

    return some


outcomes = st.builds(
    Outcome,
    passed=st.booleans(),
    measured=st.just(""),
    required=st.just(""),
    why=st.just(""),
    credit=st.floats(allow_nan=False),
)
results = st.builds(
    lambda points, outcome, how: (
        verdict.judged(made(points), outcome)
        if how == "made"
        else verdict.not_made(made(points), Finding(Status(how), "why"))
    ),
    st.floats(0, 100),
    outcomes,
    st.sampled_from(["made", "failed", "unknown"]),
)


@given(st.lists(results, max_size=6))
def test_points_are_never_negative_nor_above_all(found: list[verdict.CheckResult]):
    whole = verdict.combine("t", found, seed=1, started_at=0)
    assert 0 <= whole.points <= whole.max_points
    for each in found:
        assert 0 <= each.points <= each.max_points


@given(st.lists(results, max_size=6), st.randoms())
def test_failed_before_unknown_before_passed_in_any_order(
    found: list[verdict.CheckResult], random: st.random.Random
):
    statuses = [each.status for each in found]
    whole = verdict.combine("t", found, seed=1, started_at=0)
    if Status.FAILED in statuses:
        assert whole.status is Status.FAILED
    elif Status.UNKNOWN in statuses or not statuses:
        assert whole.status is Status.UNKNOWN
    else:
        assert whole.status is Status.PASSED
    random.shuffle(found)
    assert verdict.combine("t", found, seed=1, started_at=0).status is whole.status


def test_an_outcome_says_what_was_measured_and_required():
    good = Outcome.at_most(1.234, 2, "pages per row", "Too many.")
    assert (good.passed, good.measured, good.required) == (
        True, "1.23 pages per row", "at most 2 pages per row"
    )  # fmt: skip
    bad = Outcome.at_least(1234.5, 5000, "requests", "Too few.")
    assert (bad.passed, bad.measured, bad.why) == (False, "1,234 requests", "Too few.")
    assert not Outcome.at_least(float("nan"), 1, "", "No number.").passed
    yes, no = good.passed, bad.passed
    both = Outcome.all_of(
        Outcome.is_true(yes, "a", "a", "", evidence={"a": 1}),
        Outcome.is_true(no, "b", "c", "No.", evidence={"b": 2}),
    )
    assert (both.passed, both.why, both.evidence) == (False, "No.", {"a": 1, "b": 2})


@given(st.integers(0, 2**63 - 1), st.text(max_size=20))
def test_a_seed_for_one_use_is_always_the_same(seed: int, label: str):
    assert derive(seed, label) == derive(seed, label)
    assert 0 <= derive(seed, label) < 2**63
    assert derive(seed, label) != derive(seed, label + "x")
