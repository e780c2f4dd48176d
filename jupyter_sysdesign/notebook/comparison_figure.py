"""The Plotly figure of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plotly import graph_objects
from plotly.subplots import make_subplots

from jupyter_sysdesign.notebook.rendering.figures import milliseconds
from jupyter_sysdesign.notebook.rendering.line_chart import BLUE, ORANGE
from jupyter_sysdesign.notebook.rendering.run import latencies

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook.compare import Comparison
    from jupyter_sysdesign.notebook.run import RunResult

#: Reads on white and on black: Plotly knows nothing of JupyterLab's theme.
_INK = "#7a7f87"
_GRID = "rgba(128, 128, 128, 0.3)"


def draw(comparison: Comparison) -> graph_objects.Figure:
    """Return p95 over time (left) and per endpoint (right), both runs, logarithmic."""
    figure = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.6, 0.4],
        horizontal_spacing=0.13,
        subplot_titles=("p95 while the load ran", "p95 per endpoint"),
    )
    figure.add_trace(_connections(comparison), row=1, col=2)
    for name, run, colour, dash in (
        ("before", comparison.before, ORANGE, "dash"),
        ("after", comparison.after, BLUE, "solid"),
    ):
        figure.add_trace(_over_time(name, run, colour, dash), row=1, col=1)
        figure.add_trace(_per_endpoint(name, run, comparison.names, colour), row=1, col=2)
    figure.update_yaxes(type="log", row=1, col=1, title_text="ms")
    figure.update_xaxes(row=1, col=1, title_text="seconds", rangemode="tozero")
    figure.update_xaxes(type="log", row=1, col=2, title_text="ms")
    figure.update_yaxes(
        row=1, col=2, type="category", range=[len(comparison.names) - 0.4, -0.6], automargin=True
    )
    figure.update_xaxes(gridcolor=_GRID, zeroline=False, linecolor=_GRID)
    figure.update_yaxes(gridcolor=_GRID, zeroline=False, linecolor=_GRID)
    figure.update_layout(
        template="none",
        title={"text": comparison.headline, "x": 0, "xref": "paper", "font": {"size": 16}},
        font={"color": _INK, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.22},
        margin={"l": 60, "r": 20, "t": 90, "b": 50},
        height=380,
    )
    return figure


def _over_time(name: str, run: RunResult, colour: str, dash: str) -> graph_objects.Scatter:
    points = latencies(run.ticks, "p95_ms")
    return graph_objects.Scatter(
        name=name,
        legendgroup=name,
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        line={"color": colour, "dash": dash, "width": 2},
        hovertemplate="%{y:.1f} ms at %{x:.1f} s",
    )


def _per_endpoint(
    name: str, run: RunResult, names: list[str], colour: str
) -> graph_objects.Scatter:
    values = [run.endpoints[each].p95_ms if each in run.endpoints else None for each in names]
    return graph_objects.Scatter(
        name=name,
        legendgroup=name,
        showlegend=False,
        y=names,
        x=values,
        mode="markers+text",
        text=[milliseconds(value) for value in values],
        textposition="top center" if name == "before" else "bottom center",
        marker={
            "color": colour,
            "size": 12,
            "symbol": "diamond" if name == "before" else "circle",
        },
        cliponaxis=False,
        hovertemplate="%{y}: %{text}",
    )


def _connections(comparison: Comparison) -> graph_objects.Scatter:
    """Return the lines from before to after, one per endpoint."""
    x: list[float | None] = []
    y: list[str | None] = []
    for name in comparison.names:
        old, new = comparison.endpoint(name)
        if old.p95_ms and new.p95_ms:
            x += [old.p95_ms, new.p95_ms, None]
            y += [name, name, None]
    return graph_objects.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": _GRID, "width": 5},
        showlegend=False,
        hoverinfo="skip",
    )
