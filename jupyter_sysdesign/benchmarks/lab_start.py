"""How much longer JupyterLab takes to open with the extension than without it, in Chromium.

Two servers run side by side, the same but for the extension; a fresh window opens on one and then
on the other, again and again, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import contextlib
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_path

from jupyter_sysdesign.benchmarks.browser import ARGUMENTS, chromium, serving
from jupyter_sysdesign.benchmarks.place import fresh_home
from jupyter_sysdesign.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

_NAME = "jupyter-sysdesign"
_ROUNDS = 10
_WITHOUT, _WITH = "without", "with"
#: From the beginning of the navigation until Lab has taken its splash screen away.
_OPENED = """
() => document.querySelector('.jp-Launcher') && !document.querySelector('#jupyterlab-splash')
  ? performance.now() : false
"""
_LOADED = """
() => performance.getEntriesByType('resource')
  .some(({name}) => name.includes('/jupyter-sysdesign/'))
"""


def measure() -> dict[str, Any]:
    """Return the time to open, and the median of the differences of the pairs, in ms.

    Raises:
        MissingBinaryError: no Chromium.
        UnavailableError: the extension is not there, or there where it should not be.
    """
    program = chromium()
    with fresh_home() as home, contextlib.ExitStack() as servers:
        urls = {each: servers.enter_context(_lab(home, each)) for each in (_WITHOUT, _WITH)}
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
            for each, url in urls.items():  # each server's first answer is slower than all others
                _open(browser, url, loads=each == _WITH)
            times: dict[str, list[float]] = {_WITHOUT: [], _WITH: []}
            for round_ in range(_ROUNDS):
                order = (_WITHOUT, _WITH) if round_ % 2 else (_WITH, _WITHOUT)
                for each in order:
                    times[each].append(_open(browser, urls[each], loads=each == _WITH))
            browser.close()
    pairs = [
        with_it - without for with_it, without in zip(times[_WITH], times[_WITHOUT], strict=True)
    ]
    return {
        "pairs": _ROUNDS,
        "without_ms": round(statistics.median(times[_WITHOUT])),
        "with_ms": round(statistics.median(times[_WITH])),
        "extra_ms": round(statistics.median(pairs)),
        "differences_ms": sorted(round(each) for each in pairs),
    }


def _open(browser: Browser, url: str, *, loads: bool) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url)
    opened = page.wait_for_function(_OPENED, timeout=120_000, polling="raf")
    taken_ms = float(opened.json_value())
    if page.evaluate(_LOADED) is not loads:
        raise UnavailableError(f"The extension was loaded: {not loads}; it should be: {loads}")
    context.close()
    return taken_ms


@contextlib.contextmanager
def _lab(home: Path, which: str) -> Iterator[str]:
    """Run a JupyterLab with all extensions there are, or with all but ours."""
    own = home / which
    extensions, settings = own / "labextensions", own / "CONFIG" / "jupyter_lab_config.json"
    for folder in (own / "root", extensions, settings.parent):
        folder.mkdir(parents=True)
    # One that is only disabled is loaded all the same.
    for folder in map(Path, jupyter_path("labextensions")):
        for each in folder.iterdir() if folder.is_dir() else ():
            if (each.name != _NAME or which == _WITH) and not (extensions / each.name).exists():
                (extensions / each.name).symlink_to(each)
    settings.write_text(json.dumps({"LabApp": {"labextensions_path": [str(extensions)]}}))
    command = (
        *("jupyterlab", "--allow-root", f"--ServerApp.root_dir={own / 'root'}"),
        f"--ServerApp.jpserver_extensions={{'jupyter_sysdesign': {which == _WITH}}}",
    )
    with serving(command, own) as url:
        yield url
