"""Every stage has its page: it says what happened, what is next and who has the ball."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.commands import (
    CloseWaitlist,
    Decline,
    DeclineReason,
    Deliver,
    Expire,
    Lose,
    OpenAttempt,
    ParcelProblem,
    Promote,
    RejectAddress,
    RejectPost,
    ReportParcel,
    Return,
    Waitlist,
    Withdraw,
)
from domain.offer import CampaignType
from domain.policy import Policy
from domain.roles import CLOCK
from tests.pages.conftest import Browser
from tests.pages.studio import BRAND, CARRIER, CREATOR, Studio

Way = Callable[[Studio], str]


def _gift(studio: Studio) -> str:
    return studio.campaign(CampaignType.GIFTING)


def _waitlisted(studio: Studio) -> str:
    of = studio.invited(studio.campaign())
    studio.give(of, Waitlist(answer_id=studio.answer(of)))
    return of


def _promoted(studio: Studio) -> str:
    of = _waitlisted(studio)
    studio.give(of, Promote())
    return of


def _unshippable(studio: Studio) -> str:
    of = studio.accepted(studio.campaign())
    studio.give(of, RejectAddress(), BRAND)
    return of


def _returned(studio: Studio) -> str:
    of = studio.shipped(studio.campaign())
    studio.give(of, Return(), CARRIER)
    return of


def _replaced(studio: Studio) -> str:
    of = studio.shipped(studio.campaign())
    studio.give(of, Lose(), BRAND)
    return of


def _disputed(studio: Studio) -> str:
    of = studio.shipped(studio.campaign())
    studio.give(of, ReportParcel(problem=ParcelProblem.NOT_ARRIVED), CREATOR)
    return of


def _excused(studio: Studio) -> str:
    of = studio.shipped(studio.campaign(policy=Policy(replacements=0)))
    studio.give(of, Lose(), BRAND)
    return of


def _gift_enjoyed(studio: Studio) -> str:
    of = studio.shipped(_gift(studio))
    studio.give(of, Deliver(), CARRIER)
    return of


def _unsure(studio: Studio) -> str:
    of = studio.posted(studio.campaign())
    studio.check(of, "needs_review")
    return of


def _wrong_author(studio: Studio) -> str:
    of = studio.posted(studio.campaign())
    studio.check(of, "wrong_author")
    return of


def _must_stay_live(studio: Studio) -> str:
    of = studio.posted(studio.campaign(policy=Policy(live_for="7d")))
    studio.check(of, "pass")
    return of


def _paying(studio: Studio) -> str:
    of = studio.payable(studio.campaign())
    studio.payee(of)
    studio.give(of, OpenAttempt(report_id=studio.report(of)))
    return of


def _declined(studio: Studio) -> str:
    of = studio.invited(studio.campaign())
    studio.give(of, Decline(reason=DeclineReason.TIMING), CREATOR)
    return of


def _expired(studio: Studio) -> str:
    of = studio.invited(studio.campaign(policy=Policy(invitation_reminders=[])))
    studio.later(days=9)
    studio.give(of, Expire(), CLOCK)
    return of


def _no_place(studio: Studio) -> str:
    of = _waitlisted(studio)
    studio.give(of, CloseWaitlist())
    return of


def _taken_back(studio: Studio) -> str:
    of = studio.accepted(studio.campaign())
    studio.give(of, Withdraw(), BRAND)
    return of


def _stepped_back(studio: Studio) -> str:
    of = studio.accepted(studio.campaign())
    studio.give(of, Withdraw(), CREATOR)
    return of


def _rejected(studio: Studio) -> str:
    of = _unsure(studio)
    studio.give(of, RejectPost(reason="off_brief"), BRAND)
    return of


def _paid_without_parcel(studio: Studio) -> str:
    return studio.in_production(studio.campaign(CampaignType.PAID))


STATES: dict[str, tuple[Way, str, str]] = {
    "queued": (lambda s: s.queue(s.campaign()), "Your invitation is being prepared", "We are on it"),
    "invited": (lambda s: s.invited(s.campaign()), "A paid collaboration with", "Please answer by"),
    "invited to a gift": (lambda s: s.invited(_gift(s)), "would like to send you a gift", "never owed"),
    "invited again": (_promoted, "A paid collaboration with", "A place is free now"),
    "waitlisted": (_waitlisted, "Your yes is kept", "turn"),
    "unshippable": (_unshippable, "We cannot ship to this address", "Your turn"),
    "returned": (_returned, "The parcel came back", "Your turn"),
    "preparing": (lambda s: s.accepted(s.campaign()), "Your parcel is being made ready", "Ships by"),
    "replaced": (_replaced, "A new parcel is being made ready", "No clock runs against you"),
    "shipped": (lambda s: s.shipped(s.campaign()), "Your parcel is on its way", "With the carrier"),
    "disputed": (_disputed, "We look into your parcel", "no clock runs against you"),
    "delivered": (_gift_enjoyed, "Enjoy it", "You owe nothing"),
    "in production": (lambda s: s.in_production(s.campaign()), "Time to create", "Your turn"),
    "in production, no parcel": (_paid_without_parcel, "Time to create", "Your turn"),
    "in review": (lambda s: s.in_review(s.campaign()), "looks at your draft", "counts as approved"),
    "changes requested": (
        lambda s: s.changes_requested(s.campaign()),
        "asks for a change",
        "Please show the bottle longer.",
    ),
    "approved": (lambda s: s.approved(s.campaign()), "Approved. You can post it", "Your turn"),
    "posted": (lambda s: s.posted(s.campaign()), "We check your post", "We are on it"),
    "to mend": (lambda s: s.to_mend(s.campaign()), "One thing to change", "at the very start of the caption"),
    "wrong author": (_wrong_author, "We could not accept this post yet", "another account than yours"),
    "unsure": (_unsure, "A person looks at your post", "turn"),
    "must stay live": (_must_stay_live, "Your post is fine", "Keep it online until"),
    "payable": (lambda s: s.payable(s.campaign()), "Your fee is earned", "Paid by"),
    "payable, no account": (
        lambda s: s.waiting_for_account(s.campaign()),
        "Set up how you are paid",
        "Waits for you",
    ),
    "paying": (_paying, "Your payment is on its way", "We are on it"),
    "paid": (lambda s: s.paid(s.campaign()), "You are paid", "Stripe balance"),
    "completed": (lambda s: s.completed(s.campaign()), "All done. Thank you!", "confirmed by Stripe"),
    "declined": (_declined, "You said no, and that is fine", "Thank you for telling us"),
    "expired": (_expired, "This offer has closed", "no mark against you"),
    "no place": (_no_place, "No place became free", "Thank you for your yes"),
    "taken back": (_taken_back, "took the offer back", "You owe nothing"),
    "stepped back": (_stepped_back, "You stepped back", "yours to keep"),
    "excused": (_excused, "The parcel never made it", "no mark against you"),
    "rejected": (_rejected, "The post was not accepted", "please reply to our last e-mail"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_page_says_how_things_stand(state: str, studio: Studio, browser: Browser) -> None:
    way, title, next_ = STATES[state]
    of = way(studio)
    page = browser.open(studio.link(of))
    assert page.status_code == 200
    assert title in page.text
    assert next_ in page.text
    if state not in ("invited", "invited to a gift", "invited again", "queued"):
        assert "What happened" in page.text
    assert "Undefined" not in page.text
    assert "{" not in page.text, "a text was not filled in"
