"""What a database and its migrations answer through the control plane, at their oddest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
