"""Labs in a browser: the first run of each plays, and one is played from guess to verdict."""

from __future__ import annotations

import re

import nbformat
import pytest
from lab_server import start_lab
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage, SimulationPage

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped

CATALOGUE = Catalogue([shipped()])
LABS = [each.id for each in CATALOGUE.lessons() if each.id.startswith("lab-")]
STORY = "lab-commit"
JUDGED = 'judge("two_phase.py", suite=TWO_PHASE, only=["votes"])'
SOLUTION = CATALOGUE.lesson(STORY).environment / "solution" / "two_phase.py"


@pytest.fixture(scope="module")
def lab(shared_home, tmp_path_factory):
    """One JupyterLab with a workspace for every lab."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
        server = start_lab(tmp_path_factory.mktemp("labs"), shared_home, lesson=STORY)
        for each in LABS:
            if each != STORY:
                code, said = server.request("POST", "/workspaces", {"lesson": each})
                assert code == 201, said
        yield server
        server.stop()


@pytest.fixture(scope="module")
def session(browser, lab):
    """One window for all of them: what JupyterLab is made of is loaded once."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(30_000)
    yield LabPage(context, lab, OUTPUT / "labs")
    context.close()


@pytest.fixture
def window(session):
    yield session
    session.picture("last")
    problems, session.problems = session.problems, []
    assert problems == []


def opened(window, lesson):
    window.open(f"sysdesign/{lesson}/lesson.ipynb", alone=lesson)
    notebook = window.notebook()
    notebook.wait_idle()
    notebook.run("lesson = Lesson()")
    return notebook


def cells_to_the_first_run(lesson):
    """Return a line of each cell that has to run until there is something to watch."""
    path = CATALOGUE.lesson(lesson).notebooks / "lesson.ipynb"
    found = []
    for cell in nbformat.read(path, as_version=4).cells[1:]:
        if cell.cell_type == "code" and not re.search(r"^lesson\b", cell.source, re.MULTILINE):
            found.append(cell.source.splitlines()[0])
            if "simulate(" in cell.source or "verdicts(" in cell.source:
                break
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("lesson", LABS)
def test_the_first_run_of_a_lab_plays(window, lesson):
    notebook = opened(window, lesson)
    shown = None
    for line in cells_to_the_first_run(lesson):
        notebook.seek(line)
        shown = notebook.run(line)
    assert shown is not None
    if lesson == "lab-consistency":  # histories are read, not played
        expect(shown).to_contain_text("the weakest")
        return
    run = SimulationPage(shown)
    expect(run.words).to_have_text(re.compile("begins|receives|timer|Fault"))
    stands = run.clock()
    run.button("One step on").click()
    assert run.clock() >= stands
    run.button("To the end").click()
    expect(run.words).to_have_text(re.compile("The run ends|Here it breaks"))
    expect(run.story.get_by_role("listitem").first).to_be_visible()
    window.picture(lesson)


@pytest.mark.timeout(600)
def test_from_a_guess_to_a_verdict_that_holds(window):
    page = window.page
    notebook = opened(window, STORY)

    # A guess, and then the run it was about.
    guess = notebook.run('lesson.predict("answer-time")').locator(".sd-question")
    guess.get_by_label("Your answer").fill("40")
    guess.get_by_role("button", name="Answer", exact=True).click()
    expect(guess.get_by_text("Our answer", exact=True)).to_be_visible()
    run = SimulationPage(notebook.run("simulate(TwoPhase, suite=TWO_PHASE"))
    run.button("To the end").click()
    expect(run.words).to_have_text("The run ends, and no rule was broken.")

    # Back to where all have been asked and none has answered; what if one yes were lost?
    run.story.get_by_text(re.compile("S1 commits c1.2")).click()
    decided = run.clock()
    run.button("Rewind").click()
    page.wait_for_function(
        "([view, before]) => Number(view.querySelector('input[type=range]').value) < before - 1e3",
        arg=[run.root.element_handle(), decided],
    )
    run.button("Pause").click()
    run.seek(decided - 1000)
    run.choose(re.compile(r"^Vote from S\d to S1"))
    run.button("Lose this message").click()
    branch = run.root.get_by_role("button", name=re.compile(r"Vote S\d → S1 is lost"))
    expect(branch).to_have_attribute("aria-pressed", "true")
    run.button("To the end").click()
    expect(run.story.get_by_text("S1 aborts c1.2.")).to_be_visible()
    window.picture("story-1-forked")

    # The file as it is handed out is judged, and the smallest run shows what is missing.
    judged = notebook.run(JUDGED, timeout_ms=90_000)
    expect(judged.get_by_text(re.compile("0 of 20 points"))).to_be_visible()
    failure = SimulationPage(judged)
    failure.button("To the end").click()
    expect(failure.words).to_contain_text("Here it breaks")
    window.picture("story-2-judged")

    # The fix is typed into the real file, and holds.
    window.edit("", SOLUTION.name, SOLUTION.read_text())
    window.tab("lesson.ipynb")
    judged = notebook.run(JUDGED, timeout_ms=90_000)
    expect(judged.get_by_text(re.compile("20 of 20 points"))).to_be_visible()
    expect(judged.locator(".sd-sim")).to_have_count(0)
    notebook.seek("lesson.check()")
    verdict = notebook.run("lesson.check()", timeout_ms=400_000)  # beside a gate
    expect(verdict.get_by_text("Every check holds.")).to_be_visible()
    bar = page.locator(".sd-lesson-bar:visible")
    expect(bar).to_contain_text("5 of 5 checks passed", timeout=30_000)
    window.picture("story-3-verdict")
