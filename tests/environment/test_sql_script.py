"""Splitting SQL files: where statements begin and end, and on which line."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.environment.sql_script import ScriptError, split

SCRIPT = """-- schema; of the shop
CREATE TABLE a (x int DEFAULT 1); /* ; /* nested; */ ; */
INSERT INTO a VALUES ('it''s; 1', E'\\';', U&'d;', "odd;name", $$ ; $$, $q$ $$ ; $q$);

CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
  SELECT CASE WHEN n = 1 THEN 2 END;
  SELECT 3;
END;
CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);
;
SELECT a$b$ FROM t; SELECT 1
-- the end
"""


def test_statements_and_their_lines() -> None:
    found = split(SCRIPT)
    assert [(each.line, each.text.split("\n")[0][:14]) for each in found] == [
        (2, "CREATE TABLE a"),
        (3, "INSERT INTO a "),
        (5, "CREATE FUNCTIO"),
        (10, "CREATE RULE r "),
        (12, "SELECT a$b$ FR"),
        (12, "SELECT 1"),
    ]
    assert found[2].text.endswith("END")
    assert found[-1].text == "SELECT 1\n-- the end"


def test_the_line_of_a_position() -> None:
    (only,) = split("\n\nSELECT\n  nothing;")
    assert only.line_at(None) == 3
    assert only.line_at(only.text.index("nothing") + 1) == 4


def test_a_long_file_is_counted_once() -> None:
    counted = 0

    class Text(str):
        __slots__ = ()

        def count(self, what: str, start: int = 0, end: int = sys.maxsize) -> int:  # type: ignore[override]
            nonlocal counted
            counted += end - start
            return super().count(what, start, end)

    text = "SELECT 1;\n" * 1000
    assert [each.line for each in split(Text(text))] == [*range(1, 1001)]
    assert counted <= len(text)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("SELECT 1;\nSELECT 'a;\n", 2, "quote is never closed"),
        ('SELECT 1;\n\nSELECT "a;', 3, "quote is never closed"),
        ("SELECT E'\\';", 1, "quote is never closed"),
        ("DO $x$ BEGIN\nEND $$;", 1, r"\$x\$ is never closed"),
        ("SELECT 1; /* /* */", 1, "comment is never closed"),
        ("SELECT 1;\n\\dt\n", 2, "psql commands"),
        ("SELECT 1 \\gset\n", 1, "psql commands"),
    ],
)
def test_what_cannot_be_split_has_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ScriptError, match=message) as caught:
        split(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "controls"),
    [
        ("BEGIN", True),
        ("start transaction", True),
        ("COMMIT", True),
        ("/* x */ end", True),
        ("ROLLBACK", True),
        ("PREPARE TRANSACTION 'x'", True),
        ("ROLLBACK TO SAVEPOINT a", False),
        ("ROLLBACK WORK TO a", False),
        ("SAVEPOINT a", False),
        ("PREPARE p AS SELECT 1", False),
        ("DO $$ BEGIN COMMIT; END $$", False),
    ],
)
def test_what_ends_a_transaction(text: str, *, controls: bool) -> None:
    (only,) = split(text)
    assert only.controls_transaction is controls


@pytest.mark.parametrize(
    ("text", "shuts_out"),
    [
        ("ALTER ROLE a IN DATABASE b SET work_mem = '1MB'", ""),
        ("ALTER USER MAPPING FOR a SERVER b OPTIONS (SET password 'x')", ""),
        ("ALTER DATABASE a SET work_mem = '1MB'", ""),
        ("ALTER DATABASE a SET my.connection = '1'", ""),
        ("ALTER ROLE a SET my.password = '1'", ""),
        ("REVOKE TEMPORARY ON DATABASE a FROM PUBLIC", ""),
        ("REVOKE ALL ON TABLE a FROM PUBLIC", ""),
        ('REVOKE SELECT ON "database" FROM "connect"', ""),
        ("ALTER ROLE a ENCRYPTED PASSWORD 'x'", "ALTER ROLE … PASSWORD"),
        ("ALTER DATABASE a WITH CONNECTION LIMIT = 0", "ALTER DATABASE … CONNECTION LIMIT"),
        ("REVOKE GRANT OPTION FOR CONNECT, TEMP ON DATABASE a FROM b", "REVOKE … ON DATABASE"),
        ("REVOKE ALL PRIVILEGES ON DATABASE a FROM b", "REVOKE … ON DATABASE"),
    ],
)
def test_what_shuts_out_others(text: str, shuts_out: str) -> None:
    (only,) = split(text)
    assert only.shuts_out == shuts_out


PIECES = st.sampled_from(
    ["SELECT 1", "'a;b'", '"x;"', "$$;$$", "/* ; */", "-- ;\n", "(1;2)", " ", "\n", "E'\\';'"]
)


@given(st.lists(st.lists(PIECES, min_size=1), max_size=6))
def test_only_semicolons_between_statements_split(statements: list[list[str]]) -> None:
    texts = ["x " + " ".join(pieces) + "\n" for pieces in statements]
    found = split(";".join(texts))
    assert len(found) == len(texts)
    line = 1
    for each, text in zip(found, texts, strict=True):
        assert each.line == line
        assert text.startswith(each.text)
        line += text.count("\n")
