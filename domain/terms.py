"""The terms as a creator reads them: the whole text, made once from the offer, frozen with its SHA-256.

Deterministic and without personal data: the same offer always reads the same, so that anybody can make the
text again and compare. Every clock and limit of the policy that binds either side stands in it; a line that
is missing here does not bind the creator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from domain.campaign import Brief
from domain.clocks import length
from domain.money import Money, as_decimal, exponent
from domain.offer import CampaignType, Deliverable, Offer
from domain.payment_policy import LateFee
from domain.policy import Policy

VERSION: Final = "2"
"""Version of the wording; stands in the text, so that a change of wording changes the hash."""

_UNITS: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second"}


class Gift(NamedTuple):
    """One product that may be chosen."""

    name: str
    value: Money
    """Fair retail value of one piece."""


def terms_text(
    *,
    brand: str,
    campaign: str,
    offer: Offer,
    policy: Policy,
    brief: Brief,
    gifts: Sequence[Gift] = (),
) -> str:
    """The full terms, plain text in paragraphs under capital headings."""
    parts = [
        ("", _opening(brand, campaign, offer)),
        ("WHAT YOU GET", _what_you_get(offer, gifts)),
        ("WHAT WE ASK", _what_we_ask(brand, offer, brief)),
        ("BY WHEN", _by_when(offer, policy)),
        ("WHEN YOU ARE PAID", _when_paid(brand, offer, policy)),
        ("MARK THE POST", _disclosure(brand, offer, policy)),
        ("WHAT WE MAY DO WITH YOUR CONTENT", _rights(brand, offer)),
        ("CLOCKS ON OUR SIDE", _our_clocks(brand, offer, policy)),
        ("IF THE PARCEL GOES WRONG", _parcel(offer, policy)),
        ("WAY OUT", _way_out(brand, offer)),
        ("WHAT IS RECORDED", _record()),
    ]
    blocks = []
    for heading, lines in parts:
        body = "\n".join(lines)
        if body:
            blocks.append(f"{heading}\n{body}" if heading else body)
    return "\n\n".join(blocks) + "\n"


def terms_hash(text: str) -> str:
    """SHA-256 of the text as UTF-8, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def in_words(span: str) -> str:
    """A span in words: '21d' is '21 days', '1h' is '1 hour'."""
    count, unit = int(span[:-1]), _UNITS[span[-1]]
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def money_in_words(money: Money) -> str:
    """An amount as terms write it: 'USD 220.00'."""
    return f"{money.currency} {as_decimal(money):,.{exponent(money.currency)}f}"


def _items(lines: Iterable[str]) -> Iterator[str]:
    return (f"- {line}" for line in lines)


def _pieces(deliverables: Sequence[Deliverable]) -> Iterator[str]:
    names = {"instagram": "Instagram", "tiktok": "TikTok", "youtube": "YouTube"}
    for piece in deliverables:
        plural = "" if piece.quantity == 1 else {"story": "stories"}.get(piece.format, f"{piece.format}s")
        yield f"{piece.quantity} {names[piece.platform]} {plural or piece.format}"


def _opening(brand: str, campaign: str, offer: Offer) -> Iterator[str]:
    kind = {
        CampaignType.GIFTING: "a gift, with no obligation to post",
        CampaignType.GIFTING_AGREED: "a product in exchange for content",
        CampaignType.GIFTING_PAID: "a product and a fee for content",
        CampaignType.PAID: "a fee for content",
    }[offer.type]
    yield f'Terms of the collaboration between {brand} ("we") and you for "{campaign}": {kind}.'
    yield f"Wording {VERSION}. These terms begin when you accept them, and do not change after that."


def _what_you_get(offer: Offer, gifts: Sequence[Gift]) -> Iterator[str]:
    if offer.type.ships:
        yield "One product of your choice from the list, sent to you free of charge and yours to keep:"
        yield from _items(f"{gift.name} (retail value {money_in_words(gift.value)})" for gift in gifts)
    if offer.fee is not None:
        yield f"A fee of {money_in_words(offer.fee)}, set aside for you from the moment you accept."


def _what_we_ask(brand: str, offer: Offer, brief: Brief) -> Iterator[str]:
    if offer.type.owes_content:
        yield "You make and publish:"
    else:
        yield "You owe nothing. If you like the product, we would be glad about:"
    yield from _items(_pieces(offer.deliverables))
    yield f"About: {' '.join(brief.summary.split())}"
    if brief.hard_requirements:
        yield "The post must:" if offer.type.owes_content else "If you post, please:"
        yield from _items(brief.hard_requirements)
    if brief.please_avoid:
        yield "Please avoid:"
        yield from _items(brief.please_avoid)
    if brief.talking_points:
        yield "Ideas, not duties:"
        yield from _items(brief.talking_points)
    yield f"The words, the pictures and the opinion are yours; {brand} does not ask for praise."


def _by_when(offer: Offer, policy: Policy) -> Iterator[str]:
    yield f"Answer within {in_words(policy.respond_within)} of the invitation."
    start = "after the parcel was delivered to you" if offer.type.ships else "after you accepted"
    if not offer.type.owes_content:
        yield f"A post is welcome within {in_words(policy.content_within)} {start}."
        yield "Nothing happens if none comes."
        return
    first = "Your draft" if policy.needs_draft else "Your post"
    yield f"{first} is due {in_words(policy.content_within)} {start}. No clock runs before that."
    if policy.needs_draft:
        yield f"Changes that we ask for are due {in_words(policy.revise_within)} after we ask."
        yield f"The post goes live within {in_words(policy.post_within)} of the approval."
    if length(policy.grace).total_seconds():
        yield f"Content that is late is still taken for {in_words(policy.grace)} after it was due."
    if length(policy.extension_max).total_seconds():
        yield _extension(policy)
    yield "A clock of days ends with the last second of the day where you live."


