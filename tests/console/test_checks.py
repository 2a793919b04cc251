"""Captions and reviews in the console: the verdict with its words, and decisions with a reason."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.policy import Policy
from domain.roles import Role
from domain.stages import Stage
from infra.settings import Settings
from infra.tables import Collaboration, Event, Remark
from tests.console.conftest import Browser, Team
from tests.pages.engine import Engine
from tests.pages.studio import Studio

FORM = {
    "platform": "instagram",
    "format": "post",
    "jurisdictions": "US",
    "relationship": "paid",
    "brand_name": "Kelpie Kettles",
}


@pytest.fixture(scope="session")
def running_engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings)
    yield engine
    engine.close()


@pytest.fixture
def engine(running_engine: Engine) -> Iterator[Engine]:
    running_engine.start()
    yield running_engine
    running_engine.stop()


@pytest.fixture
def studio(app: FastAPI, sessions: sessionmaker[Session], settings: Settings, team: Team) -> Studio:
    """A studio whose brand is the team's."""
    return Studio(sessions, app.state.vault, settings).of_brand(team.brand_id)


def test_a_caption_is_judged_and_its_words_are_marked(team: Team) -> None:
    viewer = team.signed_in(Role.VIEWER)
    page = viewer.send(
        "/console/disclosure", "/console/disclosure", 200, caption="Ad <i>: soup.\nMore.", **FORM
    )
    assert "<mark>Ad</mark> &lt;i&gt;: soup." in page.text
    assert "Clearly marked" in page.text
    assert "2026" in page.text, "the version of the rules is named"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"caption": ""}, "Please paste a caption"),
        ({"jurisdictions": "USA"}, "two letters"),
        ({"jurisdictions": ""}, "two letters"),
        ({"platform": "myspace"}, "Please choose."),
        ({"brand_name": ""}, "Please fill this in."),
        ({"caption": "x" * 20_001}, "at most 20000 characters"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_at_its_field(
    team: Team, change: dict[str, str], sentence: str
) -> None:
    fields = {"caption": "Ad: soup", **FORM, **change}
    page = team.signed_in(Role.OPS).send("/console/disclosure", "/console/disclosure", 422, **fields)
    assert sentence in html.unescape(page.text)
    assert 'value="Kelpie Kettles"' in page.text or "brand_name" in change


def unsure(studio: Studio, engine: Engine, **policy: object) -> str:
    """A collaboration whose post a person has to look at."""
    campaign = studio.campaign(policy=Policy.model_validate(policy))
    of = studio.unsure(campaign)
    return engine.adopt(studio, of)


def test_a_post_is_shown_with_everything_and_accepted_with_a_reason(
    team: Team, studio: Studio, engine: Engine, sessions: sessionmaker[Session]
) -> None:
    of = unsure(studio, engine)
    ops = team.signed_in(Role.OPS)
    listed = ops.open("/console/reviews").text
    assert f"/console/reviews/{of}" in listed
    path = f"/console/reviews/{of}"
    page = html.unescape(ops.open(path).text)
    for words in ("A person has to look", "Live post", "What happened", "SHA-256", "Accept the post"):
        assert words in page
    missing = ops.send(path, f"{path}/accept", 422, remark="I saw it")
    assert "Please choose." in missing.text
    done = ops.send(path, f"{path}/accept", reason="seen_in_the_post", remark="It stands <there>.")
    page_after = ops.open(done.headers["location"]).text
    assert "The post is accepted." in page_after
    assert "It stands &lt;there&gt;." in page_after
    with sessions() as session:
        row = session.get_one(Collaboration, of)
        event = session.scalars(
            select(Event).where(Event.collaboration_id == of, Event.name == "post_accepted")
        ).one()
        remark = session.get_one(Remark, event.data["remark_id"])
    assert row.stage not in (Stage.DISCLOSURE_CHECK, Stage.POSTED)
    assert event.actor_id == team.ids[Role.OPS]
    assert remark.text == "It stands <there>."


def test_the_same_form_sent_twice_counts_once(team: Team, studio: Studio, engine: Engine) -> None:
    of = unsure(studio, engine)
    path = f"/console/reviews/{of}"
    ops = team.signed_in(Role.OPS)
    page = ops.open(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    fields = hidden | {"reason": "not_marked"}
    assert ops.post(f"{path}/reject", **fields).headers["location"].endswith("done=post_rejected")
    assert ops.post(f"{path}/reject", **fields).headers["location"].endswith("done=post_rejected")


def test_two_people_accept_where_the_policy_says_so(team: Team, studio: Studio, engine: Engine) -> None:
    of = unsure(studio, engine, accept_by_two=True)
    path = f"/console/reviews/{of}"
    ops, owner = team.signed_in(Role.OPS), team.signed_in(Role.OWNER)
    first = ops.send(path, f"{path}/accept", reason="clear_in_context")
    assert first.headers["location"].endswith("done=seconded")
    again = ops.send(path, f"{path}/accept", 403, reason="clear_in_context")
    assert "another person" in again.text.lower()
    assert "you are the second" in owner.open(path).text
    second = owner.send(path, f"{path}/accept", reason="clear_in_context")
    assert second.headers["location"].endswith("done=post_accepted")


def test_a_viewer_sees_and_does_not_decide(team: Team, studio: Studio, engine: Engine) -> None:
    of = unsure(studio, engine)
    page = team.signed_in(Role.VIEWER).open(f"/console/reviews/{of}")
    assert "takes the role owner or ops" in page.text
    assert f"/console/reviews/{of}/accept" not in page.text


def test_another_brands_post_does_not_exist(
    other_team: Team, studio: Studio, engine: Engine, new_browser: Callable[..., Browser]
) -> None:
    of = unsure(studio, engine)
    other_team.signed_in(Role.OPS).open(f"/console/reviews/{of}", 404)
    assert of not in other_team.signed_in(Role.OPS).open("/console/reviews").text


def test_a_finding_after_the_payment_is_settled_on_the_same_page(
    team: Team, studio: Studio, engine: Engine, sessions: sessionmaker[Session]
) -> None:
    of = studio.changed_after_payment(studio.campaign())
    path = f"/console/reviews/{of}"
    ops = team.signed_in(Role.OPS)
    page = html.unescape(ops.open(path).text)
    assert "Watch" in page
    assert "no money moves by this" in page
    done = ops.send(path, f"{path}/settle", reason="still_fine", remark="Same film, better light.")
    assert done.headers["location"].endswith("done=finding_settled")
    with sessions() as session:
        row = session.get_one(Collaboration, of)
    assert (row.stage, row.attention) == (Stage.COMPLETED, None)
    assert "Same film, better light." in ops.open(path).text
