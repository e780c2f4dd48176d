"""Every static form survives JupyterLab's sanitizer as it is, and nothing can be injected into it.

The lists are those of ``@jupyterlab/apputils`` 4.6 (``sanitizer.ts``), as far as they are used.
"""

from __future__ import annotations

import base64
import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from jupyter_sysdesign.control.models import (
    Answer,
    CheckResult,
    MetricSeries,
    RunTick,
    Status,
    Verdict,
)
from jupyter_sysdesign.environment.status import (
    Drift,
    EnvironmentStatus,
    Migration,
    Progress,
    ServiceState,
    ServiceStatus,
    SqlResult,
    State,
)
from jupyter_sysdesign.notebook.compare import Comparison
from jupyter_sysdesign.notebook.explain import Plan
from jupyter_sysdesign.notebook.rendering import message, sql
from jupyter_sysdesign.notebook.rendering import verdict as verdict_rendering
from jupyter_sysdesign.notebook.rendering.run import throughput
from jupyter_sysdesign.notebook.rendering.static import render
from jupyter_sysdesign.notebook.run import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.models import Run

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' style=x"

TEXT_TAGS = {"a", "br", "code", "details", "div", "em", "h1", "h2", "h3", "hr", "img", "p", "pre"}
TABLE_TAGS = {"li", "ol", "span", "strong", "summary", "table", "tbody", "td", "th", "thead"}
ALLOWED_TAGS = TEXT_TAGS | TABLE_TAGS | {"tr", "ul", "blockquote"}
ALLOWED_ATTRIBUTES = {"class", "style", "title", "src", "alt", "width", "href", "open"}
NUMBER = r"-?\d+(\.\d+)?"
LENGTH = rf"(0|{NUMBER}(px|%))"
COLOUR = r"(#[0-9a-f]{6}|rgba\(\d+, \d+, \d+, 0\.\d+\)|transparent)"
ALLOWED_STYLES = {
    "background": COLOUR,
    "border": rf"none|1px solid {COLOUR}",
    "border-bottom": rf"1px solid {COLOUR}",
    "border-left": rf"3px solid {COLOUR}",
    "border-top": rf"3px (solid|dashed|dotted) {COLOUR}",
    "border-collapse": "collapse",
    "border-radius": LENGTH,
    "color": COLOUR,
    "cursor": "pointer",
    "display": "block|inline-block",
    "font-family": "monospace",
    "font-size": LENGTH,
    "font-weight": "600",
    "height": rf"auto|{LENGTH}",
    "line-height": NUMBER,
    "margin": rf"({LENGTH} ?){{1,4}}",
    "max-height": LENGTH,
    "max-width": LENGTH,
    "min-width": LENGTH,
    "opacity": r"0\.\d+",
    "overflow": "auto",
    "overflow-x": "auto",
    "padding": rf"({LENGTH} ?){{1,4}}",
    "table-layout": "auto",
    "text-align": "left|right",
    "vertical-align": "top|middle",
    "white-space": "nowrap|normal|pre-wrap",
    "width": LENGTH,
    "word-break": "break-all",
}


