"""The creator's work through the page, on a real workflow: drafts, time, parcels, posts, stepping back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from domain.offer import CampaignType
from domain.policy import Policy
from domain.stages import Stage
from infra.tables import Asset, Notice, Post, Submission
from infra.vault import answer_of
from tests.pages.conftest import Browser
from tests.pages.engine import Engine
from tests.pages.studio import Studio

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)
CAPTION = "#ad I love this oat serum"


def test_it_arrived(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.shipped(studio.campaign()))
    answer = browser.send(studio.link(of), "arrived")
    page = browser.open(answer.headers["location"])
    assert "Good to hear. Your time starts now." in page.text
    assert "Time to create" in page.text
    due = studio.state(of).due_at
    assert due is not None
    assert (due - datetime.now(UTC)).days in (20, 21)


def test_a_broken_parcel_stops_the_clock(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.in_production(studio.campaign()))
    path = studio.link(of)
    assert "Please choose what is wrong." in browser.send(path, "parcel", note="glass everywhere").text
    answer = browser.send(path, "parcel", problem="damaged", note="glass everywhere")
    page = browser.open(answer.headers["location"])
    assert "We look into your parcel" in page.text
    assert "You told us that it came broken" in page.text
    state = studio.state(of)
    assert state.due_at is None
    assert "/parcel" not in page.text
    with studio.sessions() as session:
        notices = session.scalars(select(Notice.kind).where(Notice.collaboration_id == of)).all()
    assert "parcel_report_received" in notices


def test_a_draft_of_words_and_a_file_without_script(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.in_production(studio.campaign()))
    path = studio.link(of)
    empty = browser.send(path, "draft", caption="  ")
    assert empty.status_code == 422
    assert "Please add at least one file, or the text of your post." in empty.text
    form = browser.form(browser.open(path), "draft") | {"caption": CAPTION}
    page = browser.client.post(f"{path}/files", data=form, files={"file": ("my shelf.png", PNG, "image/png")})
    assert page.status_code == 200
    assert CAPTION in page.text
    assert "Send my shelf.png with this draft" in page.text
    with studio.sessions() as session:
        asset = session.scalars(select(Asset).where(Asset.collaboration_id == of)).one()
    assert asset.state == "stored"
    sent = browser.send(path, "draft", caption=CAPTION, asset=[asset.id])
    page = browser.open(sent.headers["location"])
    assert "looks at your draft" in page.text
    assert "Your draft is on its way." in page.text
    state = studio.state(of)
    assert state.stage is Stage.IN_REVIEW
    with studio.sessions() as session:
        draft = session.get_one(Submission, state.submission_id)
        assert draft.caption == CAPTION
        assert draft.state == "in_review"
        assert session.get_one(Asset, asset.id).submission_id == draft.id


def test_files_of_a_draft_that_was_refused_are_not_lost(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = studio.in_production(studio.campaign())
    path = studio.link(of)
    form = browser.form(browser.open(path), "draft")
    browser.client.post(f"{path}/files", data=form, files={"file": ("a.png", PNG, "image/png")})
    with studio.sessions() as session:
        asset_id = session.scalars(select(Asset.id).where(Asset.collaboration_id == of)).one()
    refused = browser.send(path, "draft", caption=CAPTION, asset=[asset_id])
    assert refused.status_code == 404, "no workflow runs for it"
    with studio.sessions() as session:
        assert session.get_one(Asset, asset_id).submission_id is None
    engine.adopt(studio, of)
    assert browser.send(path, "draft", caption=CAPTION, asset=[asset_id]).status_code == 303


def test_feedback_is_shown_and_the_changed_draft_goes_back(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.changes_requested(studio.campaign(), "More light, <please>."))
    path = studio.link(of)
    assert "More light, &lt;please&gt;." in browser.open(path).text
    answer = browser.send(path, "draft", caption="#ad brighter now")
    assert answer.status_code == 303
    assert studio.state(of).stage is Stage.IN_REVIEW


def test_a_little_more_time_is_granted_at_once_and_a_lot_is_asked(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.in_production(studio.campaign()))
    path = studio.link(of)
    before = studio.state(of).due_at
    page = browser.open(path)
    assert "3 days: granted at once" in page.text
    assert "Please choose how much more time" in browser.send(path, "extension", span="90d").text
    answer = browser.send(path, "extension", span="3d")
    page = browser.open(answer.headers["location"])
    assert "Done. You have more time." in page.text
    assert "You got 3 days more" in page.text
    after = studio.state(of).due_at
    assert before is not None
    assert after is not None
    assert (after - before).days in (2, 3)
    answer = browser.send(path, "extension", span="4d")
    page = browser.open(answer.headers["location"])
    assert "You asked for 4 days more" in page.text
    assert "/extension" not in page.text


def test_the_address_of_the_post_is_checked_before_it_is_taken(
    studio: Studio, browser: Browser, engine: Engine
) -> None:
    of = engine.adopt(studio, studio.approved(studio.campaign(pieces=2)))
    path = studio.link(of)
    base = studio.settings.post_hosts["instagram"]
    good = f"{base}/instagram/ada/p/Xy12"
    page = browser.open(path)
    assert "Address of your Instagram reel (1 of 2)" in page.text
    assert "@ada" in page.text
    for bad, words in (
        ("", "Please send the address of this post."),
        ("https://evil.example/instagram/ada/p/1", "This is not an address of Instagram."),
        (f"{base}/instagram/ada", "This is not the address of a post there."),
        (f"{base}/tiktok/ada/p/1", "This is not"),
        ("javascript:alert(1)", "This is not"),
    ):
        refused = browser.send(path, "post", url_0=bad, url_1=good)
        assert refused.status_code == 422, bad
        assert words in refused.text
    twice = browser.send(path, "post", url_0=good, url_1=good)
    assert "The same address is given twice." in twice.text
    assert studio.state(of).stage is Stage.APPROVED
    answer = browser.send(path, "post", url_0=good, url_1=f"{base}/instagram/ada/p/Zz34")
    assert answer.status_code == 303
    with studio.sessions() as session:
        urls = session.scalars(select(Post.url).where(Post.collaboration_id == of).order_by(Post.deliverable))
        assert list(urls) == [good, f"{base}/instagram/ada/p/Zz34"]


def test_look_again_after_the_marking_was_changed(studio: Studio, browser: Browser, engine: Engine) -> None:
    studio.clock = datetime.now(UTC) - timedelta(days=3)
    of = engine.adopt(studio, studio.to_mend(studio.campaign()))
    path = studio.link(of)
    page = browser.open(path)
    assert "Write #ad at the very start of the caption." in page.text
    answer = browser.send(path, "recheck")
    assert answer.headers["location"].endswith("done=recheck")


def test_stepping_back_needs_the_box(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.accepted(studio.campaign()))
    path = studio.link(of)
    assert "Please tick the box if you want to step back." in browser.send(path, "withdraw").text
    answer = browser.send(path, "withdraw", confirm="yes")
    page = browser.open(answer.headers["location"])
    assert "You stepped back" in page.text
    assert studio.state(of).stage is Stage.WITHDRAWN_BY_CREATOR


def test_late_content_is_still_taken_in_the_extra_time(studio: Studio, browser: Browser) -> None:
    of = studio.in_production(studio.campaign(policy=Policy(content_within="1d", grace="14d")))
    page = browser.open(studio.link(of))
    assert "You can still hand it in until" in page.text
    assert "/draft" in page.text


def test_a_gift_owes_nothing_and_may_be_posted(studio: Studio, browser: Browser, engine: Engine) -> None:
    of = engine.adopt(studio, studio.shipped(studio.campaign(CampaignType.GIFTING)))
    path = studio.link(of)
    browser.send(path, "arrived")
    page = browser.open(path)
    assert "Enjoy it" in page.text
    assert "/draft" not in page.text
    assert "/post" in page.text


def test_what_was_reported_is_kept_sealed(studio: Studio, browser: Browser, engine: Engine) -> None:
    from infra.tables import Answer

    of = engine.adopt(studio, studio.shipped(studio.campaign()))
    browser.send(studio.link(of), "parcel", problem="not_arrived", note="My neighbour Bea has nothing")
    with studio.sessions() as session:
        row = session.scalars(
            select(Answer).where(Answer.collaboration_id == of, Answer.kind == "report")
        ).one()
        assert answer_of(session, studio.vault, row.id).note == "My neighbour Bea has nothing"
    assert b"neighbour" not in row.sealed
