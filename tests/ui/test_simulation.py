"""A learner opens lab-raft: watches an election, breaks it, goes back, asks what would be else."""

from __future__ import annotations

import re

import pytest
from lab_server import start_lab
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage, SimulationPage

ELECTION = "simulate(seed=3, seconds=1)"
JUDGED = 'judge("raft.py", only=["elections"])'


@pytest.fixture
def window(context, home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    server = start_lab(tmp_path / "root", home, lesson="lab-raft")
    page = LabPage(context, server, OUTPUT)
    yield page
    page.picture("simulation-last")
    server.stop()


@pytest.mark.timeout(600)
def test_elect_partition_rewind_fork_narrate(window, tmp_path):  # noqa: PLR0915 (one story)
    page = window.page
    window.open()
    notebook = window.notebook()
    notebook.wait_idle()
    expect(page.get_by_role("heading", name="Raft: five servers that agree").first).to_be_visible()
    notebook.run("lesson = Lesson()")

    # Nothing runs here, and nothing offers to start it.
    expect(page.locator(".sd-lesson-bar")).to_contain_text("nothing to start")
    found = window.commands("system design")
    expect(found.filter(has_text="Open the Next Lesson")).to_be_visible()
    expect(found.filter(has_text=re.compile("Start|Dashboard|Database"))).to_have_count(0)
    page.keyboard.press("Escape")

    # A prediction first.
    predict = notebook.run('lesson.predict("first-leader")').locator(".sd-question")
    predict.get_by_label("Your answer").fill("200")
    predict.get_by_role("button", name="Answer", exact=True).click()
    expect(predict.get_by_text("Our answer", exact=True)).to_be_visible()
    run = SimulationPage(notebook.run(ELECTION))

    # Elect: nothing of what comes is told before it happens.
    expect(run.words).to_have_text("The run begins.")
    expect(run.root.get_by_text("becomes leader")).to_have_count(0)
    run.speed("50 ms a second")
    run.button("Play").click()
    expect(run.story.get_by_text("S3 becomes leader of term 1.")).to_be_visible()
    run.button("Pause").click()
    expect(run.row("S3")).to_contain_text("leader")
    window.picture("simulation-1-elected")

    # Narrate: every step has its words, also for a screen reader.
    run.story.get_by_text("S3 becomes leader of term 1.").click()
    expect(run.words).to_contain_text("S3 becomes leader of term 1.")
    expect(run.spoken).to_have_text(run.words.inner_text())
    run.button("One step on").click()
    expect(run.words).to_have_text(re.compile("receives|timer"))

    # Partition: the leader and one more on one side; three are a majority and go on.
    run.choose("a group of servers")
    run.root.get_by_label("S3", exact=True).check()
    run.root.get_by_label("S4", exact=True).check()
    run.lasts("until the end")
    run.button("Partition").click()
    branch = run.root.get_by_role("button", name=re.compile("S3, S4 apart from the rest"))
    expect(branch).to_have_attribute("aria-pressed", "true")
    expect(run.stages).to_have_count(2)
    run.button("To the end").click()
    leads = run.rows("leader", of=1)
    expect(leads.first).to_be_visible()
    expect(run.story.get_by_text(re.compile("becomes leader of term 2")).first).to_be_visible()
    window.picture("simulation-2-partitioned")

    # Rewind: time goes back, and the pictures with it.
    before = run.clock()
    run.button("Rewind").click()
    page.wait_for_function(
        "([view, before]) => Number(view.querySelector('input[type=range]').value) < before - 1e5",
        arg=[run.root.element_handle(), before],
    )
    run.button("Pause").click()
    window.picture("simulation-3-rewound")

    # Fork: what if this message were lost?
    run.root.get_by_role("button", name="As it was").click()
    run.seek(171_500)
    run.choose(re.compile("RequestVote from S3 to S1"))
    run.button("Lose this message").click()
    lost = run.root.get_by_role("button", name=re.compile("RequestVote S3 → S1 is lost"))
    expect(lost).to_have_attribute("aria-pressed", "true")
    window.picture("simulation-4-forked")

    # A click on the picture chooses, too.
    box = run.stages.last.bounding_box()
    assert box is not None
    run.stages.last.click(position={"x": 64 + (box["width"] - 64) / 2, "y": 48})
    expect(run.button("Crash")).to_be_visible()

    # To take along: a page that plays by itself, without a kernel, a server or a link.
    with page.expect_download() as download:
        run.button("Save as a page that plays by itself").click()
    target = tmp_path / "raft.html"
    download.value.save_as(target)
    alone = page.context.new_page()
    alone.goto(target.as_uri())
    saved = SimulationPage(alone.locator("#view"))
    saved.button("To the end").click()
    expect(saved.words).not_to_have_text("The run begins.")
    expect(alone.get_by_text("What if, at")).to_have_count(0)
    alone.screenshot(path=OUTPUT / "simulation-5-alone.png")
    alone.close()

    # The judge opens the smallest run of a mistake, at the moment where it breaks.
    judged = notebook.run(JUDGED, timeout_ms=90_000)
    failure = SimulationPage(judged)
    expect(failure.root.locator(".sd-state-bad")).to_be_visible()
    failure.button("To the end").click()
    expect(failure.words).to_contain_text("Here it breaks")
    window.picture("simulation-6-judged")

    window.theme("JupyterLab Dark")
    notebook.show(JUDGED)
    window.picture("simulation-7-dark")
    notebook.show(ELECTION)
    window.picture("simulation-8-dark")
    assert window.problems == []
