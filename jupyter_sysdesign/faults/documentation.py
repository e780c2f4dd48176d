"""The fault library as a page: ``python -m jupyter_sysdesign.faults.documentation``.

Its output is checked in as ``docs/faults.md``.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.faults.library import FAULTS, describe

if TYPE_CHECKING:
    from jupyter_sysdesign.faults.models import FaultDescription

_HEAD = """\
# Faults

A fault is a named failure of a running environment that can be taken back. It is put on a service,
a database, a cache, or on a link that the lesson marks, and is in force only after it was seen to
have taken effect. This page is made from the library itself:
`python -m jupyter_sysdesign.faults.documentation > docs/faults.md`.

| from | |
|---|---|
| a notebook | `lesson.fault("cpu-quota", "app", cpus=0.1)`, `lesson.recover()` |
| the command line | `sysdesign fault inject LESSON cpu-quota app cpus=0.1 --for 30`, \
`sysdesign fault recover LESSON` |
| the API | `POST /v1/environments/{id}/faults {fault, service or link, arguments, for_s}`, \
`DELETE /v1/environments/{id}/faults/{fault_id}` |

Every fault can be told to recover by itself (`for_s`, in seconds); where it cannot just then, it
tries again every second. Recovering is safe to repeat.
Faults on different spots are independent; on the same spot they compose, except for the same one
twice and those said to exclude each other: these are refused (409) and change nothing. A fault
whose service dies, or whose environment stops or is reset, ends by itself; `fault.ended` says why.
"""

_LINKS = """\
A lesson marks links in its `compose.yaml` (`x-sysdesign: {links: [{source: app, target: db}]}`).
Marked links lead through a proxy, one process for all of them: it carries the bytes of both
directions and adds nothing until a fault is put on. Where nobody listens behind it, a connection is
taken and closed at once instead of refused. A time limit of a source that waits for a connection
does not see a partition, since the system completes the handshake with the proxy: the wait shows in
the first answer. The graders, `psql` and the metrics go straight to the services.

A link is named by its ends: `lesson.fault("latency", "app:db", latency_ms=200)`. None of the
lessons that are shipped so far marks one, or has a cache or a replica: these faults are for lessons
of your own.
"""

_SCHEDULES = """\
# Schedules

A failure story is a document; the same one plays the same faults at the same moments with the same
draws. Steps that take long do not delay others; one that is refused is noted, and the story goes
on. A step without a `seed` of its own gets one from the schedule's seed and its place.

```yaml
name: a slow day that ends badly
seed: 5
steps:
  - at_s: 0
    fault: latency
    link: {source: app, target: db}
    arguments: {latency_ms: 50}
    for_s: 60
  - {at_s: 20, fault: flush, service: cache}
  - {at_s: 30, fault: kill, service: app, for_s: 10}
```

`sysdesign fault play LESSON FILE` plays it, as does `POST /v1/environments/{id}/fault-schedules`;
`DELETE …/fault-schedules/{schedule}` stops it and recovers its faults; where one of them cannot be,
all others are, and the answer says why.
"""

_TITLES = {
    "service": "On a service",
    "link": "On a link",
    "database": "On a database",
    "cache": "On a cache",
}


def render() -> str:
    """Return the page."""
    parts = [_HEAD]
    faults = describe().faults
    for target, title in _TITLES.items():
        parts.append(f"# {title}\n")
        if target == "link":
            parts.append(_LINKS)
        parts += [_section(each) for each in faults if each.target == target]
    return "\n".join([*parts, _SCHEDULES]).replace("\n# ", "\n## ")


def _section(fault: FaultDescription) -> str:
    lines = [f"### {fault.name} (`{fault.id}`)\n", f"{fault.description}\n"]
    lines.append(f"What to expect: {fault.expect}\n")
    properties: dict[str, dict[str, Any]] = fault.arguments["properties"]
    if properties:
        lines += ["| argument | default | allowed | meaning |", "|---|---|---|---|"]
        for name, schema in properties.items():
            default = "" if schema.get("default") is None else f"`{json.dumps(schema['default'])}`"
            lines.append(
                f"| `{name}` | {default} | {_allowed(schema)} | {schema.get('description', '')} |"
            )
        lines.append("")
    others = [f"`{each}`" for each in sorted(FAULTS[fault.id].excludes)]
    if others:
        lines.append(f"Not together with {', '.join(others)} on the same spot.\n")
    if fault.replica is not None:
        lines.append("Only on a replica.\n" if fault.replica else "Not on a replica.\n")
    if fault.one_shot:
        lines.append("It happens and is over: there is nothing to recover.\n")
    return "\n".join(lines)


def _allowed(schema: dict[str, Any]) -> str:
    """Return in words what values a schema allows."""
    if "anyOf" in schema:
        parts = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return _allowed(parts[0])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if least is not None and most is not None and most < 2**31:
        above = "above " if "exclusiveMinimum" in schema else ""
        return f"{above}{_number(least)} to {_number(most)}"
    return {"integer": "a whole number", "boolean": "`true`, `false`"}.get(schema["type"], "a text")


def _number(value: float) -> str:
    return f"{value:,.10g}"


if __name__ == "__main__":
    sys.stdout.write(render())
