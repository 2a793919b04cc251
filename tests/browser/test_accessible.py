"""Every page state is accessible: axe finds nothing, on a phone and a desk, by day and by night."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from infra.settings import Settings
from tests.browser.conftest import DESK, PHONE
from tests.pages.studio import Studio
from tests.pages.test_states import STATES

Views = tuple[tuple[dict[str, int], str], ...]
VIEWS: Views = ((PHONE, "light"), (DESK, "dark"))
"""What every state is looked at in: both sizes and both schemes."""
OTHER_VIEWS: Views = ((PHONE, "dark"), (DESK, "light"))
RICHEST = ("invited", "in production", "to mend", "payable, no account")
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
"""For axe.run. What passes is not told in full: that took longer than the rules."""


def violations(page: Any) -> list[str]:
    """What axe finds, in words."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async (options) => (await axe.run(options)).violations", OPTIONS)
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]


def sideways(page: Any) -> bool:
    """Whether the page has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def small_targets(page: Any) -> list[str]:
    """Buttons, fields and summaries smaller than 24 by 24 pixels (WCAG 2.2, 2.5.8)."""
    script = """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, .button')]
        .filter((e) => e.checkVisibility())
        .filter((e) => { const r = (e.closest('label') ?? e).getBoundingClientRect(); return r.width < 24 || r.height < 24 })
        .map((e) => e.outerHTML)"""  # noqa: E501 - a script reads better whole
    return list(page.evaluate(script))


def check_views(page: Any, views: Views) -> None:
    """With everything unfolded: nothing for axe, nothing sideways, nothing too small to touch."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for size, scheme in views:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], (size, scheme)
        assert not sideways(page), (size, scheme)
        assert small_targets(page) == []


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(
    state: str, studio: Studio, chromium: Any, served_settings: Settings
) -> None:
    way, title, _ = STATES[state]
    address = served_settings.public_url + studio.link(way(studio))
    context = chromium.new_context(viewport=PHONE)
    try:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        assert title in page.inner_text("h1")
        check_views(page, VIEWS + (OTHER_VIEWS if state in RICHEST else ()))
        assert complaints == []
    finally:
        context.close()


@pytest.mark.parametrize("token", ["nonsense", "A" * 43])
def test_the_page_of_a_bad_link_is_accessible(token: str, chromium: Any, served_settings: Settings) -> None:
    context = chromium.new_context(viewport=PHONE)
    try:
        page = context.new_page()
        page.goto(f"{served_settings.public_url}/c/{token}")
        check_views(page, VIEWS + OTHER_VIEWS)
    finally:
        context.close()
