"""Made-up contexts of every kind of e-mail, so that a letter can be read before anybody gets it.

The people, the brand and the products do not exist. Nothing here touches a database or sends anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from activities.letters import Fix, NoticeContext, Parcel
from domain.money import Money
from domain.notices import NoticeKind
from domain.offer import CampaignType, Deliverable, Format, Offer, Platform
from domain.policy import Policy
from domain.stages import Stage

NOW: Final = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
_ADDRESS: Final = "https://handsel.example/c/kqJ8x0mTRz2dY5bWvUe1Ng7sHcPfLoA4iQyZtBnXwE9"
_UNSUBSCRIBE: Final = "https://handsel.example/u/8mTz2dY5bWvUe1Ng7sHcPfLoA4iQyZtBnXwE9kqJ8x0"
_FEE: Final = Money(amount=22_000, currency="EUR")
_PARCEL_KINDS: Final = {
    NoticeKind.ADDRESS_PROBLEM,
    NoticeKind.ADDRESS_REMINDER,
    NoticeKind.SHIPPED,
    NoticeKind.DELIVERED,
    NoticeKind.PARCEL_REPORT_RECEIVED,
    NoticeKind.PARCEL_REPLACED,
    NoticeKind.PARCEL_RETURNED,
    NoticeKind.PARCEL_EXCUSED,
}
_OWED_KINDS: Final = {NoticeKind.DRAFT_APPROVED, NoticeKind.CHANGES_REQUESTED}
_PAYMENT_KINDS: Final = {
    NoticeKind.PAYMENT_SETUP,
    NoticeKind.PAID,
    NoticeKind.TAIL_WITHHELD,
    NoticeKind.BANK_PAYOUT_FAILED,
}
_BEFORE_ANSWER: Final = {
    NoticeKind.INVITATION,
    NoticeKind.INVITATION_REMINDER,
    NoticeKind.WAITLISTED,
    NoticeKind.WAITLIST_CLOSED,
}
_STAGES: Final = {
    NoticeKind.INVITATION: Stage.INVITED,
    NoticeKind.INVITATION_REMINDER: Stage.INVITED,
    NoticeKind.CHANGES_REQUESTED: Stage.CHANGES_REQUESTED,
    NoticeKind.DRAFT_APPROVED: Stage.APPROVED,
    NoticeKind.DISCLOSURE_FIX: Stage.DISCLOSURE_CHECK,
    NoticeKind.POST_CHANGED: Stage.COMPLETED,
    NoticeKind.PROOF_WANTED: Stage.DISCLOSURE_CHECK,
    NoticeKind.PAYMENT_SETUP: Stage.PAYABLE,
    NoticeKind.PAID: Stage.PAID,
    NoticeKind.TAIL_WITHHELD: Stage.COMPLETED,
    NoticeKind.BANK_PAYOUT_FAILED: Stage.COMPLETED,
}
_FIX: Final = Fix(
    place="Instagram reel",
    url="https://www.instagram.com/reel/C8xyz123/",
    explanation="“#partner” is not clear enough: people do not take it for advertising.",
    sentence="Write “#ad” on the screen in the first seconds, and say it aloud as well.",
    words="#ad",
    where="on the screen in the first seconds, and say it aloud as well",
)


def samples(kind: NoticeKind) -> Iterator[tuple[CampaignType, NoticeContext]]:
    """One context for every type of campaign in which this kind is sent."""
    for type_ in CampaignType:
        if kind in _PARCEL_KINDS and not type_.ships:
            continue
        if kind in _OWED_KINDS and not type_.owes_content:
            continue
        if kind in _PAYMENT_KINDS and not type_.pays:
            continue
        yield type_, sample(kind, type_)


def sample(kind: NoticeKind, type_: CampaignType, **other: Any) -> NoticeContext:
    """A context as it would be when this kind is sent; `other` replaces single fields."""
    accepted = kind not in _BEFORE_ANSWER
    fields: dict[str, Any] = {
        "brand_name": "Lumen & Oak",
        "brand_address": "Lumen & Oak GmbH\nLindengasse 4\n1070 Vienna, Austria",
        "campaign_name": "Winter glow",
        "reader_name": "Mia Weber",
        "locale": "en_AT",
        "zone": "Europe/Vienna",
        "type": type_,
        "offer": Offer(
            type=type_,
            fee=_FEE if type_.pays else None,
            deliverables=[
                Deliverable(platform=Platform.INSTAGRAM, format=Format.REEL),
                Deliverable(platform=Platform.INSTAGRAM, format=Format.STORY, quantity=2),
            ],
        ),
        "policy": Policy(),
        "brief": "Show how our barrier cream fits into your own evening routine, in your own words.",
        "stage": _STAGES.get(kind, Stage.IN_PRODUCTION if type_.owes_content else Stage.DELIVERED),
        "draft_first": type_.owes_content,
        "accepted": accepted,
        "product": "Barrier cream, 50 ml" if type_.ships else "",
        "choices": 0 if accepted or not type_.ships else 3,
        "product_value": Money(amount=4_800, currency="EUR") if type_.ships else None,
        "parcel": _parcel(),
        "parcel_sent": accepted and type_.ships,
        "due_at": datetime(2026, 3, 24, 22, 59, 59, tzinfo=UTC),
        "review_by": NOW + timedelta(days=3),
        "remedy_by": datetime(2026, 3, 6, 22, 59, 59, tzinfo=UTC),
        "pay_by": datetime(2026, 4, 2, 21, 59, 59, tzinfo=UTC) if type_.pays else None,
        "paid_at": NOW if type_.pays else None,
        "due": _FEE if type_.pays else None,
        "transfer_id": "tr_1QxT2mLkdIwHu7ix" if type_.pays else "",
        "terms_file": "terms-winter-glow.txt",
        "terms_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "label": "#ad" if type_.pays else "Lumen & Oak gave me this for free",
        "feedback": "Lovely light!\nPlease show the tube closed, and leave out the other brand on the shelf.",
        "revision": 1,
        "extension": "3d",
        "fixes": (_FIX,),
        "problem": _problem(kind),
        "reason": "lost" if kind is NoticeKind.PARCEL_REPLACED else "not_the_agreed_product",
        "link": _ADDRESS,
        "payment_link": f"{_ADDRESS}#payment",
        "unsubscribe_link": _UNSUBSCRIBE,
    }
    return NoticeContext.model_validate(fields | other)


def _parcel() -> Parcel:
    number = "JJD000390007896315"
    return Parcel(
        carrier="DHL",
        tracking_number=number,
        tracking_url=f"https://www.dhl.com/at-en/home/tracking.html?tracking-id={number}",
    )


def _problem(kind: NoticeKind) -> str:
    if kind is NoticeKind.POST_CHANGED:
        return "fail"
    return "damaged" if kind is NoticeKind.PARCEL_REPORT_RECEIVED else "removed"
