"""How long from a sample being taken until Chromium has drawn it, in a real JupyterLab."""

from __future__ import annotations

import contextlib
import os
import secrets
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.benchmarks.browser import chromium, printed_url
from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES, fresh_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

_WATCH_MS = 60_000

# Notes when a sample came in over the WebSocket, and the first stroke of a chart after it.
_SPY = """
window.sdDelays = []; let waiting = null;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...words) {
    super(...words);
    this.addEventListener('message', message => {
      if (typeof message.data !== 'string' || !message.data.includes('"metric.sample"')) return;
      for (const event of [JSON.parse(message.data)].flat()) {
        if (event.type === 'metric.sample') waiting = event.ts * 1000;
      }
    });
  }
};
const stroke = CanvasRenderingContext2D.prototype.stroke;
CanvasRenderingContext2D.prototype.stroke = function (...words) {
  stroke.apply(this, words);
  if (waiting !== null && this.canvas.classList.contains('sd-spark')) {
    window.sdDelays.push(Date.now() - waiting); waiting = null;
  }
};
"""


def measure() -> dict[str, Any]:
    """Return the delay from sample to stroke in ms; both clocks are this machine's.

    Raises:
        MissingBinaryError: no Chromium.
    """
    program = chromium()
    with fresh_home() as home, _lab(home) as url:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-sync"]
            )
            delays = sorted(_watch(browser.new_page(), url))
            browser.close()
    return {
        "samples": len(delays),
        "sample_to_browser_p50_ms": round(statistics.median(delays), 1),
        "sample_to_browser_p99_ms": round(delays[int(len(delays) * 0.99)], 1),
    }


def _watch(page: Page, url: str) -> list[float]:
    page.add_init_script(_SPY)
    page.goto(url)
    page.get_by_text("| Idle").first.wait_for(timeout=60_000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    panel = page.locator(".sd-panel")
    panel.get_by_role("button", name="Start").click(timeout=60_000)
    panel.locator(".sd-head").get_by_text("Ready").wait_for(timeout=120_000)
    page.evaluate("window.sdDelays.length = 0")
    page.wait_for_timeout(_WATCH_MS)
    return [float(each) for each in page.evaluate("window.sdDelays")]


@contextlib.contextmanager
def _lab(home: Path) -> Iterator[str]:
    token = secrets.token_hex(8)
    jupyter = {
        f"JUPYTER_{name}_DIR": str(home / "jupyter" / name)
        for name in ("CONFIG", "DATA", "RUNTIME")
    }
    lab = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_sysdesign", "lab", "--root", str(home / "root")),
            *("--lesson", FOUR_SERVICES, "--no-browser", "--ServerApp.base_url=/user/x/"),
            f"--IdentityProvider.token={token}",
        ],
        env={**os.environ, **jupyter},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield printed_url(lab, token)
    finally:
        lab.terminate()
        lab.communicate()
