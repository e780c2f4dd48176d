"""What a database and its migrations answer through the control plane, at their oddest."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg
import pytest

from jupyter_sysdesign import errors

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Control

    from jupyter_sysdesign.control.client import ControlClient


@pytest.fixture
def client(control: Control) -> ControlClient:
    return control.client(holder="kernel:test")


@pytest.fixture
def environment(client: ControlClient, control: Control) -> str:
    """Return the id of a running environment of tiny."""
    made = client.create_environment(control.workspace().id)
    client.wait(made.id, timeout_s=240)
    return made.id


@pytest.fixture
def migrations(control: Control) -> Path:
    """Return the folder of the environment's migrations."""
    return control.folder / "mine" / "migrations"


def test_whatever_a_statement_holds_it_is_answered(
    client: ControlClient, control: Control, environment: str
) -> None:
    commented = "/* x */\n" * 2000
    changed = client.sql(environment, f"{commented}UPDATE items SET price = 1 WHERE id < 4")
    assert (changed.columns, changed.row_count) == ([], 3)
    assert client.sql(environment, f"{commented}(SELECT 1)").rows == [[1]]
    for number, select in enumerate(("SELECT *", "WITH few AS (SELECT 1) SELECT *")):
        made = client.sql(environment, f"{select} INTO t{number} FROM items LIMIT 7")
        assert (made.columns, made.rows, made.row_count) == ([], [], 7)
        assert client.sql(environment, f"SELECT count(*) FROM t{number}").rows == [[7]]

    # Two hundred rows are shown, so nobody asks for what comes long after them.
    for begun in ("SELECT 'put into', ", "-- into\nSELECT ", "WITH a AS (SELECT 'update') SELECT "):
        long = f"{begun} 1 / (n - 900000) FROM generate_series(1, 1000000) AS n"
        assert client.sql(environment, long).truncated

    halves = client.sql(environment, r"""SELECT json '["\ud800", {"a\udc00": "\ud83d\ude00"}]'""")
    assert halves.rows == [[["\ufffd", {"a\ufffd": "\N{GRINNING FACE}"}]]]
    with control.raw() as http:
        for body in (
            r'{"statement": "SELECT %s", "parameters": ["\ud800"]}',
            r'{"statement": "SELECT %s", "parameters": [["a", "\ud800"]]}',
            r'{"statement": "SELECT %s", "parameters": [{"\ud800": 1}]}',
            r'{"statement": "SELECT \u0027\ud800\u0027"}',
            r'{"statement": "SELECT 1", "service": "\ud800"}',
            r'{"statement": "SELECT %s", "parameters": ["\u0000"]}',
            r'{"statement": "SELECT %s", "parameters": [{"a": 1}]}',
        ):
            answer = http.post(
                f"/v1/environments/{environment}/sql",
                content=body,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code in (404, 422), (body, answer.text)
            assert set(answer.json()) == {"code", "message", "hint"}


def test_files_that_cannot_be_read_cost_no_data(
    client: ControlClient, environment: str, migrations: Path
) -> None:
    first = migrations / "001-index.sql"
    first.write_text("CREATE INDEX by_category ON items (category);\n")
    (migrations / "002-index.sql").write_text("CREATE INDEX by_price ON items (price);\n")
    assert client.apply(environment).applied == ["001-index.sql", "002-index.sql"]
    client.sql(environment, "CREATE TABLE mine AS SELECT 1 AS n")
    for broken in ("SELECT 'a;\n", "BEGIN;\n", "SELECT 'ä';\n"):
        first.write_text(broken, encoding="latin-1")
        with pytest.raises(errors.InvalidFileError) as refused:
            client.apply(environment)
        assert (refused.value.file, refused.value.line) == ("migrations/001-index.sql", 1)
        kept = "SELECT n, to_regclass('by_price') IS NOT NULL FROM mine"
        assert client.sql(environment, kept).rows == [[1, True]]
    first.write_text("CREATE INDEX by_both ON items (category, price);\n")
    done = client.apply(environment)
    assert (done.applied, done.replayed) == (["001-index.sql", "002-index.sql"], True)


def test_a_replay_that_cannot_be_costs_no_data(
    client: ControlClient, environment: str, migrations: Path
) -> None:
    first, second = migrations / "001-index.sql", migrations / "002-index.sql"
    index = "SET search_path TO nowhere;\nCREATE INDEX ON public.items (price);\n"
    first.write_text(f"{index}CREATE TEMPORARY TABLE seen ();\nPREPARE look AS SELECT 1;\n")
    client.apply(environment)
    client.sql(environment, "CREATE TABLE mine AS SELECT 1 AS n")
    set_for_all = "SELECT FROM pg_db_role_setting WHERE setconfig::text LIKE '%work_mem%'"
    first.write_text(f"ALTER ROLE shop SET work_mem = '1MB';\n{first.read_text()}")
    for wrong in ("CREATE INDX ON items (price);", "CREATE INDEX ON items (prise);"):
        second.write_text(f"SELECT 1;\n{wrong}\n")
        with pytest.raises(errors.InvalidFileError) as refused:
            client.apply(environment)
        assert (refused.value.file, refused.value.line) == ("migrations/002-index.sql", 2)
        assert "pristine data" not in refused.value.hint
        assert client.sql(environment, "SELECT n FROM mine").rows == [[1]]
        assert not client.sql(environment, set_for_all).row_count

    # What only its rows are in the way of, and what fits into no transaction, is told by trying.
    third = migrations / "003-index.sql"
    third.write_text("-- no-transaction\nCREATE INDEX CONCURRENTLY ON items (category);\n")
    second.write_text("ALTER TABLE items ADD CHECK (id < 0);\n")
    with pytest.raises(errors.InvalidFileError, match="is violated") as refused:
        client.apply(environment)
    assert "001-index.sql changed after it was applied" in refused.value.hint
    assert "the pristine data was restored" in refused.value.hint
    assert not client.sql(environment, "SELECT WHERE to_regclass('mine') IS NOT NULL").row_count
    second.write_text(first.read_text())
    assert client.apply(environment).applied == ["002-index.sql", "003-index.sql"]
    first.write_text("-- empty\n")
    assert len(client.apply(environment).applied) == 3


def test_who_is_to_blame_for_a_migration_is_told(
    client: ControlClient, environment: str, migrations: Path
) -> None:
    late = (
        "CREATE TABLE a (n int);\n"
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN RAISE EXCEPTION 'not so' USING ERRCODE = '{code}', HINT = 'Look again.'; END $$;\n"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED\n"
        "FOR EACH ROW EXECUTE FUNCTION look();\n"
        "INSERT INTO a VALUES (1);\n"
    )
    file = migrations / "001-late.sql"
    for code in ("raise_exception", "serialization_failure", "unique_violation", "disk_full"):
        file.write_text(late.format(code=code))
        with pytest.raises(errors.InvalidFileError, match="not so") as refused:
            client.apply(environment)
        assert refused.value.file == "migrations/001-late.sql"
        assert refused.value.hint == "Look again."
    url = client.console(environment).url
    with contextlib.ExitStack() as crowd:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                crowd.enter_context(psycopg.connect(url))
        with pytest.raises(errors.UnavailableError, match=r"does not let us in.*slots"):
            client.apply(environment)
    file.write_text("CREATE TABLE a (n int);\n")
    assert client.apply(environment).applied == ["001-late.sql"]


def test_an_index_that_was_not_finished_is_in_nobody_s_way(
    client: ControlClient, environment: str, migrations: Path
) -> None:
    first, second = migrations / "001-index.sql", migrations / "002-index.sql"
    first.write_text("-- no-transaction\nCREATE INDEX CONCURRENTLY by_price ON items (price);\n")
    second.write_text(
        "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS mine ON items (category);\n"
    )
    with psycopg.connect(client.console(environment).url) as psql:
        psql.execute("UPDATE items SET price = 1 WHERE id = 1")
        with pytest.raises(errors.InvalidFileError, match="lock timeout") as refused:
            client.apply(environment)
        assert "end its transaction" in refused.value.hint
    with pytest.raises(errors.SqlError, match="could not create unique index"):
        client.sql(environment, "CREATE UNIQUE INDEX CONCURRENTLY mine ON items (category)")
    done = client.apply(environment)
    assert (done.applied, done.replayed) == (["001-index.sql", "002-index.sql"], False)
    valid = (
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
        " WHERE indrelid = 'items'::regclass ORDER BY 1"
    )
    assert client.sql(environment, valid).rows == [
        ["by_price", True],
        ["items_pkey", True],
        ["mine", True],
    ]
    assert client.sql(environment, "SELECT price FROM items WHERE id = 1").rows == [[1]]
