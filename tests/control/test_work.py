"""Work taken along and taken up again through the control plane."""

from __future__ import annotations

import datetime as dt
import io
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from jupyter_sysdesign import errors, paths

if TYPE_CHECKING:
    from conftest import Control


def test_work_goes_to_another_folder_and_on(control: Control) -> None:
    client, made = control.client(), control.workspace("root/sysdesign/mine")
    client.answer(made.id, "how-many", 1)
    transport = httpx.HTTPTransport(uds=str(paths.control_socket()))
    root = control.folder / "root"
    with httpx.Client(transport=transport, base_url="http://control", timeout=60) as http:
        answer = http.get("/v1/work", params={"folder": str(root)})
        assert answer.headers["Content-Type"] == "application/zip"
        inside = {"Sysdesign-Root": str(root)}
        assert http.get("/v1/work", headers=inside).content == answer.content
        beyond = http.get("/v1/work", params={"folder": str(control.folder)}, headers=inside)
        assert beyond.status_code == 403
    assert "sysdesign/mine/answers.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    file = control.folder / "work.zip"
    file.write_bytes(answer.content)

    other = control.folder / "other"
    with pytest.raises(errors.InvalidRequestError):
        client.import_work(file, other)
    other.mkdir()
    (imported,) = client.import_work(file, other)
    assert imported.folder == str(other / "sysdesign" / "mine")
    assert client.workspace(imported.id).answers["how-many"].correct
    assert {each.id for each in client.workspaces()} == {made.id, imported.id}
    assert [each.became for each in client.import_work(file, other)] == ["same"]


def test_nothing_is_taken_from_under_a_running_environment(control: Control) -> None:
    client, made = control.client(holder="test"), control.workspace("root/mine")
    root = control.folder / "root"
    file = root / "work.zip"
    transport = httpx.HTTPTransport(uds=str(paths.control_socket()))
    with httpx.Client(transport=transport, base_url="http://control", timeout=60) as http:
        file.write_bytes(http.get("/v1/work", params={"folder": str(root)}).content)
    server = root / "mine" / "app" / "server.py"
    edited = server.read_text() + "# later\n"
    server.write_text(edited)
    environment = client.create_environment(made.id)
    client.wait(environment.id)
    with pytest.raises(errors.WorkThereError):
        client.import_work(file, root)
    with pytest.raises(errors.ConflictError, match="is running"):
        client.import_work(file, root, overwrite=True)
    assert server.read_text() == edited
    client.stop(environment.id)
    (imported,) = client.import_work(file, root, overwrite=True)
    assert (imported.id, imported.became) == (made.id, "replaced")
    assert imported.kept is not None
    assert server.read_text() + "# later\n" == edited
    client.start(made.id)
    assert client.wait(made.id).state.value == "ready"


def test_a_path_that_the_system_refuses_is_told(control: Control) -> None:
    client, long = control.client(), f"/tmp/{'x' * 300}"
    for ask in (
        lambda: client.create_workspace("tiny", long),
        lambda: client.import_work(long, str(control.folder)),
    ):
        with pytest.raises(errors.SysdesignError) as refused:
            ask()
        assert "unexpected" not in str(refused.value)


def test_where_a_workspace_cannot_be_remembered_it_is_told(control: Control) -> None:
    client = control.client()
    client.info()
    (paths.home() / "workspaces.lock").mkdir()
    with pytest.raises(errors.ResourceError, match="list of workspaces"):
        control.workspace()


def test_what_no_request_can_carry_is_told_before_it_is_sent(control: Control) -> None:
    client, made = control.client(), control.workspace()
    for value in ({1, 2}, float("nan"), dt.date(2024, 5, 1)):
        with pytest.raises(errors.InvalidRequestError, match="cannot be sent"):
            client.answer(made.id, "how-many", value)


def test_a_file_whose_name_is_no_text_holds_up_no_list(control: Control) -> None:
    client, made = control.client(), control.workspace()
    (Path(made.folder) / os.fsdecode(b"odd\xff.txt")).write_text("")
    (listed,) = client.workspaces()
    assert listed == control.workspace() == client.workspace(made.id)
    assert listed.files == made.files
    assert listed.notices == ["Not listed, for the name is not UTF-8 text: odd\ufffd.txt"]
