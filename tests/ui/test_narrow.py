"""Names that are long and have no space are broken; nothing is cut off, or lies over another."""

from __future__ import annotations

import pytest
from ui.sheets import show

NAME = "20240131120000_products_by_category_and_price_and_created_at"

PLACES = {
    "a migration and its state": (
        f'<ul class="sd-migrations"><li><span class="sd-code">{NAME}.sql</span>'
        '<span class="sd-state sd-state-off">Not applied yet</span></li></ul>'
    ),
    "an endpoint and its weight": (
        f'<div class="sd-mix-row"><label>{NAME}</label><input class="sd-number" type="text">'
        '<span class="sd-meter-track"></span><span class="sd-num">5%</span></div>'
    ),
    "an argument of a fault": (
        f'<div class="sd-form-row"><label>{NAME}</label><input type="text"></div>'
    ),
    "what is broken": (
        '<ul class="sd-active-faults"><li><span class="sd-active-fault">'
        f"<span>{NAME} → {NAME}</span></span></li></ul>"
    ),
    "a run and its figures": (
        f'<table class="sd-table sd-runs"><tr><th scope="row">{NAME}</th>'
        '<td class="sd-num">1,234/s</td><td class="sd-num">1,234 ms</td></tr></table>'
    ),
    "a service": (
        f'<div class="sd-service-head"><span class="sd-service-name">{NAME}</span>'
        '<span class="sd-muted">PostgreSQL</span></div>'
    ),
    "a title": f'<div class="sd-head"><span class="sd-title">{NAME}</span></div>',
    "a chart": (
        f'<div class="sd-chart-head"><span class="sd-chart-title">{NAME}</span><span '
        f'class="sd-legend"><span class="sd-legend-item">{NAME}</span></span></div>'
    ),
    "a question": f'<div class="sd-markdown"><p>Is it <code>{NAME}</code>?</p></div>',
    "an answer": (
        '<label class="sd-option"><input type="radio"><span class="sd-option-text">'
        f"<code>{NAME}</code></span></label>"
    ),
    "an error": f'<div class="sd-note"><div class="sd-note-title">{NAME}</div>{NAME}</div>',
    "a plan": f'<div class="sd-plan-line"><span class="sd-mark">reads {NAME}</span></div>',
    "a choice of services": (
        f'<label class="sd-field">Service <select><option>{NAME}</option></select></label>'
    ),
    "a line of a log": (
        '<div class="sd-logs"><div class="sd-log-line"><span class="sd-log-time">20:31:05</span>'
        f'<span class="sd-log-service">{NAME}</span><span class="sd-log-text">{NAME}</span></div>'
        "</div>"
    ),
    "what goes on": (
        f'<div class="sd-progress-text"><span>Running {NAME}</span>'
        '<span class="sd-num">2 min 10 s</span></div>'
    ),
}


@pytest.fixture(scope="module")
def page(browser):
    made = browser.new_page(viewport={"width": 400, "height": 300})
    yield made
    made.close()


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
def test_a_long_name_has_room(page, body):
    view = show(page, body, width="320px")
    wide = view.evaluate(
        """view => [...view.querySelectorAll('*:not(option)'), view]
          .filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
          .map(each => each.className || each.tagName)"""
    )
    assert wide == []


def test_the_words_beside_a_long_name_stay_whole(page):
    view = show(page, PLACES["a service"], width="320px")
    lines = view.locator(".sd-muted").evaluate("word => word.getClientRects().length")
    high = view.locator(".sd-muted").evaluate("word => word.getBoundingClientRect().height")
    assert (lines, high < 24) == (1, True)


@pytest.mark.parametrize("line", ["sd-banner-line sd-banner-warn", "sd-note-actions"])
def test_a_button_stays_in_one_line(page, line):
    words = f"<span>Connection lost. This is the last known state of {NAME}; reconnecting …</span>"
    body = f'<div class="{line}">{words}<button class="sd-button">Try now</button></div>'
    button = show(page, body, width="320px").locator("button")
    assert button.evaluate("each => each.scrollHeight <= each.clientHeight")