def _extension(policy: Policy) -> str:
    most = f"You may ask for up to {in_words(policy.extension_max)} more in all"
    if not length(policy.extension_auto).total_seconds():
        return f"{most}; we answer within {in_words(policy.review_within)}, and silence is a yes."
    return (
        f"{most}. Up to {in_words(policy.extension_auto)} is granted at once; for more we answer within "
        f"{in_words(policy.review_within)}, and silence is a yes."
    )


def _when_paid(brand: str, offer: Offer, policy: Policy) -> Iterator[str]:
    if offer.fee is None:
        yield "There is no fee in this collaboration."
        return
    stays = ""
    if length(policy.live_for).total_seconds():
        stays = f", once it has stayed live for {in_words(policy.live_for)}"
    first, *later = offer.fee_parts
    yield (
        f"{brand} pays {money_in_words(first)} at the latest {in_words(policy.pay_within)} after your "
        f"post was verified{stays}."
    )
    for tail, part in zip(offer.tails, later, strict=True):
        yield (
            f"{brand} pays {money_in_words(part)} more once the post has stayed live and marked for "
            f"{in_words(tail.live_for)} after it was verified, at the latest {in_words(policy.pay_within)} "
            "after that."
        )
    if later:
        yield "If it does not stay so and is not mended, what is left is not paid; what was paid stays yours."
    yield "Verified: it is live on your own account, on the agreed platform, and marked as described below."
    if policy.payment.late_fee is not None:
        yield _late(brand, policy.payment.late_fee, offer.fee.currency)
    yield "The money goes to a payment account that you set up with Stripe; setting it up costs you nothing."


def _late(brand: str, policy: LateFee, currency: str) -> str:
    """What the brand owes on top when it pays too late."""
    grace = f" and {in_words(policy.after)} of grace" if length(policy.after).total_seconds() else ""
    ways = []
    if policy.flat:
        ways.append(money_in_words(Money(amount=policy.flat, currency=currency)))
    if policy.per_day:
        ways.append(f"{policy.per_day / 100:g} percent of that payment for each day begun")
    return (
        f"If {brand} pays later than that{grace}, you get {' and '.join(ways)} on top, at most {policy.most} "
        "percent of that payment. Time that passes because you cannot be paid yet does not count."
    )


def _disclosure(brand: str, offer: Offer, policy: Policy) -> Iterator[str]:
    what = {"gift": "a gift", "gift_and_paid": "a gift and a fee", "paid": "a fee"}[offer.type.relationship]
    yield (
        f"You receive {what} from {brand}. The law asks that your audience sees this at once: mark every "
        "post clearly, in its own language, before the fold, and with the platform's own label, if any."
    )
    mend = in_words(policy.remedy_within)
    if policy.watch_after:
        last = in_words(max(policy.watch_after, key=length))
        yield f"We look at the post again until about {last} after it was verified. Please leave it as it is."
    yield f"We check it. If something is missing, we say what, and you have {mend} to mend it."


def _rights(brand: str, offer: Offer) -> Iterator[str]:
    rights = offer.rights
    yield "The content stays yours."
    yield (
        f"{brand} may repost it, naming you, for {in_words(rights.length)} after it went live, "
        f"territory: {rights.territory}, on:"
    )
    yield from _items(rights.channels)
    if rights.paid_media:
        yield f"{brand} may also show it as paid advertising for that time."
    else:
        yield "No paid advertising with it. That would need a new agreement."
    yield "Nobody may train machine-learning models with it, and nothing is sold on to others."


def _our_clocks(brand: str, offer: Offer, policy: Policy) -> Iterator[str]:
    if offer.type.ships:
        yield f"We ship within {in_words(policy.ship_within)} of your answer."
    if offer.type.owes_content and policy.needs_draft:
        rounds = "1 round" if policy.revisions == 1 else f"{policy.revisions} rounds"
        yield f"We review a draft within {in_words(policy.review_within)}; no answer by then approves it."
        yield f"We may ask for at most {rounds} of changes."
    yield f"While something waits for {brand}, no clock of yours runs out."


def _parcel(offer: Offer, policy: Policy) -> Iterator[str]:
    if not offer.type.ships:
        return
    yield "While a parcel is late, lost, damaged or on its way back, you owe nothing and nobody reminds you."
    times = {
        0: "We cannot send a replacement",
        1: "We send one replacement while stock lasts",
    }.get(policy.replacements, f"We send up to {policy.replacements} replacements while stock lasts")
    yield f"{times}; after that the matter is closed, with no mark against you."


def _way_out(brand: str, offer: Offer) -> Iterator[str]:
    yield "You may step back at any time before you hand in the address of your post."
    if offer.type.ships:
        yield "What was sent to you is yours, whoever steps back."
    yield f"{brand} may step back only before you have handed in work."
    if offer.fee is not None:
        yield "When either of us steps back, the fee is no longer promised."


def _record() -> Iterator[str]:
    yield (
        "We keep this text, its SHA-256, and when and from where you accepted it. Your name and address are "
        "stored encrypted, are used for this collaboration only, and can be erased on request."
    )
