from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.simple_httpclient import HTTPStreamClosedError

from jupyter_sysdesign import paths
from jupyter_sysdesign.errors import InvalidRequestError, NotFoundError
from jupyter_sysdesign.server.link import ControlLink, clean

if TYPE_CHECKING:
    from conftest import Jupyter
    from traitlets.config import Config


async def test_requests_and_answers_pass_through(jupyter: Jupyter) -> None:
    listed = await jupyter.ask("GET", "v1/lessons")
    assert listed.status == 200
    assert [each["id"] for each in listed.body][:2] == ["tiny", "tiny-full"] or listed.body
    made = await jupyter.ask("POST", "v1/workspaces", {"lesson": "tiny"})
    assert made.status == 201
    assert made.body["folder"] == str(jupyter.root.resolve() / "sysdesign" / "tiny")
    again = await jupyter.ask("POST", "v1/workspaces", {"lesson": "tiny"})
    assert (again.status, again.body["id"]) == (200, made.body["id"])
    answered = await jupyter.ask(
        "PUT", f"v1/workspaces/{made.body['id']}/answers/how-many", {"value": 1}
    )
    assert (answered.status, answered.body["correct"]) == (200, True)


async def test_refusals_pass_through(jupyter: Jupyter) -> None:
    unknown = await jupyter.ask("GET", "v1/lessons/t9-99-nothing")
    assert unknown.status == 404
    assert unknown.body["code"] == "not_found"
    assert "t9-99-nothing" in unknown.body["message"]
    assert "tiny" in unknown.body["hint"]
    invalid = await jupyter.ask("POST", "v1/workspaces", {"lesson": 7})
    assert (invalid.status, invalid.body["code"]) == (422, "invalid_request")
    assert invalid.body["message"].startswith("lesson: ")
    broken = await jupyter.ask("POST", "v1/workspaces", "{")
    assert (broken.status, broken.body["code"]) == (422, "invalid_request")
    nowhere = await jupyter.ask("GET", "v2/lessons")
    assert (nowhere.status, nowhere.body["code"]) == (404, "not_found")


async def test_encoded_names_arrive_as_they_were_sent(jupyter: Jupyter) -> None:
    odd = await jupyter.fetch("sysdesign", "v1", "lessons", "a b%2Fc?é", raise_error=False)
    assert odd.code == 404
    assert "a b%2Fc?é" in json.loads(odd.body)["message"]


async def test_many_first_requests_start_one_control_plane(
    jupyter: Jupyter, control_plane: Any
) -> None:
    assert control_plane.pid() is None
    answers = await asyncio.gather(*(jupyter.ask("GET", "v1") for _ in range(8)))
    assert {answer.body["pid"] for answer in answers} == {control_plane.pid()}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "v1/lessons"),
        ("POST", "v1/workspaces"),
        ("PUT", "v1/workspaces/a/answers/b"),
        ("DELETE", "v1/environments/a"),
    ],
)
async def test_nobody_gets_in_without_credentials(
    jupyter: Jupyter, control_plane: Any, method: str, path: str
) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "token wrong"}):
        refused = await jupyter.ask(
            method, path, "{}" if method in ("POST", "PUT") else None, headers=headers
        )
        assert refused.status == 403
        assert refused.body["code"] == "forbidden"
    assert control_plane.pid() is None


async def test_a_cookie_alone_changes_nothing(jupyter: Jupyter, control_plane: Any) -> None:
    cookies = await _log_in(jupyter)
    reading = await jupyter.ask("GET", "v1/lessons", headers=_with(cookies))
    assert reading.status == 200
    body = {"lesson": "tiny"}
    forged = await jupyter.ask("POST", "v1/workspaces", body, headers=_with(cookies))
    assert (forged.status, forged.body["code"]) == (403, "forbidden")
    foreign = _with(cookies, Origin="https://elsewhere.example")
    assert (await jupyter.ask("GET", "v1/lessons", headers=foreign)).status == 404
    assert not (jupyter.root / "sysdesign").exists()
    with_token = _with(cookies, **{"X-XSRFToken": cookies["_xsrf"]})
    own = await jupyter.ask("POST", "v1/workspaces", body, headers=with_token)
    assert own.status == 201
    assert control_plane.pid() is not None


