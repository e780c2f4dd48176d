"""The story of a run in words: what changed, why, and at last which rule it breaks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.units import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from jupyter_sysdesign.simulation.verdict import Outcome

    Line: TypeAlias = Mapping[str, Any]

#: What was noticed → how it is said. What is not here is told only when it leads to something.
_SENTENCES = {
    "crashed": "{who} crashes and loses what it had not synced",
    "restarted": "{who} restarts with what is on its disk",
    "paused": "{who} is frozen",
    "resumed": "{who} goes on",
    "healed": "every fault ends",
    "elected": "{who} becomes leader of term {term}",
    "stepped down": "{who} no longer leads (it led term {term})",
    "voted": "{who} votes for {for} in term {term}",
    "appended": "{who} appends up to index {index}, of term {term}",
    "truncated": "{who} removes all entries behind index {after}",
    "committed": "{who} commits up to index {index}",
}
#: Kinds of events → the fields they have; what a server notes may be called like one.
_EVENTS = {"message": {"id", "src", "message"}, "timer": {"id", "name"}}


def narrate(lines: Iterable[Line], outcome: Outcome) -> list[str]:
    """Return the story of a trace: a sentence for each thing that changed, and the end.

    Args:
        lines: of the trace, in order.
        outcome: what the run came to.
    """
    told: list[str] = []
    arrived: Line | None = None
    spoken_of: Line | None = None
    for line in lines:
        fields = _EVENTS.get(line["kind"])
        if fields is not None and fields <= line.keys():
            arrived = line
            continue
        sentence = _sentence(line)
        if not sentence:
            continue
        because = ""
        if arrived is not None and arrived["id"] == line.get("cause") and line.get("node"):
            # One event may change several things; why is said once.
            because = "" if arrived is spoken_of else f", {_because(arrived)}"
            spoken_of = arrived
        told.append(f"{clock(line['t'])}  {sentence}{because}.")
    return [*told, *ending(outcome)]


def ending(outcome: Outcome) -> list[str]:
    """Return what a run came to, in a few lines."""
    broken = outcome.violation
    if broken is None:
        return ["No rule was broken."]
    if outcome.status == "unknown":
        return [f"Nobody can tell: {broken.why}."]
    return [
        f"{clock(broken.at_us)}  Here it breaks: {broken.why.rstrip('.')}.",
        f"The rule: {broken.rule.title}. {broken.rule.words} ({broken.rule.source})",
    ]


def _sentence(line: Line) -> str:
    kind, node = line["kind"], line.get("node")
    if node is None and kind == "fault":
        return _fault(line)
    if node is None and kind == "fault ended":
        return f"the {line['fault']} of {_names(line['nodes'])} ends"
    words = {**line, "who": name(node)}
    if "for" in words:
        words["for"] = "itself" if words["for"] == node else name(words["for"])
    # A server may note what is called like what a rule notices, and says less.
    with contextlib.suppress(KeyError):
        return _SENTENCES[kind].format_map(words)
    # What the rules of other protocols notice, they say in words of their own.
    return f"{name(node)} {line['words']}" if "words" in line else ""


def _fault(line: Line) -> str:
    what, nodes = line["fault"], _names(line["nodes"])
    rest = {
        key: value
        for key, value in line.items()
        if key not in ("t", "cause", "kind", "node", "fault", "nodes")
    }
    details = ", ".join(f"{key} {value}" for key, value in rest.items())
    sentences = {
        "crash": f"fault: {nodes} is killed",
        "isolate": f"fault: {nodes} is cut off from the other servers",
        "partition": f"fault: {nodes} and {rest.get('with', 0)} more are cut off from the rest",
        "command": f"a client hands {nodes} a command",
        "network": f"fault: the network changes ({details})",
    }
    usual = f"fault: {what} on {nodes}" + (f" ({details})" if details else "")
    return sentences.get(what, usual)


def _because(event: Line) -> str:
    if event["kind"] == "timer":
        return f"as its {event['name']} timer ran out"
    message = event["message"]
    if isinstance(message, dict) and message.get("type") == "Sealed":
        message = message.get("body")
    if not isinstance(message, dict):
        return f"on {message!r} from {name(event['src'])}"
    fields = ", ".join(f"{key} {_brief(value)}" for key, value in message.items() if key != "type")
    return f"on {message.get('type', 'a message')} from {name(event['src'])} ({fields})"


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)}"
    if isinstance(value, dict):
        inside = ", ".join(str(each) for key, each in value.items() if key != "type")
        return inside if len(inside) <= 40 else inside[:39] + "…"  # noqa: PLR2004
    return "none" if value is None else str(value)


def name(node: Any) -> str:
    """Return a node as a reader knows it: S1 and S2 are servers."""
    return f"S{node}" if isinstance(node, int) else str(node)


def _names(nodes: Iterable[Any]) -> str:
    return " and ".join(name(each) for each in nodes) or "nobody"
