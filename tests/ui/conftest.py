"""A real JupyterLab under the base URL /user/x/ and a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import ARGUMENTS, chromium, needs_browser
from lab_server import start_lab
from playwright.sync_api import expect, sync_playwright

# For the whole process, so that no test's patience hangs on which ran before it in its worker.
expect.set_options(timeout=30_000)  # a control plane that begins anew may take its time

OUTPUT = Path(__file__).parents[2] / "test-output" / "ui"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.ui)
            item.add_marker(needs_browser)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield instance
        instance.close()


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1440, "height": 1000})
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def lab(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    server = start_lab(tmp_path / "root", home)
    yield server
    server.stop()
