"""Of an edited ``compose.yaml`` only what the lesson lets learners change is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.curriculum.lesson import Changeable, LessonFile
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading.compose_merge import merge

if TYPE_CHECKING:
    from pathlib import Path

PRISTINE = """\
name: two-of-them
services:
  db:
    image: sysdesign/postgres:18
    command: ["postgres", "-c", "max_connections=20"]
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"
  app: &app
    image: sysdesign/python:3
    working_dir: /app
    command: ["uvicorn", "server:app"]
    environment:
      DATABASE_URL: "postgresql://shop:${SYSDESIGN_PASSWORD_DB}@db:5432/shop"
      POOL_SIZE: 8
    volumes: ["./app:/app:ro"]
    depends_on: {db: {condition: service_healthy}}
    deploy: {resources: {limits: {cpus: "0.25", memory: 256M}}}
  lb:
    image: sysdesign/haproxy:2.8
    volumes: ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]
    ports: ["8000"]
    depends_on: [app]
x-sysdesign: {entry: lb}
"""
RULES = {"app": Changeable(copies=4, environment={"POOL_SIZE": {"minimum": 1, "maximum": 20}})}


@pytest.fixture
def merged(tmp_path: Path):
    """Merge what is submitted; return the document to run, and what was refused."""
    pristine = tmp_path / "compose.yaml"
    pristine.write_text(PRISTINE)

    def do(text: str):
        content, refused = merge(pristine, text.encode(), RULES)
        return yaml_file.parse(content, "compose.yaml").data, refused

    return do


def edit(*changes: tuple[str, str]) -> str:
    text = PRISTINE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def line(text: str, words: str) -> int:
    return next(number for number, each in enumerate(text.splitlines(), 1) if words in each)


PRISTINE_DATA = yaml_file.parse(PRISTINE.encode(), "compose.yaml").data


def test_what_was_not_edited_is_the_pristine_file_byte_by_byte(tmp_path: Path):
    pristine = tmp_path / "compose.yaml"
    pristine.write_text(PRISTINE)
    assert merge(pristine, PRISTINE.encode(), RULES) == (PRISTINE.encode(), [])
    same = edit(('cpus: "0.25"', "cpus: 0.250"), ("POOL_SIZE: 8", 'POOL_SIZE: "8"'))
    assert merge(pristine, same.encode(), RULES) == (PRISTINE.encode(), [])


def test_copies_and_their_number_count(merged):
    data, refused = merged(
        edit(
            ("POOL_SIZE: 8", "POOL_SIZE: 3"),
            ("  lb:\n", "  app2: *app\n  app3: *app\n  lb:\n"),
            ("depends_on: [app]", "depends_on: [app, app2, app3]"),
        )
    )
    assert refused == []
    assert list(data["services"]) == ["db", "app", "app2", "app3", "lb"]
    assert data["services"]["app3"] == {
        **PRISTINE_DATA["services"]["app"],
        "environment": {
            **PRISTINE_DATA["services"]["app"]["environment"],
            "POOL_SIZE": 3,
        },
    }
    assert data["services"]["lb"]["depends_on"] == ["app", "app2", "app3"]


def test_an_instance_may_have_another_name_and_a_pool_of_its_own(merged):
    block = PRISTINE[PRISTINE.index("  app: &app\n") : PRISTINE.index("  lb:\n")]
    second = block.replace("app: &app", "reports:").replace("POOL_SIZE: 8", "POOL_SIZE: 2")
    data, refused = merged(
        edit(
            ("  app: &app\n", "  pages: &app\n"),
            ("  lb:\n", f"{second}  lb:\n"),
            ("depends_on: [app]", "depends_on: [pages, reports]"),
        )
    )
    assert refused == []
    assert list(data["services"]) == ["db", "pages", "reports", "lb"]
    sizes = [data["services"][name]["environment"]["POOL_SIZE"] for name in ("pages", "reports")]
    assert sizes == [8, 2]


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ('cpus: "0.25"', 'cpus: "1.0"', "cpus", "cpus of app cannot be changed; it stays 0.25"),
        ("memory: 256M", "memory: 1G", "memory", "memory of app cannot be changed"),
        ("max_connections=20", "max_connections=90", "max_conn", "command of db cannot be changed"),
        ('"server:app"]', '"server:app", "--workers", "4"]', "--workers", "command of app"),
        ("POOL_SIZE: 8", "POOL_SIZE: 21", "POOL_SIZE", "a whole number from 1 to 20; it stays 8"),
        ("POOL_SIZE: 8", "POOL_SIZE: -1", "POOL_SIZE", "a whole number from 1 to 20; it stays 8"),
        ("POOL_SIZE: 8", "POOL_SIZE: 2.5", "POOL_SIZE", "a whole number from 1 to 20"),
        ("POOL_SIZE: 8", "POOL_SIZE: ²", "POOL_SIZE", "a whole number from 1 to 20"),
        ("POOL_SIZE: 8", f"POOL_SIZE: '{'1' * 5000}'", "POOL_SIZE", "a whole number from 1 to 20"),
        ("POOL_SIZE: 8", "POOL_SIZE: 8\n      FAST: 1", "FAST", "FAST of app cannot be set"),
        ("      POOL_SIZE: 8\n", "", "environment:\n", "a whole number from 1 to 20; it stays 8"),
        ("./app:/app:ro", "./app:/app", "./app:/app", "volumes of app cannot be changed"),
        ("    depends_on: [app]\n", "    depends_on: [app, db]\n", "[app, db]", "wait for db"),
        ("{entry: lb}", "{entry: lb, links: [{source: app, target: db}]}", "x-sys", "links cannot"),
        ("name: two-of-them", "name: mine", "name: mine", "name cannot be changed"),
    ],
)
def test_everything_else_stays_as_it_was_and_is_told_with_its_line(merged, old, new, where, says):
    text = edit((old, new))
    data, refused = merged(text)
    assert data == PRISTINE_DATA
    assert len(refused) == 1, refused
    assert says in refused[0]
    if where in text and "\n" not in where:
        assert refused[0].startswith(f"compose.yaml:{line(text, where)}: ")


def test_a_block_that_several_services_share_is_told_once(merged):
    text = edit(('cpus: "0.25"', 'cpus: "1"'), ("  lb:\n", "  app2: *app\n  app3: *app\n  lb:\n"))
    data, refused = merged(text)
    assert [data["services"][name]["deploy"] for name in ("app", "app3")] == [
        PRISTINE_DATA["services"]["app"]["deploy"]
    ] * 2
    assert refused == [
        f"compose.yaml:{line(text, 'cpus')}: cpus of app cannot be changed; it stays 0.25"
    ]


def test_a_service_of_the_lesson_cannot_be_left_out(merged):
    text = PRISTINE.replace(PRISTINE[PRISTINE.index("  db:\n") : PRISTINE.index("  app: &app")], "")
    text = text.replace("    depends_on: {db: {condition: service_healthy}}\n", "")
    data, refused = merged(text)
    assert data == PRISTINE_DATA
    assert any("db cannot be left out" in each for each in refused)
    none = PRISTINE.replace(PRISTINE[PRISTINE.index("  app: &app") : PRISTINE.index("  lb:")], "")
    data, refused = merged(none.replace("    depends_on: [app]\n", ""))
    assert data["services"].keys() == PRISTINE_DATA["services"].keys()
    assert any("app cannot be left out" in each for each in refused)


def test_there_is_an_end_to_copies(merged):
    more = "".join(f"  app{number}: *app\n" for number in range(2, 8))
    data, refused = merged(edit(("  lb:\n", f"{more}  lb:\n")))
    assert list(data["services"]) == ["db", "app", "app2", "app3", "app4", "lb"]
    assert len(refused) == 3
    assert "there may be 4 services like app" in refused[0]
    # Those named before the one they are copies of leave it its place.
    text = edit(("  app: &app\n", "  app0: &app\n"), ("  lb:\n", f"{more}  app: *app\n  lb:\n"))
    data, _ = merged(text)
    assert list(data["services"]) == ["db", "app0", "app2", "app3", "app", "lb"]


def test_a_service_that_is_like_none_is_left_out(merged):
    text = edit(
        ("  lb:\n", "  miner:\n    image: sysdesign/python:3\n    command: [python, m.py]\n  lb:\n")
    )
    data, refused = merged(text)
    assert data == PRISTINE_DATA
    assert refused == [
        f"compose.yaml:{line(text, 'miner')}: miner is like no service that may be copied"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: [", "compose.yaml:1"),
        (PRISTINE + "nonsense: 1\n", f"compose.yaml:{PRISTINE.count(chr(10)) + 1}"),
        ("- a list\n", "mapping"),
        ("", "mapping"),
        ("a: &a [*a]\n", "compose.yaml"),
        (PRISTINE.replace("POOL_SIZE: 8", f"POOL_SIZE: {'1' * 5000}"), "cannot be read"),
        (PRISTINE.replace("POOL_SIZE: 8", "POOL_SIZE: !!int many"), "cannot be read"),
        (PRISTINE.replace("POOL_SIZE: 8", "POOL_SIZE: !many 8"), "this tag is not known"),
        (PRISTINE + f"x-deep: {'[' * 5000}\n", "maximum nesting depth"),
    ],
)
def test_what_is_no_compose_file_is_refused_as_a_whole(merged, text, says):
    with pytest.raises(InvalidFileError, match=says):
        merged(text)


def test_aliases_of_aliases_are_refused_before_they_fill_the_memory(merged):
    """Sixteen lines that come to two thousand million million words."""
    lines = ["x-0: &a0 [" + ", ".join(["lol"] * 9) + "]"]
    lines += [f"x-{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 16)]
    with pytest.raises(InvalidFileError, match="with its aliases it is more than 4 MB"):
        merged(PRISTINE + "\n".join(lines) + "\n")
    long = f"x-long: &long |\n  {'lol ' * 100_000}\nx-all: [{', '.join(['*long'] * 20_000)}]\n"
    with pytest.raises(InvalidFileError, match="with its aliases it is more than 4 MB"):
        merged(PRISTINE + long)
    empty = "x-0: &a0 {}\n" + "".join(
        f"x-{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 9)}]}}\n" for at in range(1, 16)
    )
    with pytest.raises(InvalidFileError, match="with its aliases it is more than 4 MB"):
        merged(PRISTINE + empty)
    block = "x-1: &one [1, 2, 3]\nx-2: [*one, *one]\n"
    assert merged(PRISTINE + block) == (PRISTINE_DATA, [])


def test_what_is_merged_can_be_run(merged, tmp_path: Path):
    more = "  app2: *app\n  app3: *app\n"
    data, _ = merged(edit(("  lb:\n", f"{more}  lb:\n"), ("POOL_SIZE: 8", "POOL_SIZE: 3")))
    content, _ = merge(
        tmp_path / "compose.yaml",
        edit(("  lb:\n", f"{more}  lb:\n"), ("POOL_SIZE: 8", "POOL_SIZE: 3")).encode(),
        RULES,
    )
    workspace = tmp_path / "workspace"
    (workspace / "app").mkdir(parents=True)
    (workspace / "compose.yaml").write_bytes(content)
    (workspace / "haproxy.cfg").write_text("frontend web\n    bind *:8000\n")
    spec = load_spec(Source("two-of-them", tmp_path, workspace, ("compose.yaml", "app/*.py")))
    assert set(spec.services) == set(data["services"])
    assert spec.services["app3"].environment["POOL_SIZE"] == "3"
    assert spec.services["app3"].cpus == 0.25


def test_compose_is_editable_exactly_where_it_is_said_what_counts():
    base = {
        "title": "t",
        "track": 1,
        "tier": "crawling",
        "domains": ["d"],
        "concepts": ["c"],
        "minutes": 1,
        "summary": "s",
        "objectives": ["o"],
        "recap": "r",
        "bridge": "b",
        "untouched": {"fails": [{"check": "c", "because": "because"}]},
    }
    rule = {"app": {"copies": 3}}
    assert LessonFile.model_validate({**base, "editable": ["compose.yaml"], "compose": rule})
    for editable, compose in ((["compose.yaml"], {}), (["a.py"], rule), (["compose.y*"], rule)):
        with pytest.raises(
            ValueError, match=r"compose\.yaml is editable exactly|cannot be editable"
        ):
            LessonFile.model_validate({**base, "editable": editable, "compose": compose})


@pytest.fixture
def set_to(tmp_path: Path):
    """Merge a limit of the database into a lesson that lets it be 20 to 200."""
    pristine = tmp_path / "compose.yaml"
    pristine.write_text(PRISTINE)
    rules = {"db": Changeable(settings={"max_connections": {"minimum": 20, "maximum": 200}})}

    def do(*words: str):
        submitted = PRISTINE.replace(
            '"max_connections=20"', ", ".join(f'"{each}"' for each in words)
        )
        content, refused = merge(pristine, submitted.encode(), rules)
        return yaml_file.parse(content, "compose.yaml").data["services"]["db"]["command"], refused

    return do


def test_a_setting_of_the_database_may_be_another_number(set_to):
    assert set_to("max_connections=200") == (["postgres", "-c", "max_connections=200"], [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("max_connections=201",), "max_connections must be a whole number from 20 to 200"),
        (("max_connections=many",), "max_connections must be a whole number from 20 to 200"),
        (("max_connections",), "max_connections must be a whole number from 20 to 200"),
        (("fsync=off",), "command of db cannot be changed; it stays max_connections=20"),
        (("max_connections=40", "-c", "fsync=off"), "command of db cannot be changed"),
    ],
)
def test_no_other_setting_counts(set_to, words, said):
    command, refused = set_to(*words)
    assert command == ["postgres", "-c", "max_connections=20"]
    assert len(refused) == 1
    assert said in refused[0]
    assert refused[0].startswith("compose.yaml:5: ")
