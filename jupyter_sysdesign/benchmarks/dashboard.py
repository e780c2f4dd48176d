"""What a dashboard of ten charts over fifteen minutes costs the browser, in a real JupyterLab.

The environment is a real one and so are the samples that come once a second. Only the fifteen
minutes before them are made up: the answer to the first request for metrics is filled with as many
samples of the same names.
"""

from __future__ import annotations

import json
import random
import statistics
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.benchmarks.browser import ARGUMENTS, chromium, lab
from jupyter_sysdesign.benchmarks.place import fresh_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page, Route

HISTORY_S = 900
_WATCH_S = 60
#: As long after loading a page, V8 gives back what loading took, in a few long collections.
_AFTER_LOAD_S = 30
#: With what every dashboard of this environment shows, twelve charts; two of them, of what clients
#: see, are empty without a run.
_CHARTS = [
    "lb.requests_per_s",
    "db.seq_scans_per_s",
    "db.blocks_per_s",
    "db.transactions_per_s",
    "db.rows_written_per_s",
    "cache.ops_per_s",
    "cache.memory_used_bytes",
]
_SETTLE_MS = 4000
_TITLE = "The smallest shop, four services"
_LONG_MS = 50.0
_COLLECTIONS = 5

_CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
_TASK = "RunTask"
#: Where the extension's own scripts come from, in a URL.
_OWN = "/jupyter-sysdesign/"
_SCRIPTING = frozenset({"EvaluateScript", "FunctionCall", "RunMicrotasks"})
_GARBAGE = frozenset({"MajorGC", "MinorGC"})
_PARTS = {
    "style_and_layout": {"UpdateLayoutTree", "Layout"},
    "paint": {"PrePaint", "Paint", "Layerize"},
    "compositor": {"Commit"},
    "garbage": _GARBAGE,
}

# Counts the samples that a page was told.
_SPY = """
window.sdSamples = 0;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...words) {
    super(...words);
    this.addEventListener('message', ({ data }) => {
      if (typeof data === 'string' && data.includes('"metric.sample"')) window.sdSamples += 1;
    });
  }
};
"""


def measure() -> dict[str, Any]:
    """Return scripting per sample, the longest task and the memory; shown, hidden, and closed.

    Raises:
        MissingBinaryError: no Chromium.
    """
    browser = chromium()
    with fresh_home() as home, lab(home) as url:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            window = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
            figures = _measure(window, url)
            window.close()
    return figures


def _measure(browser: Browser, url: str) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1440, "height": 3600})
    page.add_init_script(_SPY)
    page.route("**/sysdesign/v1/environments/*/metrics*", _with_a_past)
    page.route("**/sysdesign/v1/lessons/*", _with_charts)
    page.goto(url)
    page.get_by_text("| Idle").first.wait_for(timeout=60_000)
    session = page.context.new_cdp_session(page)
    before = _heap_bytes(session)
    _open(page)
    charts = page.locator(".sd-dashboard .sd-chart")
    page.wait_for_timeout(_SETTLE_MS)
    # Its history is asked for when it is shown the next time, and then it is there in full.
    page.reload()
    page.locator(".sd-dashboard .sd-chart").first.wait_for(timeout=60_000)
    page.get_by_role("button", name="15 min").click()
    after_load = _trace(browser, page, _AFTER_LOAD_S)
    shown = _trace(browser, page, _WATCH_S)
    memory = _heap_bytes(session) - before
    collection = _collection_ms(browser, page, session)
    drawn = charts.count()
    tabs = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")
    tabs.filter(has_text="lesson.ipynb").click()
    page.wait_for_timeout(_SETTLE_MS)
    hidden = _trace(browser, page, _WATCH_S)
    tabs.filter(has_text=_TITLE).locator(".lm-TabBar-tabCloseIcon").click()
    page.wait_for_timeout(_SETTLE_MS)
    closed = _trace(browser, page, _WATCH_S)
    return {
        "charts": drawn,
        "points_per_line": HISTORY_S,
        "samples": shown["samples"],
        "script_per_sample_ms": round(shown["script_ms"] / max(1, shown["samples"]), 2),
        "own_script_per_sample_ms": round(shown["own_ms"] / max(1, shown["samples"]), 2),
        "longest_task_ms": shown["longest_ms"],
        "longest_task_parts_ms": shown["parts_ms"],
        "longest_task_without_garbage_ms": shown["without_garbage_ms"],
        "tasks_over_50_ms": shown["long"],
        "longest_task_after_load_ms": after_load["longest_ms"],
        "longest_task_after_load_parts_ms": after_load["parts_ms"],
        "full_collection_ms": collection,
        "full_collection_closed_ms": _collection_ms(browser, page, session),
        "heap_mb": round(memory / 2**20, 1),
        "hidden_script_ms_per_s": round(hidden["script_ms"] / _WATCH_S, 2),
        "hidden_own_script_ms_per_s": round(hidden["own_ms"] / _WATCH_S, 2),
        "closed_script_ms_per_s": round(closed["script_ms"] / _WATCH_S, 2),
        "closed_own_script_ms_per_s": round(closed["own_ms"] / _WATCH_S, 2),
    }


