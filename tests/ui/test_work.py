"""A learner takes their work along, and goes on from it somewhere else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage


@pytest.fixture
def window(context, lab, request):
    page = LabPage(context, lab, OUTPUT)
    yield page
    page.picture(f"last-{request.node.name}")


def test_download_and_upload(window, lab, tmp_path):
    page = window.page
    window.open()
    window.notebook().wait_idle()
    with page.expect_download() as downloading:
        window.command("Download My Work")
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    assert file.name == "my-sysdesign-work.zip"

    folder = lab.root / "sysdesign" / "t1-02-indexes"
    server = folder / "app" / "server.py"
    server.unlink()
    with page.expect_file_chooser() as choosing:
        window.command("Upload My Work")
    choosing.value.set_files(file)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("other work in it")
    window.picture("upload-conflict")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert not server.exists()

    with page.expect_file_chooser() as choosing:
        window.command("Upload My Work")
    choosing.value.set_files(file)
    dialog.get_by_role("button", name="Replace").click()
    expect(page.get_by_text("Your work on one lesson is here.")).to_be_visible()
    window.picture("upload-done")
    assert server.exists()
    assert (lab.root / "sysdesign" / "t1-02-indexes.yours-1").is_dir()

    (tmp_path / "no.zip").write_text("no zip")
    with page.expect_file_chooser() as choosing:
        window.command("Upload My Work")
    choosing.value.set_files(tmp_path / "no.zip")
    expect(page.get_by_text("it is no zip, or a damaged one")).to_be_visible()
    left = {each.name for each in lab.root.iterdir()} - {".ipynb_checkpoints"}  # Jupyter's own
    assert left == {"sysdesign"}
    assert window.problems == []
