"""``sysdesign bench``: this project's figures beside its peers', taken in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from jupyter_sysdesign.cli.output import JsonFlag, command, console, emit, out

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(help="Measure; a peer that is not installed is null.", no_args_is_help=True)


def _start() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import start

    return start.measure()


def _load() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import load

    return load.measure()


def _pacing() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import pacing

    return pacing.measure()


def _memory() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import memory

    return memory.measure()


def _stream() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import stream

    return stream.measure()


def _dashboard() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import dashboard

    return dashboard.measure()


def _proxy() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import proxy

    return proxy.measure()


def _runtimes() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import runtimes

    return runtimes.measure()


def _simulation() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import linearizability, protocols, simulation

    figures = {**simulation.measure(), **linearizability.measure()}
    return {**figures, "protocols": protocols.measure()}


def _lab() -> dict[str, Any]:
    from jupyter_sysdesign.benchmarks import lab_start

    return lab_start.measure()


_ALL: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "start": ("Cold and warm start, reset.", _start),
    "load": ("Load engine beside wrk, hey, autocannon and locust on one nginx.", _load),
    "pacing": ("Open-loop pacing at 500, 2,000 and 5,000 requests per second.", _pacing),
    "memory": ("Idle memory (PSS) and CPU.", _memory),
    "runtimes": ("A lesson on each runtime: start, reset, memory.", _runtimes),
    "proxy": ("A marked link without a fault beside the direct way, and true latencies.", _proxy),
    "lab": ("Opening JupyterLab with and without the extension.", _lab),
    "stream": ("Sample taken until drawn in a browser.", _stream),
    "simulation": ("Simulated protocols, messages beside SimPy's, linearizability.", _simulation),
    "dashboard": ("Ten charts over fifteen minutes: scripting, tasks, memory.", _dashboard),
}


def _register(name: str, text: str, measure: Callable[[], dict[str, Any]]) -> None:
    @app.command(name, help=text)
    @command
    def one(*, as_json: JsonFlag = False) -> None:
        figures = {name: measure()}
        if as_json:
            emit(figures)
        else:
            _show(figures)


for _name, (_text, _measure) in _ALL.items():
    _register(_name, _text, _measure)


@app.command("all")
@command
def everything(*, as_json: JsonFlag = False) -> None:
    """Take all figures, one after another."""
    figures: dict[str, Any] = {}
    for name, (text, measure) in _ALL.items():
        console.print(f"{name}: {text}")
        figures[name] = measure()
    if as_json:
        emit(figures)
    else:
        _show(figures)


def _show(figures: dict[str, Any], indent: str = "") -> None:
    for name, value in figures.items():
        if isinstance(value, dict):
            out.print(f"{indent}{name}")
            _show(value, indent + "  ")
        else:
            out.print(f"{indent}{name:<24} {value}")