class _Sanitizer(HTMLParser):
    """Notes whatever Lab would take away."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.images: list[str] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS:
            self.refused.append(tag)
        if tag not in {"br", "img", "hr"}:
            self.open.append(tag)
        for name, value in attrs:
            if name not in ALLOWED_ATTRIBUTES:
                self.refused.append(f"{tag} {name}")
            if name == "style":
                self._style(value or "")
            if name == "src":
                self.images.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def _style(self, style: str) -> None:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            pattern = ALLOWED_STYLES.get(name.strip())
            if pattern is None or not re.fullmatch(pattern, value.strip()):
                self.refused.append(declaration)


def kept(html: str) -> _Sanitizer:
    found = _Sanitizer()
    found.feed(html)
    found.close()
    assert found.refused == []
    assert found.open == []
    return found


def check(**changes: Any) -> CheckResult:
    fields = {"id": "c", "title": EVIL, "measured": EVIL, "required": EVIL, "why": EVIL}
    return CheckResult(**{**fields, "status": Status.FAILED, "max_points": 10, **changes})


def verdict(status: Status = Status.FAILED, **changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "lesson": "tiny",
        "status": status,
        "checks": [check(), check(status=Status.PASSED), check(status=Status.UNKNOWN)],
        "points": 10,
        "max_points": 30,
        "seed": 7,
        "started_at": 0,
        "duration_s": 12,
        "reason": EVIL,
        "drift": Drift(drifted=True, differences=[f"+ {EVIL}"]),
    }
    return Verdict(**{**fields, **changes})


def status(state: State = State.FAILED) -> EnvironmentStatus:
    return EnvironmentStatus(
        id="x",
        lesson="tiny",
        workspace="/w",
        state=state,
        reason=f"{EVIL}\nand more",
        progress=Progress(step=EVIL, done=0.4, bytes=10_000_000),
        services=[
            ServiceStatus(name=EVIL, kind=EVIL, state=ServiceState.FAILED, reason=EVIL, url=EVIL),
            ServiceStatus(name="db", kind="postgres", state=ServiceState.READY, cpus=0.4),
        ],
        migrations=[Migration(name=EVIL, state="pending"), Migration(name="x", state="changed")],
    )


def question(**changes: Any) -> dict[str, Any]:
    options = [{"id": "a", "text": EVIL, "source": EVIL}, {"id": "b", "text": "*b*"}]
    fields = {"id": EVIL, "kind": "evidence", "form": "choices", "prompt": EVIL, "claim": EVIL}
    return {**fields, "title": EVIL, "options": options, **changes}


def answer(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"value": ["a"], "answered_at": 0, "feedback": EVIL, "correct": False}
    return Answer(**{**fields, "model_answer": EVIL, **changes}).model_dump(mode="json")


VIEWS = {
    "panel that never ran": ("panel", {"title": EVIL}, {}),
    "panel": ("panel", {"title": EVIL}, {"status": status(), "message": EVIL}),
    "panel preparing": ("panel", {}, {"status": status(State.PREPARING)}),
    "run under way": ("run", {"profile": EVIL}, {}),
    "question": ("question", {"question": question()}, {}),
    "answered": ("question", {"question": question()}, {"answer": answer()}),
    "not open yet": ("question", {"question": question()}, {"first": [EVIL, "b"]}),
    "skipped": ("question", {"question": question()}, {"answer": answer(skipped=True)}),
    "defended": (
        "question",
        {"question": question(form="defend")},
        {"answer": answer(value={"choice": "a", "because": EVIL}, correct=None)},
    ),
    "interval": (
        "question",
        {"question": question(options=[], unit=EVIL)},
        {"answer": answer(value={"low": 1, "high": 2}, correct=True)},
    ),
    "checking": ("verdict", {}, {"results": [check()]}),
    "not checked": ("verdict", {}, {"results": [check()], "ended": True}),
    "verdict": ("verdict", {}, {"verdict": verdict()}),
    "verdict unknown": ("verdict", {}, {"verdict": verdict(Status.UNKNOWN)}),
    "logs": ("logs", {"service": EVIL}, {"lines": [{"ts": 1.0, "service": EVIL, "line": EVIL}]}),
    "no logs": ("logs", {"service": None}, {}),
    "simulation": (
        "simulation",
        {"title": EVIL, "subtitle": EVIL},
        {
            "branches": [
                {"id": 0, "name": EVIL, "parent": None, "status": "failed", "story": [EVIL] * 99},
                {"id": 1, "name": EVIL, "parent": 0, "at_us": 5, "status": EVIL, "story": EVIL},
            ]
        },
    ),
    "a kind of tomorrow": (EVIL, {}, {}),
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_kept_and_nothing_runs(name: str) -> None:
    kind, props, snapshot = VIEWS[name]
    plain = {
        key: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for key, value in snapshot.items()
    }
    if "results" in plain:
        plain["results"] = [each.model_dump(mode="json") for each in plain["results"]]
    found = render(kind, props, plain)
    assert kept(found.html).text.strip()
    assert found.text.strip()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (12, "12 ms"),
        ("1,200", "1,200 ms"),
        ("1.2 s", "1.2 s"),
        ({"low": 1, "high": 2}, "between 1 and 2 ms"),
        ({"low": "100 ms", "high": "1 s"}, "between 100 ms and 1 s"),
    ],
)
def test_a_number_has_one_unit(value: object, said: str) -> None:
    asked = question(options=[], unit="ms")
    text = render("question", {"question": asked}, {"answer": answer(value=value)}).text
    assert f"Your answer: {said}\n" in text


def test_a_snapshot_that_makes_no_sense_is_no_error() -> None:
    for kind in ("panel", "run", "question", "verdict", "logs"):
        for snapshot in (
            {"status": 3, "run": [], "answer": "x", "verdict": {}, "results": 1, "lines": [1, {}]},
            {"status": None, "results": [{"id": 1}], "lines": None},
        ):
            kept(render(kind, {}, snapshot).html)


def test_log_times_name_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-3")
    time.tzset()
    try:
        line = {"ts": 0.0, "service": "db", "line": "up"}
        page = kept(render("logs", {}, {"lines": [line]}).html)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "03:00:00 db up" in page.text
    assert "times in XYZ" in page.text


def test_run_has_its_charts_as_pictures(make_run: Callable[..., Run]) -> None:
    run = make_run(200.0, failed=12, profile=EVIL, reason=EVIL, state="stopped")
    page = kept(RunResult(run)._repr_html_())
    assert len(page.images) == 2
    for source in page.images:
        picture = base64.b64decode(source.removeprefix("data:image/svg+xml;base64,"))
        ET.fromstring(picture)
    assert "12 requests failed" in page.text
    assert "partial figures" in page.text


def test_a_stall_of_the_generator_is_no_burst() -> None:
    """The first tick after it is half a second long."""
    common = {"run": "r", "sent": 0, "in_flight": 0, "rps": 1000.0}
    ticks = [RunTick(t_s=0.6, done=1000, errors={"reset": 500}, **common)] + [
        RunTick(t_s=0.6 + at / 10, done=200, errors={"reset": 100}, **common) for at in (1, 2, 3)
    ]
    answers, errors = throughput(ticks)
    assert answers == [(0.25, None), (0.75, pytest.approx(1000))]
    assert errors == [(0.25, None), (0.75, pytest.approx(1000))]


def test_cpu_is_drawn_where_it_was_sampled(make_run: Callable[..., Run]) -> None:
    values: dict[str, list[float | None]] = {
        "app.cpu_cores": [0.1, None, 0.3],
        "db.cpu_cores": [0.2, 0.3, 0.3],
        "db.cpu_quota_cores": [0.3, 0.3, 0.3],
    }
    sampled = MetricSeries(ts=[0.5, 1.5, 2.5], values=values)
    page = kept(RunResult(make_run(200.0, metrics=sampled))._repr_html_())
    assert len(page.images) == 3
    assert "CPU (cores)" in page.text
    assert "db (limit 0.3)" in page.text
    nothing = MetricSeries(ts=[], values={"app.cpu_cores": []})
    kept(RunResult(make_run(200.0, metrics=nothing))._repr_html_())


def test_a_run_without_figures_still_shows_what_came(make_run: Callable[..., Run]) -> None:
    page = kept(RunResult(make_run(200.0, summary=None, state="stopped"))._repr_html_())
    assert len(page.images) == 2
    kept(RunResult(make_run(1.0, summary=None, ticks=0, state="failed", reason=EVIL))._repr_html_())


def test_generator_trouble_is_said_loudly(make_run: Callable[..., Run]) -> None:
    run = make_run(20.0)
    assert run.summary is not None
    assert "kept up" in RunResult(run)._repr_html_()
    run.summary.generator_limited = True
    run.summary.warning = "The load generator ran out of free ports: use fewer new connections."
    for text in (RunResult(run)._repr_html_(), repr(RunResult(run))):
        assert "ran out of free ports" in text


def test_comparison_hints_and_applied_are_kept(make_run: Callable[..., Run]) -> None:
    before, after = RunResult(make_run(900.0, failed=5)), RunResult(make_run(9.0))
    assert len(kept(Comparison(before, after)._repr_html_()).images) == 1
    ladder = {"id": "i", "title": EVIL, "rungs": [EVIL, "b"], "has_solution": True}
    kept(message.hint_html(ladder, EVIL))
    kept(message.hint_html(ladder, None))
    kept(message.applied(EVIL, [EVIL], replayed=True))


def test_plan_is_kept(explained: Callable[..., dict[str, object]]) -> None:
    statement = "SELECT * FROM products WHERE category_id = 7 ORDER BY price LIMIT 20"
    kept(Plan(explained(statement), statement)._repr_html_())


def test_sql_table_is_cut_honestly_and_escaped() -> None:
    rows: list[list[object]] = [[n, EVIL, None, True, {"a": 1}] for n in range(60)]
    columns = ["n", EVIL, "z", "b", "j"]
    result = SqlResult(columns=columns, rows=rows, row_count=60, duration_ms=1.5)
    page = kept(sql.as_html(result, EVIL))
    assert "50 of 60 rows" in page.text
    assert page.text.count("NULL") == 50
    more = result.model_copy(update={"truncated": True})
    assert "there are more than the 60 fetched" in sql.as_text(more)
    changed = SqlResult(columns=[], rows=[], row_count=3, duration_ms=1.5)
    assert "3 rows affected" in kept(sql.as_html(changed, "UPDATE x")).text


def test_markdown_of_authors_shows_and_raw_html_does_not() -> None:
    asked = question(prompt="Why is a **list** slow?\n\n<b onclick=x>raw</b>", options=[])
    html = render("question", {"question": asked}, {}).html
    assert "<strong>list</strong>" in html
    assert "&lt;b onclick" in html
    kept(html)


def test_the_verdict_says_measured_required_and_why() -> None:
    found = verdict(
        reason="",
        checks=[
            check(title="Fast", measured="412 pages", required="at most 4", why="It reads all.")
        ],
        drift=Drift(drifted=True, differences=["+ CREATE INDEX x"]),
    )
    for text in render("verdict", {}, {"verdict": found.model_dump(mode="json")}):
        for fact in ("412 pages", "at most 4", "It reads all.", "CREATE INDEX x", "migrations/"):
            assert fact in text


def test_a_check_that_ended_without_a_verdict_is_not_under_way() -> None:
    for text in render("verdict", {}, {"results": [], "ended": True}):
        assert "It was not checked." in text
        assert "Checking" not in text


def test_parts_of_points_and_of_checks_are_told_as_they_are() -> None:
    near = check(points=2.5, max_points=5)
    said = verdict_rendering.as_text(verdict(checks=[near], points=2.5, max_points=5), [])
    assert said.count("2.5 of 5 points") == 2
    assert "2.5 / 5" in verdict_rendering.as_html(verdict(checks=[near]), [])
    whole = verdict_rendering.headline(verdict(Status.PASSED))
    assert whole.startswith("Passed: every check holds")
    part = verdict_rendering.headline(verdict(Status.PASSED, whole=False))
    assert part.startswith("Passed: every check that was made holds")


def test_a_terminal_leads_from_the_first_hint_to_the_solution() -> None:
    ladder = {"id": "i", "title": "t", "rungs": ["first", "second"], "has_solution": True}
    assert "lesson.hint('i', level=2)" in message.hint_text(ladder, None, 1)
    assert "lesson.check()" in message.hint_text(ladder, None, 2)
    assert "lesson.hint('i', level=3)" in message.hint_text(ladder, "the end", 2)
    assert "the end" in message.hint_text(ladder, "the end", 3)


def test_hints_open_one_inside_the_other() -> None:
    html = message.hint_html({"title": "t", "rungs": ["first", "second"]}, "the end")
    assert html.index("first") < html.index("second") < html.index("the end")
    assert html.count("<details") == 3
    assert " open" not in html