async def _log_in(jupyter: Jupyter) -> dict[str, str]:
    token = jupyter.app.identity_provider.token
    quietly = {"headers": {"Authorization": ""}, "raise_error": False, "follow_redirects": False}
    pages = [
        await jupyter.fetch("login", **quietly),
        await jupyter.fetch("login", params={"token": token}, **quietly),
    ]
    set_here = [each for page in pages for each in page.headers.get_list("Set-Cookie")]
    pairs = [each.partition(";")[0].partition("=") for each in set_here]
    return {name: value for name, _, value in pairs if value not in ("", '""')}


def _with(cookies: dict[str, str], **headers: str) -> dict[str, str]:
    joined = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"Authorization": "", "Cookie": joined, **headers}


class ReadOnly(Authorizer):
    def is_authorized(self, _handler: Any, _user: Any, action: str, resource: str) -> bool:
        return resource != "sysdesign" or action == "read"


class TestAuthorizer:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config["ServerApp"]["authorizer_class"] = ReadOnly
        return jp_server_config

    async def test_who_may_only_read_starts_nothing(self, jupyter: Jupyter) -> None:
        for _ in range(2):
            assert (await jupyter.ask("GET", "v1/lessons")).status == 200
            refused = await jupyter.ask("POST", "v1/workspaces", {"lesson": "tiny"})
            assert (refused.status, refused.body["code"]) == (403, "forbidden")


async def test_workspaces_outside_of_the_root_are_refused(jupyter: Jupyter, tmp_path: Any) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (jupyter.root / "link").symlink_to(elsewhere)
    for folder in (str(elsewhere), "../elsewhere", str(jupyter.root / "link" / "a"), "link/a"):
        refused = await jupyter.ask("POST", "v1/workspaces", {"lesson": "tiny", "folder": folder})
        assert (refused.status, refused.body["code"]) == (403, "outside_root"), folder
        refused = await jupyter.ask("POST", "v1/environments", {"workspace": str(elsewhere)})
        assert (refused.status, refused.body["code"]) == (403, "outside_root")
    assert list(elsewhere.iterdir()) == []


async def test_too_much_is_refused_before_it_arrives(jupyter: Jupyter) -> None:
    body = {"lesson": "tiny", "folder": "x" * (3 << 20)}
    refused = await jupyter.ask("POST", "v1/workspaces", body)
    assert refused.status == 413

    async def unannounced(write: Any) -> None:
        for _ in range(48):
            await write(b"x" * (64 << 10))

    refused = await jupyter.ask("POST", "v1/workspaces", body_producer=unannounced)
    assert refused.status == 413
    assert (await jupyter.ask("GET", "v1")).status == 200


async def test_work_is_downloaded_and_uploaded(jupyter: Jupyter) -> None:
    await jupyter.workspace()
    got = await jupyter.fetch("sysdesign", "v1/work")
    assert got.headers["Content-Type"] == "application/zip"
    (jupyter.root / "upload.zip").write_bytes(got.body)
    answer = await jupyter.ask("POST", "v1/work", {"file": "upload.zip"})
    assert (answer.status, answer.body[0]["path"]) == (200, "sysdesign/tiny"), answer
    (jupyter.root.parent / "beyond.zip").write_bytes(got.body)
    refused = await jupyter.ask("POST", "v1/work", {"file": "../beyond.zip"})
    assert (refused.status, refused.body["code"]) == (403, "outside_root")


async def test_a_download_that_is_cut_short_does_not_end_in_order(
    jupyter: Jupyter, control_plane: Any
) -> None:
    made = await jupyter.workspace()
    (Path(made["folder"]) / "big.bin").write_bytes(os.urandom(30 << 20))
    got = []

    def take(chunk: bytes) -> None:
        got.append(len(chunk))
        if len(got) == 1:
            os.kill(control_plane.pid(), signal.SIGKILL)

    with pytest.raises(HTTPStreamClosedError):
        await jupyter.fetch("sysdesign", "v1/work", streaming_callback=take, request_timeout=60)
    assert sum(got) < 30 << 20


