"""Take pictures of every view, light and dark, wide and narrow (see labextension/README.md)."""

from __future__ import annotations

import argparse
import json
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import sync_playwright

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.unfolding import Unfolding
from jupyter_sysdesign.simulation.units import MS

WIDE = 1480  # the main area of a large window
HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "lib" / "harness"
OUTPUT = HERE.parents[1] / "test-output" / "views"
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
GROUPS = ("panel", "run", "question", "answered", "verdict", "logs", "simulation")
DASHBOARDS = (
    "dashboard",
    "dashboard-faults",
    "dashboard-shape",
    "dashboard-trouble",
    "dashboard-rest",
)
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGE = """<!doctype html><html><head><meta charset="utf-8"><style>{theme}</style>
<style>{style}</style><style>
body {{ margin: 16px; background: var(--jp-layout-color0); overflow: auto; }}
.harness-name {{ margin: 12px 0 2px; font: 11px monospace; color: var(--jp-ui-font-color2); }}
</style></head>
<body data-jp-theme-name="{name}" data-jp-theme-light="{light}">{body}
<script type="application/json" id="traces">{traces}</script>
<script type="module">{script}</script></body></html>"""


def main() -> None:
    """Write PNG files to ``test-output/views/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=(*GROUPS, *DASHBOARDS))
    parser.add_argument("--width", type=int, default=920)
    # Views off the screen do nothing: room for all of them.
    parser.add_argument("--height", type=int, default=3600)
    parser.add_argument("--zoom", type=float, default=1.0, help="2 is a browser's 200 %%")
    parser.add_argument("--executable", default="/usr/bin/chromium")
    options = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.executable, args=list(CHROMIUM)
        )
        for shade in ("light", "dark"):
            page_file = BUILT / f"{shade}.html"
            page_file.write_text(_page(shade))
            for group in options.groups:
                width = options.width
                if group in DASHBOARDS and width == parser.get_default("width"):
                    width = WIDE
                width = int(width / options.zoom)
                page = browser.new_page(
                    viewport={"width": width, "height": int(options.height / options.zoom) * 2},
                    device_scale_factor=options.zoom,
                )
                problems: list[str] = []
                page.on("pageerror", lambda error, seen=problems: seen.append(str(error)))
                page.on(
                    "console",
                    lambda message, seen=problems: (
                        seen.append(message.text) if message.type == "error" else None
                    ),
                )
                page.goto(f"{page_file.as_uri()}#{group}")
                page.wait_for_function("document.title === 'drawn'", timeout=60_000)
                target = OUTPUT / f"{group}-{shade}-{width}.png"
                height = page.evaluate("document.body.scrollHeight + 32")
                page.screenshot(
                    path=target, clip={"x": 0, "y": 0, "width": width, "height": height}
                )
                print(target, *problems)
                page.close()
        browser.close()


def _page(shade: str) -> str:
    return PAGE.format(
        theme=(THEMES / f"theme-{shade}-extension" / "index.css").read_text(),
        style=(BUILT / "widget.css").read_text() + (BUILT / "dashboard.css").read_text(),
        name=f"JupyterLab {shade.title()}",
        light="true" if shade == "light" else "false",
        body=f'<template id="static">{(HERE / "static.html").read_text()}</template>',
        traces=json.dumps(_traces()).replace("<", "\\u003c"),
        script=(BUILT / "harness.js").read_text().replace("</script", "<\\/script"),
    )


@cache
def _traces() -> dict[str, str]:
    """Return the runs that the scenes of the simulation show."""
    client = Workload(clients=1, think_us=120 * MS, start_us=350 * MS)
    whole = Plan(3, duration_us=1500 * MS, workload=client)
    cut = Fault("isolate", 700 * MS, "leader", 500 * MS)
    wrong = GALLERY["half-is-enough"].server
    elections = RAFT.scenarios[0]
    plans = (elections.plan(seed) for seed in range(100))
    broken = next(each for each in plans if play(each, wrong, RAFT.bench).status == "failed")
    runs = {
        "whole": (whole, Raft),
        "isolated": (Plan(3, duration_us=1500 * MS, workload=client, faults=(cut,)), Raft),
        "broken": (broken, wrong),
    }
    found: dict[str, str] = {}
    for name, (plan, server) in runs.items():
        trace = Unfolding()
        play(plan, server, RAFT.bench, trace=trace)
        found[name] = trace.write()
    return found


if __name__ == "__main__":
    main()