def _open(page: Page) -> None:
    page.get_by_role("menuitem", name="System Design", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Open Dashboard").click()
    head = page.locator(".sd-dash-head")
    head.get_by_role("button", name="Start", exact=True).click(timeout=60_000)
    head.get_by_text("Ready").first.wait_for(timeout=120_000)
    page.locator(".sd-dashboard .sd-chart").first.wait_for(timeout=60_000)


def _with_a_past(route: Route) -> None:
    """Answer with what the server knows, and before it as many samples as a chart can show."""
    response = route.fetch()
    known = response.json()
    if not known["ts"]:
        route.fulfill(response=response)
        return
    draw = random.Random(1)  # noqa: S311 (figures to draw, no secret)
    first = known["ts"][0]
    ts = [first - second for second in range(HISTORY_S, 0, -1)] + known["ts"]
    values = {}
    for name, column in known["values"].items():
        seen = [each for each in column if each is not None]
        level = statistics.fmean(seen) if seen else 0.0
        values[name] = [(level or 1.0) * (0.5 + draw.random()) for _ in range(HISTORY_S)] + column
    route.fulfill(response=response, body=json.dumps({"ts": ts, "values": values}))


def _with_charts(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "charts": _CHARTS})


def _trace(browser: Browser, page: Page, seconds: int) -> dict[str, Any]:
    samples = page.evaluate("window.sdSamples")
    browser.start_tracing(page=page, categories=_CATEGORIES)
    page.wait_for_timeout(seconds * 1000)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    samples = page.evaluate("window.sdSamples") - samples
    inside = _main_thread(events)
    tasks = [each for each in inside if each["name"] == _TASK]
    garbage = [each for each in inside if each["name"] in _GARBAGE]
    longest = max(tasks, key=_length_ms)
    return {
        "samples": samples,
        "script_ms": round(_scripting_ms(inside), 1),
        "own_ms": round(_scripting_ms([each for each in inside if _is_own(each)]), 1),
        "longest_ms": round(_length_ms(longest), 1),
        "parts_ms": _parts_ms(longest, inside),
        "without_garbage_ms": round(max(_without_ms(each, garbage) for each in tasks), 1),
        "long": sum(_length_ms(task) > _LONG_MS for task in tasks),
    }


def _collection_ms(browser: Browser, page: Page, session: CDPSession) -> float:
    """Return what collecting all of the page's garbage takes, on average: JupyterLab's as well."""
    browser.start_tracing(page=page, categories=_CATEGORIES)
    for _ in range(_COLLECTIONS):
        session.send("HeapProfiler.collectGarbage")
    events = json.loads(browser.stop_tracing())["traceEvents"]
    garbage = [each for each in _main_thread(events) if each["name"] in _GARBAGE]
    return round(sum(_length_ms(each) for each in garbage) / _COLLECTIONS, 1)


def _length_ms(event: dict[str, Any]) -> float:
    return float(event.get("dur", 0)) / 1000


def _is_own(event: dict[str, Any]) -> bool:
    """Tell whether the browser called a script of ours, and not one of JupyterLab's."""
    data = event.get("args", {}).get("data", {})
    return event["name"] in _SCRIPTING and _OWN in data.get("url", "")


def _within(task: dict[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    end = task["ts"] + task["dur"]
    return [each for each in events if task["ts"] <= each["ts"] < end]


def _without_ms(task: dict[str, Any], parts: list[dict[str, Any]]) -> float:
    return _length_ms(task) - sum(_length_ms(each) for each in _within(task, parts))


def _parts_ms(task: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, float]:
    """Return what a task was spent on; the compositor is Chromium's, which takes the canvases."""
    inside = _within(task, events)
    parts = {"script": _scripting_ms(inside)}
    for part, names in _PARTS.items():
        parts[part] = sum(_length_ms(each) for each in inside if each["name"] in names)
    return {part: round(ms, 1) for part, ms in parts.items()}


def _main_thread(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the complete events of the page's main thread: the renderer's that ran most script."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"].get("name") == "CrRendererMain"
    }
    by_thread: dict[tuple[int, int], list[dict[str, Any]]] = {each: [] for each in mains}
    for event in events:
        place = (event.get("pid"), event.get("tid"))
        if event.get("ph") == "X" and place in by_thread:
            by_thread[place].append(event)
    return max(by_thread.values(), key=_scripting_ms, default=[])


def _scripting_ms(events: list[dict[str, Any]]) -> float:
    """Return the time in scripts; a script called by a script counts once."""
    total, end = 0.0, 0.0
    scripts = (event for event in events if event["name"] in _SCRIPTING)
    for event in sorted(scripts, key=lambda each: float(each["ts"])):
        start, stop = event["ts"], event["ts"] + event.get("dur", 0)
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total / 1000


def _heap_bytes(session: CDPSession) -> float:
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == "JSHeapUsedSize")
