"""A creator tries a caption, and sees what the check of a draft said."""

from __future__ import annotations

from sqlalchemy import func, select

from domain.stages import Stage
from infra.tables import Asset, Campaign, Creator, DisclosureCheck, Event, Notice
from tests.pages.conftest import Browser
from tests.pages.engine import Engine
from tests.pages.studio import Studio

PLAIN = "Oat serum, every morning."


def american(studio: Studio, of: str) -> None:
    """Let the rules of the United States hold for this creator."""
    with studio.sessions.begin() as session:
        session.get_one(Creator, studio.state(of).creator_id).country = "US"


def count(studio: Studio, of: str) -> tuple[int | None, int | None]:
    with studio.sessions() as session:
        return (
            session.scalar(select(func.count()).where(Event.collaboration_id == of)),
            session.scalar(select(func.count()).where(DisclosureCheck.collaboration_id == of)),
        )


def test_a_caption_is_tried_as_often_as_one_likes_and_nothing_changes(
    studio: Studio, browser: Browser
) -> None:
    of = studio.in_production(studio.campaign())
    american(studio, of)
    path, before = studio.link(of), count(studio, of)
    assert "Try your caption first" in browser.open(path).text
    bad = browser.client.post(f"{path}/try", data={"caption": PLAIN})
    assert bad.status_code == 200
    assert "Not clearly marked yet" in bad.text
    assert f">{PLAIN}</textarea>" in bad.text
    better = browser.client.post(f"{path}/try", data={"caption": f"Ad <b>:</b> {PLAIN}"})
    assert "<mark>Ad</mark> &lt;b&gt;" in better.text
    assert count(studio, of) == before
    assert studio.state(of).stage is Stage.IN_PRODUCTION


def test_an_empty_or_endless_caption_is_named(studio: Studio, browser: Browser) -> None:
    path = studio.link(studio.in_production(studio.campaign()))
    empty = browser.client.post(f"{path}/try", data={"caption": "  "})
    assert empty.status_code == 422
    assert "Please paste the text of your post." in empty.text
    assert browser.client.post(f"{path}/try", data={"caption": "x" * 5001}).status_code == 422


def test_nobody_tries_anything_through_a_link_that_does_not_act(studio: Studio, browser: Browser) -> None:
    done = studio.completed(studio.campaign())
    assert browser.client.post(f"{studio.link(done)}/try", data={"caption": PLAIN}).status_code in (303, 410)
    assert browser.client.post("/c/nonsense/try", data={"caption": PLAIN}).status_code == 404


def test_a_draft_is_checked_when_it_is_handed_in_and_both_see_the_advice(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = studio.in_production(studio.campaign())
    american(studio, of)
    engine.adopt(studio, of)
    answer = browser.send(studio.link(of), "draft", caption=PLAIN)
    page = browser.open(answer.headers["location"])
    assert "About the marking of your draft" in page.text
    assert "Not clearly marked yet" in page.text
    state = studio.state(of)
    with studio.sessions() as session:
        row = session.scalars(select(DisclosureCheck).where(DisclosureCheck.collaboration_id == of)).one()
        campaign = session.get_one(Campaign, state.campaign_id)
    assert (row.kind, row.submission_id, row.number) == ("draft", state.submission_id, 1)
    assert row.outcome == "fail"
    assert row.input[0]["caption"] == PLAIN
    assert len(row.input_sha256) == 64
    assert len(row.findings) == len({(d["platform"], d["format"]) for d in campaign.offer["deliverables"]})


def test_advice_on_a_good_draft_is_silence(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = studio.in_production(studio.campaign())
    american(studio, of)
    engine.adopt(studio, of)
    answer = browser.send(studio.link(of), "draft", caption=f"Ad: {PLAIN}")
    page = browser.open(answer.headers["location"]).text
    with studio.sessions() as session:
        row = session.scalars(select(DisclosureCheck).where(DisclosureCheck.collaboration_id == of)).one()
    assert ("About the marking of your draft" in page) == (row.outcome != "pass")


PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)


def test_a_proof_is_asked_for_and_kept_with_the_post(studio: Studio, browser: Browser) -> None:
    of = studio.posted(studio.campaign())
    seen = {"url": studio.post_url, "caption": "Ad: oats", "unknown": ["overlay_text"]}
    studio.check(of, "needs_review", {"reason": "proof_needed"}, seen)
    path = studio.link(of)
    page = browser.open(path).text
    assert "Show us your post" in page
    assert "please send a recording or a screenshot" in page
    empty = browser.client.post(f"{path}/proof", files={"file": ("", b"")})
    assert empty.status_code == 422
    words = browser.client.post(f"{path}/proof", files={"file": ("a.png", b"not a picture", "image/png")})
    assert words.status_code == 422
    sent = browser.client.post(f"{path}/proof", files={"file": ("seen.png", PNG, "image/png")})
    assert sent.headers["location"].endswith("done=proof")
    page = browser.open(sent.headers["location"]).text
    assert "A person looks at it now." in page
    assert "seen.png" in page
    with studio.sessions() as session:
        asset = session.scalars(select(Asset).where(Asset.collaboration_id == of)).one()
        mails = session.scalars(select(Notice.kind).where(Notice.collaboration_id == of)).all()
    assert asset.submission_id == studio.state(of).post_id
    assert "proof_wanted" in mails


def test_nobody_sends_a_proof_that_was_not_asked_for(studio: Studio, browser: Browser) -> None:
    of = studio.to_mend(studio.campaign())
    path = studio.link(of)
    assert "Show us your post" not in browser.open(path).text
    sent = browser.client.post(f"{path}/proof", files={"file": ("seen.png", PNG, "image/png")})
    assert sent.status_code == 303
    with studio.sessions() as session:
        assert session.scalars(select(Asset).where(Asset.collaboration_id == of)).all() == []
