"""Where the system forces its own few colours, what differed by a colour still differs."""

from __future__ import annotations

import pytest
from ui.sheets import show

# The same element in two states, without the words that may tell them apart as well.
PAIRS = {
    "a button that is pressed": (
        '<button class="sd-button" aria-pressed="false">5</button>',
        '<button class="sd-button" aria-pressed="true">5</button>',
    ),
    "the tab that shows": (
        '<button class="sd-tab" aria-selected="false"></button>',
        '<button class="sd-tab" aria-selected="true"></button>',
    ),
    "the lesson that is chosen": (
        '<div class="sd-row" aria-selected="false">x</div>',
        '<div class="sd-row" aria-selected="true">x</div>',
    ),
    "a part of the list that is open": (
        '<div class="sd-row"><span class="sd-caret"></span></div>',
        '<div class="sd-row"><span class="sd-caret sd-caret-open"></span></div>',
    ),
    "a lesson that runs": (
        '<div style="height: 8px"></div>',
        '<span class="sd-live sd-live-ok" style="display: block"></span>',
    ),
    "a service at its limit": (
        '<span class="sd-meter-track" style="display: block"></span>',
        (
            '<span class="sd-meter-track" style="display: block">'
            '<span class="sd-meter-bar sd-meter-full" style="width: 100%"></span></span>'
        ),
    ),
    "a share of a plan's time": (
        '<span class="sd-bar sd-bar-1"></span>',
        '<span class="sd-bar sd-bar-19"></span>',
    ),
    "how much memory is ours": (
        (
            '<div class="sd-memory-bar"><span class="sd-memory-ours" style="width: 5%"></span>'
            '<span class="sd-memory-others" style="width: 85%"></span></div>'
        ),
        (
            '<div class="sd-memory-bar"><span class="sd-memory-ours" style="width: 85%"></span>'
            '<span class="sd-memory-others" style="width: 5%"></span></div>'
        ),
    ),
    "a line of an error": (
        '<div class="sd-log-line">x</div>',
        '<div class="sd-log-line sd-log-bad">x</div>',
    ),
    "lines of a chart": (
        (
            '<span class="sd-legend-item">'
            '<span class="sd-legend-key" style="border-top-color: var(--sd-chart-1)"></span></span>'
        ),
        (
            '<span class="sd-legend-item">'
            '<span class="sd-legend-key" style="border-top-color: var(--sd-chart-2)"></span></span>'
        ),
    ),
    "a moment of a run": (
        '<div class="sd-sim-marks"></div>',
        '<div class="sd-sim-marks"><span class="sd-sim-mark" style="left: 50%"></span></div>',
    ),
    "the moment that is shown": (
        '<button class="sd-sim-moment">x</button>',
        '<button class="sd-sim-moment" aria-current="true">x</button>',
    ),
}


@pytest.fixture(scope="module")
def page(browser):
    made = browser.new_page(viewport={"width": 400, "height": 300})
    yield made
    made.close()


def forced(page, body, *, theme="light", ground="dark"):
    page.emulate_media(forced_colors="active", color_scheme=ground)
    return show(page, body, theme=theme)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_states_look_different(page, pair):
    one, other = (forced(page, body).screenshot() for body in pair)
    assert one != other


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_pictures_take_the_colours_that_show_on_the_systems_ground(page, theme, ground):
    light = forced(page, "", theme=theme, ground=ground).evaluate(
        """view => {
          const pen = document.createElement('canvas').getContext('2d');
          return Object.fromEntries(['bg', 'fg', 'chart-text', 'chart-grid'].map(name => {
            pen.fillStyle = getComputedStyle(view).getPropertyValue(`--sd-${name}`).trim();
            pen.fillRect(0, 0, 1, 1);
            const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
            return [name, (red + green + blue) / (3 * 255)];
          }));
        }"""
    )
    ink = [light[name] if ground == "dark" else 1 - light[name] for name in ("fg", "chart-text")]
    assert min(ink) > 0.6
    paper = [light[name] if ground == "dark" else 1 - light[name] for name in ("bg", "chart-grid")]
    assert max(paper) < 0.4
