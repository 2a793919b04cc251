"""What a person does on the pages, in a real browser: by keyboard, with and without script, on a bad line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from domain.stages import Stage
from infra.objects import PART_SIZE
from infra.settings import Settings
from infra.tables import Asset
from tests.browser.conftest import PHONE
from tests.browser.test_accessible import violations
from tests.pages.engine import Engine
from tests.pages.studio import Studio
from tests.pages.test_uploads import MP4
from tests.pages.test_work import PNG


@pytest.fixture(scope="module")
def workers(served_settings: Settings) -> Iterator[Engine]:
    engine = Engine(served_settings)
    engine.start()
    yield engine
    engine.close()


@pytest.fixture
def page(chromium: Any, workers: Engine) -> Iterator[Any]:
    context = chromium.new_context(viewport=PHONE)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def plain_page(chromium: Any, workers: Engine) -> Iterator[Any]:
    """A browser without script."""
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def at(served_settings: Settings, studio: Studio) -> Any:
    return lambda of: served_settings.public_url + studio.link(of)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))


def tab_to(page: Any, name: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"Tab never reached {name}")


def test_yes_by_keyboard_with_another_country(page: Any, at: Any, studio: Studio, workers: Engine) -> None:
    of = workers.adopt(studio, studio.invited(studio.campaign()))
    page.goto(at(of))
    assert "Your ZIP" not in page.inner_text("main")
    tab_to(page, "variant")
    page.keyboard.press("Space")
    tab_to(page, "legal_name")
    page.keyboard.type("Ada Byron")
    tab_to(page, "country")
    page.keyboard.type("United States")
    page.get_by_label("ZIP code").wait_for()
    assert focused(page) == "country"
    for name, text in (("street_address", "1 Main Street"), ("city", "Springfield")):
        tab_to(page, name)
        page.keyboard.type(text)
    tab_to(page, "country_area")
    page.keyboard.type("Illinois")
    tab_to(page, "postal_code")
    page.keyboard.type("62701")
    tab_to(page, "consent")
    page.keyboard.press("Space")
    tab_to(page, "Yes, I accept")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your parcel is being made ready").wait_for()
    assert page.url.endswith(at(of).rpartition("/c/")[0]) is False
    assert "done=" not in page.url
    assert "62••• Springfield, United States" in page.inner_text("main")
    assert studio.state(of).stage is Stage.PREPARING


def test_errors_are_met_first_and_lead_to_their_fields(page: Any, at: Any, studio: Studio) -> None:
    of = studio.invited(studio.campaign())
    page.goto(at(of))
    page.get_by_role("button", name="Yes, I accept").click()
    summary = page.locator(".summary")
    summary.wait_for()
    assert page.evaluate("document.activeElement.className") == "summary"
    assert violations(page) == []
    page.get_by_role("link", name="Your full legal name: please fill this in.").click()
    assert focused(page) == "legal_name"
    field = page.get_by_label("Your full legal name")
    assert field.get_attribute("aria-invalid") == "true"
    described = (field.get_attribute("aria-describedby") or "").split()
    assert all(page.locator(f"#{name}").count() == 1 for name in described)


def test_yes_without_script(plain_page: Any, at: Any, studio: Studio, workers: Engine) -> None:
    of = workers.adopt(studio, studio.invited(studio.campaign()))
    page = plain_page
    page.goto(at(of))
    page.get_by_label("Your full legal name").fill("Ada Byron")
    page.get_by_label("Country").select_option("US")
    page.get_by_role("button", name="Show the fields for this country").click()
    assert page.get_by_label("Your full legal name").input_value() == "Ada Byron"
    page.get_by_text("Oat Serum, 30 ml").last.click()
    page.get_by_label("Street and number").fill("1 Main Street")
    page.get_by_label("Town or city").fill("Springfield")
    page.get_by_label("State").select_option("IL")
    page.get_by_label("ZIP code").fill("62701")
    page.get_by_label("I have read the terms").check()
    page.get_by_role("button", name="Yes, I accept").click()
    page.get_by_role("heading", name="Your parcel is being made ready").wait_for()


def test_files_go_up_with_progress_and_are_sent(
    page: Any, at: Any, studio: Studio, workers: Engine, tmp_path: Path
) -> None:
    of = workers.adopt(studio, studio.in_production(studio.campaign()))
    picture, film = tmp_path / "shelf.png", tmp_path / "routine.mp4"
    picture.write_bytes(PNG)
    film.write_bytes(MP4 + os.urandom(PART_SIZE + 1000))
    page.goto(at(of))
    assert not page.get_by_role("button", name="Upload this file").is_visible()
    page.get_by_label("Photos and videos").set_input_files([picture, film])
    page.get_by_label("Send shelf.png with this draft").wait_for()
    page.get_by_label("Send routine.mp4 with this draft").wait_for()
    said = page.locator("[data-said]")
    assert said.get_attribute("role") == "status"
    assert "Uploaded" in said.inner_text()
    assert violations(page) == []
    page.locator("#draft-caption").fill("#ad my routine")
    page.get_by_role("button", name="Send the draft to").click()
    page.get_by_role("heading", name="looks at your draft").wait_for()
    with studio.sessions() as session:
        files = session.scalars(select(Asset).where(Asset.collaboration_id == of)).all()
    draft = studio.state(of).submission_id
    assert {(each.file_name, each.state, each.submission_id) for each in files} == {
        ("shelf.png", "stored", draft),
        ("routine.mp4", "stored", draft),
    }


def test_a_bad_line_costs_one_part_and_no_more(
    page: Any, at: Any, studio: Studio, workers: Engine, tmp_path: Path
) -> None:
    of = studio.in_production(studio.campaign())
    film = tmp_path / "routine.mp4"
    film.write_bytes(MP4 + os.urandom(3 * PART_SIZE))
    page.goto(at(of))
    sent: list[int] = []

    def line(route: Any) -> None:
        part = re.search(r"partNumber=(\d+)", route.request.url)
        number = int(part.group(1)) if part else 0
        sent.append(number)
        if number == 3 and sent.count(3) < 3:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/drafts/**", line)
    page.get_by_label("Photos and videos").set_input_files(film)
    page.get_by_label("Send routine.mp4 with this draft").wait_for(timeout=30_000)
    assert sorted(sent) == [1, 2, 3, 3, 3, 4], "what was there was not sent again"
    page.reload()
    assert page.get_by_label("Send routine.mp4 with this draft").is_checked()


def test_a_file_that_is_none_is_refused_in_words(
    page: Any, at: Any, studio: Studio, workers: Engine, tmp_path: Path
) -> None:
    of = studio.in_production(studio.campaign())
    trick = tmp_path / "trick.png"
    trick.write_bytes(b"<html><script>alert(1)</script></html>")
    page.goto(at(of))
    page.get_by_label("Photos and videos").set_input_files(trick)
    page.locator(".files .error").wait_for()
    assert "This kind of file is not possible." in page.locator(".files").inner_text()
    assert violations(page) == []


def test_to_stripe_and_back(page: Any, at: Any, studio: Studio, workers: Engine, stack: Any) -> None:
    if "stripe.main" not in stack.ports:
        pytest.skip("the Stripe simulator is not a part of this stack")
    of = workers.adopt(studio, studio.waiting_for_account(studio.campaign()))
    page.goto(at(of))
    page.get_by_role("button", name="Set up how you are paid").click()
    page.get_by_role("heading", name="Set up payments").wait_for()
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("Your payment account is ready.").wait_for()


def test_a_page_that_waits_goes_on_by_itself(page: Any, at: Any, studio: Studio, workers: Engine) -> None:
    of = workers.adopt(studio, studio.invited(studio.campaign()))
    page.goto(at(of))
    workers.stop()
    try:
        page.locator("summary", has_text="No, thank you").click()
        page.get_by_label("The timing does not fit").check()
        page.get_by_role("button", name="Decline the offer").dblclick()
        page.get_by_role("heading", name="We are on it").wait_for()
        assert violations(page) == []
    finally:
        workers.start()
    page.get_by_role("heading", name="You said no, and that is fine").wait_for(timeout=30_000)
    assert studio.state(of).stage is Stage.DECLINED


def test_a_page_of_a_check_goes_on_by_itself(page: Any, at: Any, studio: Studio) -> None:
    of = studio.posted(studio.campaign())
    page.goto(at(of))
    page.get_by_role("heading", name="We check your post").wait_for()
    studio.check(of, "wrong_author")
    page.get_by_role("heading", name="We could not accept this post yet").wait_for(timeout=30_000)