async def test_leases_are_none_of_a_pages_business(jupyter: Jupyter) -> None:
    for path in ("v1/leases", "v1/leases/abc", "v1/%6ceases/abc"):
        refused = await jupyter.ask("DELETE", path)
        assert (refused.status, refused.body["code"]) == (404, "not_found")


async def test_no_page_gets_a_password(jupyter: Jupyter) -> None:
    environment = await jupyter.environment()
    for path in ("v1/consoles/", "v1/%63onsoles/", "v1/./consoles/", "v1//consoles/"):
        refused = await jupyter.ask("GET", path + environment["id"])
        assert (refused.status, refused.body["code"]) == (404, "not_found"), path


async def test_looking_whether_something_runs_starts_nothing(
    jupyter: Jupyter, control_plane: Any
) -> None:
    looked = await jupyter.ask("GET", "v1/environments", params={"if_alive": "1"})
    assert (looked.status, looked.body) == (204, "")
    assert control_plane.pid() is None
    workspace = await jupyter.workspace()
    assert workspace["path"] == "sysdesign/tiny"
    looked = await jupyter.ask("GET", "v1/environments", params={"if_alive": "1"})
    assert (looked.status, looked.body) == (200, [])


async def test_a_root_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    link = ControlLink(str(tmp_path / os.fsdecode(b"caf\xe9")))
    await link.adopt()
    with pytest.raises(InvalidRequestError, match="is not UTF-8 text"):
        await link.request("GET", "/v1/workspaces", "me", {}, b"")
    with pytest.raises(InvalidRequestError):
        await link.connect("/v1/environments/e/events", "me")
    await link.close()


def test_what_is_between_browser_and_jupyter_stays_there() -> None:
    assert clean("/v1/lessons?token=secret&tail=3&_xsrf=x&no_track_activity=1") == (
        "/v1/lessons?tail=3"
    )
    assert clean("/v1/lessons?token=secret") == "/v1/lessons"
    with pytest.raises(NotFoundError):
        clean("/v1/leases?holder=x")


async def test_kernels_are_told_whose_lease_theirs_depends_on(jupyter: Jupyter) -> None:
    root = str(jupyter.root.resolve())
    assert os.environ["SYSDESIGN_PARENT_LEASE"] == f"jupyter:{root}"
    assert os.environ["SYSDESIGN_ROOT"] == root
    await jupyter.app.cleanup_extensions()
    assert "SYSDESIGN_PARENT_LEASE" not in os.environ
    assert "SYSDESIGN_ROOT" not in os.environ


async def test_a_control_plane_that_died_is_replaced(jupyter: Jupyter, control_plane: Any) -> None:
    import signal  # noqa: PLC0415

    first = (await jupyter.ask("GET", "v1")).body["pid"]
    control_plane.end(signal.SIGKILL)
    second = await jupyter.ask("GET", "v1")
    assert second.status == 200
    assert second.body["pid"] not in (None, first)


async def test_without_a_control_plane_there_is_a_hint(
    jupyter: Jupyter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "soon")
    answer = await jupyter.ask("GET", "v1/lessons")
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    assert str(paths.home() / "control.log") in answer.body["hint"]
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "30")
    assert (await jupyter.ask("GET", "v1/lessons")).status == 200


class TestBlockedHome:
    @pytest.fixture
    def curriculum(self, curriculum: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Begin with a home below a file: before the server does."""
        (home.parent / "file").touch()
        monkeypatch.setenv("SYSDESIGN_HOME", str(home.parent / "file" / "home"))
        return curriculum

    async def test_a_home_that_cannot_be_used_is_told_until_it_can_be(
        self, jupyter: Jupyter, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for options in ({}, {"params": {"if_alive": "1"}}):
            refused = await jupyter.ask("GET", "v1/environments", **options)
            assert (refused.status, refused.body["code"]) == (507, "no_room")
            assert "SYSDESIGN_HOME" in refused.body["hint"]
        monkeypatch.setenv("SYSDESIGN_HOME", str(home))
        assert (await jupyter.ask("GET", "v1/environments")).status == 200
