"""Solution, alternatives and cheats: what they are made of, and what is wrong with them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading import overlay

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson

WAITS = "    time.sleep(2)\n"
TWICE = 'with latency.labels("/items").time(), connect() as connection:'
UNEVEN = """edits:
  app/server.py:
    - find: |
        def health() -> dict[str, str]:
        return {"status": "ok"}
      replace: x
"""
DECLARED = "check: few-indexes\nwhat: It does something else.\n"


@pytest.fixture
def lesson(curriculum: Path, tmp_path: Path) -> Lesson:
    """A copy of the tiny lesson with no cheat but an empty one."""
    for kind in ("environments", "notebooks"):
        shutil.copytree(curriculum / kind / "tiny", tmp_path / kind / "tiny")
    lesson = Catalogue([tmp_path]).lesson("tiny")
    shutil.rmtree(lesson.environment / "cheats")
    cheat(lesson).mkdir(parents=True)
    return lesson


def cheat(lesson: Lesson) -> Path:
    return lesson.environment / "cheats" / "one"


def declare(lesson: Lesson, rest: str, head: str = DECLARED) -> None:
    (cheat(lesson) / "cheat.yaml").write_text(head + rest)


def made(lesson: Lesson) -> dict[str, bytes]:
    (found,) = overlay.cheats(lesson)
    return dict(found.files)


def pristine(lesson: Lesson) -> str:
    return (lesson.environment / "app" / "server.py").read_text()


def test_edits_change_the_lines_they_name_wherever_those_are_indented(lesson: Lesson):
    declare(
        lesson,
        """edits:
  app/server.py:
    - find: import os
      replace: |
        import os
        import time
    - find: |
        with latency.labels("/items").time(), connect() as connection:
            rows = connection.execute(
      replace: |
        time.sleep(2)
        with latency.labels("/items").time(), connect() as connection:

            rows = connection.execute(
    - find: 'requests.labels("/items", "201").inc()'
      replace: ""
""",
    )
    listing = '    with latency.labels("/items").time(), connect() as connection:\n'
    wanted = pristine(lesson).replace("import os\n", "import os\nimport time\n")
    wanted = wanted.replace(listing, WAITS + listing + "\n", 1)
    wanted = wanted.replace('    requests.labels("/items", "201").inc()\n', "")
    assert made(lesson) == {"app/server.py": wanted.encode()}


def test_a_variant_is_pristine_files_the_solutions_edits_and_its_own(
    lesson: Lesson, tmp_path: Path
):
    declare(
        lesson,
        """solution: [migrations/001-index.sql]
edits:
  migrations/001-index.sql:
    - find: CREATE INDEX items_category_price ON items (category, price, id);
      replace: CREATE INDEX items_category ON items (category);
""",
    )
    (cheat(lesson) / "app").mkdir()
    (cheat(lesson) / "app" / "more.py").write_bytes(b"\xff")
    (found,) = overlay.cheats(lesson)
    folder = found.workspace(lesson, tmp_path / "made")
    index = (folder / "migrations" / "001-index.sql").read_text()
    assert index == "CREATE INDEX items_category ON items (category);\n"
    assert (folder / "app" / "more.py").read_bytes() == b"\xff"
    assert (folder / "app" / "server.py").read_text() == pristine(lesson)
    assert not (folder / "cheat.yaml").exists()


def test_edits_are_made_one_after_the_other(lesson: Lesson):
    declare(
        lesson,
        """edits:
  app/server.py:
    - {find: import os, replace: import this}
    - {find: import this, replace: import that}
""",
    )
    assert b"import that\n\nimport psycopg" in made(lesson)["app/server.py"]


@pytest.mark.parametrize(
    ("rest", "line", "says"),
    [
        ("edits:\n  app/server.py:\n    - {find: import sys, replace: x}", 5, "do not stand there"),
        # A line is a whole line.
        ("edits:\n  app/server.py:\n    - {find: import, replace: x}", 5, "do not stand there"),
        (
            f"edits:\n  app/server.py:\n    - {{find: '{TWICE}', replace: x}}",
            5,
            "more than once: at 21, 32",
        ),
        (UNEVEN, 5, "do not stand there"),
        ("edits:\n  app/server.py:\n    - {find: import os, replace: import os}", 5, "change"),
        ("edits:\n  app/server.py:\n    - {find: ' ', replace: x}", 5, "blank lines"),
        ("edits:\n  app/server.py:\n    - {find: import os}", 5, "replace: this key is missing"),
        ("edits:\n  app/server.py:\n    - {find: a, replace: b, all: yes}", 5, "not known"),
        ("edits:\n  app/server.py: []", 4, "there are no edits"),
        ("edits: {}\nbase: solution", 4, "base: this key is not known"),
        ("edits:\n  app/other.py:\n    - {find: a, replace: b}", 4, "no 'app/other.py' to edit"),
        ("edits:\n  compose.yaml:\n    - {find: a, replace: b}", 4, "no 'compose.yaml' to edit"),
        ("edits:\n  app/../checks.py:\n    - {find: a, replace: b}", 4, "no 'app/../checks.py'"),
        ("edits:\n  /etc/passwd:\n    - {find: a, replace: b}", 4, "no '/etc/passwd' to edit"),
        (
            # It is in the solution, which has not been asked for.
            "edits:\n  migrations/001-index.sql:\n    - {find: a, replace: b}",
            4,
            "no 'migrations/001-index.sql' to edit",
        ),
        ("solution: [app/server.py]", 3, "the solution has no file 'app/server.py'"),
        ("solution: [../checks.py]", 3, r"the solution has no file '\.\./checks.py'"),
        ("", None, "it changes nothing"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(
    lesson: Lesson, rest: str, line: int | None, says: str
):
    declare(lesson, rest)
    with pytest.raises(InvalidFileError, match=says) as refused:
        overlay.cheats(lesson)
    assert refused.value.file == "environments/tiny/cheats/one/cheat.yaml"
    assert refused.value.line == line


def test_what_is_no_text_is_not_edited(lesson: Lesson):
    (lesson.environment / "app" / "server.py").write_bytes(b"import os\n\xff\n")
    declare(lesson, "edits:\n  app/server.py:\n    - {find: import os, replace: x}")
    with pytest.raises(InvalidFileError, match=r"cheat\.yaml:4: app/server\.py is no text"):
        overlay.cheats(lesson)


@pytest.mark.parametrize(
    ("path", "content", "rest", "says"),
    [
        ("compose.yaml", "name: mine", "", "does not let learners edit it"),
        ("app/server.py", None, "", "same as the untouched one"),
        ("migrations/001-index.sql", None, "", "same as the solution's"),
        (
            "migrations/001-index.sql",
            "mine",
            "solution: [migrations/001-index.sql]",
            r"cheat\.yaml makes this file already",
        ),
        (
            "app/server.py",
            "mine",
            "edits:\n  app/server.py:\n    - {find: import os, replace: x}",
            r"cheat\.yaml makes this file already",
        ),
    ],
)
def test_a_whole_file_is_editable_and_really_another(
    lesson: Lesson, path: str, content: str | None, rest: str, says: str
):
    declare(lesson, rest)
    own = cheat(lesson) / path
    own.parent.mkdir(exist_ok=True)
    if content is None:
        there = (lesson.environment / "solution" / path, lesson.environment / path)
        content = next(each for each in there if each.exists()).read_text()
    own.write_text(content)
    with pytest.raises(InvalidFileError, match=says) as refused:
        overlay.cheats(lesson)
    assert refused.value.file == f"environments/tiny/cheats/one/{path}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("what: x\ncheck: nothing\nsolution: []", r"cheat\.yaml:2: there is no check"),
        ("check: few-indexes", "what: this key is missing"),
        ("check: [", r"cheat\.yaml"),
        (None, r"cheat\.yaml: the file is missing"),
    ],
)
def test_a_cheat_names_the_check_meant_for_it(lesson: Lesson, text: str | None, says: str):
    if text is not None:
        declare(lesson, "", head=text)
    with pytest.raises(InvalidFileError, match=says):
        overlay.cheats(lesson)


def test_an_alternative_says_what_it_does_and_names_no_check(lesson: Lesson):
    (alternative,) = overlay.alternatives(lesson)
    assert (alternative.name, alternative.cheat) == ("alternatives/covering", None)
    file = lesson.environment / "alternatives" / "covering" / "alternative.yaml"
    file.write_text(f"check: few-indexes\n{file.read_text()}")
    with pytest.raises(InvalidFileError, match="check: this key is not known"):
        overlay.alternatives(lesson)


def test_a_solution_holds_files_and_only_editable_ones(lesson: Lesson):
    folder = lesson.environment / "solution"
    (folder / "compose.yaml").write_text("name: mine")
    with pytest.raises(InvalidFileError, match=r"solution/compose\.yaml: the lesson does not let"):
        overlay.solution(lesson)
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(InvalidFileError, match="no files are in it"):
        overlay.solution(lesson)
    folder.rmdir()
    assert overlay.solution(lesson) is None
