"""How long from a sample being taken until Chromium has drawn it, in a real JupyterLab."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.benchmarks.browser import ARGUMENTS, chromium, lab
from jupyter_sysdesign.benchmarks.place import fresh_home

if TYPE_CHECKING:
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
    browser = chromium()
    with fresh_home() as home, lab(home) as url:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            window = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
            delays = sorted(_watch(window.new_page(), url))
            window.close()
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
