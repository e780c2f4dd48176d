"""What lab-cap says of its runs is what its cells show."""

from __future__ import annotations

import contextlib
import io

import nbformat
import yaml

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
from jupyter_sysdesign.simulation.protocols.quorum.presets import PRESETS
from jupyter_sysdesign.simulation.protocols.quorum.trial import table

LESSON = Catalogue().lesson("lab-cap")
NOTEBOOK = nbformat.read(LESSON.notebooks / "lesson.ipynb", as_version=4)


def run(*cells: str) -> str:
    """Run cells, and return what they print."""
    names: dict[str, object] = {"Policy": Policy, "PRESETS": PRESETS, "table": table}
    printed = io.StringIO()
    for cell in cells:
        (source,) = [each.source for each in NOTEBOOK.cells if each.id == cell]
        with contextlib.redirect_stdout(printed):
            exec(source, names)
    return printed.getvalue()


def actual(question: str) -> float:
    asked = LESSON.file.question(question)
    assert asked is not None
    return asked.actual.value


def row(printed: str, name: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith(name)][-1].split()


def test_what_is_refused_and_what_is_old_is_as_the_lesson_says():
    printed = run("strict", "always")
    assert row(printed, "strict")[1] == f"{actual('strict-refused'):g}%"
    assert row(printed, "always")[1] == "0%"
    assert row(printed, "always")[2] == f"{actual('always-old'):g}%"
    assert row(printed, "always")[4] != "0%"


def test_the_exhibits_are_in_the_table():
    printed = run("presets-table")
    cassandra, dynamodb = row(printed, "cassandra-quorum"), row(printed, "dynamodb-strong")
    assert cassandra[1] == "100%"
    assert cassandra[7:9] == ["22", "ms"]
    assert dynamodb[7:9] == ["33", "ms"]
    assert cassandra[-4:-1] == ["20", "of", "20"]
    assert PRESETS["cassandra-quorum"].policy.versions == "clock"


def test_every_preset_is_told_with_its_source():
    printed = " ".join(run("presets").split())
    for preset in PRESETS.values():
        assert preset.source in printed
    systems = {preset.system for preset in PRESETS.values()}
    assert systems == {"DynamoDB", "S3", "Spanner", "Cassandra", "ZooKeeper"}


def test_the_learners_file_is_a_file_of_policies():
    text = (LESSON.environment / "policies.yaml").read_text(encoding="utf-8")
    assert {name: Policy.from_json(each).n for name, each in yaml.safe_load(text).items()} == {
        "balance": 1,
        "cart": 1,
        "price": 1,
    }
