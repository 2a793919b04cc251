"""The offer in a few lines that are read in ten seconds, and both sides' clocks. The terms say it in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.pages.dossier import Dossier
from api.pages.story import reader_of
from api.pages.wording import say, span
from domain.clocks import length
from domain.disclosure import load_pack
from domain.offer import CampaignType, Deliverable


@dataclass(frozen=True)
class Clock:
    """How long one side has for one thing."""

    what: str
    who: str
    time: str


def offer_facts(dossier: Dossier) -> dict[str, Any]:
    """Everything that the offer's page and the agreement's summary say."""
    return {
        "lines": _lines(dossier),
        "clocks": _clocks(dossier),
        "product": product_of(dossier),
        "pieces": [piece_text(piece) for piece in dossier.offer.deliverables],
        "left": any(choice.left for choice in dossier.choices) or not dossier.state.type.ships,
        "marking": say("offer.marking", what=say(f"offer.marking_{dossier.state.type.relationship}")),
        "marking_words": _marking_words(dossier),
    }


def _marking_words(dossier: Dossier) -> str:
    """Words that mark the post rightly in the creator's country; empty when no rule pack knows."""
    pack = load_pack(dossier.creator.country)
    if pack is None:
        return ""
    advice = pack.file.advice
    words = advice.paid if dossier.state.type.pays else advice.gift
    return words.replace("{brand}", dossier.brand.name)


def piece_text(deliverable: Deliverable) -> str:
    """2 × Instagram reel."""
    return say(
        "piece.one" if deliverable.quantity == 1 else "piece.many",
        platform=say(f"platform.{deliverable.platform.value}"),
        format=say(f"format.{deliverable.format.value}"),
        count=deliverable.quantity,
    )


def product_of(dossier: Dossier) -> str:
    """The product's name; with several variants, that one may choose."""
    if not dossier.choices:
        return ""
    if dossier.chosen is not None:
        return dossier.chosen.title
    names = list(dict.fromkeys(choice.product for choice in dossier.choices))
    if len(dossier.choices) == 1:
        return dossier.choices[0].title
    return say("offer.get_choice", product=" / ".join(names[:3]), count=len(dossier.choices))


def _lines(dossier: Dossier) -> list[tuple[str, str]]:
    """What you get, what we ask, when, when you are paid, what we may do."""
    kind = dossier.state.type
    return [
        (say("offer.get"), _get(dossier)),
        (say("offer.ask") if kind.owes_content else say("offer.ask_gift"), _ask(dossier)),
        (say("offer.when"), _when(dossier)),
        (say("offer.paid"), _paid(dossier)),
        (say("offer.rights"), _rights(dossier)),
    ]


def _get(dossier: Dossier) -> str:
    parts = []
    if dossier.state.type.ships:
        worth = max((choice.retail_amount for choice in dossier.choices), default=0)
        money = reader_of(dossier).money(worth, dossier.campaign.currency)
        product = product_of(dossier)
        parts.append(f"{product} ({say('offer.get_worth', amount=money)})" if worth else product)
    fee = dossier.offer.fee
    if fee is not None:
        parts.append(say("offer.get_fee", amount=reader_of(dossier).money(fee.amount, fee.currency)))
    return " + ".join(part for part in parts if part)


def _ask(dossier: Dossier) -> str:
    return ", ".join(piece_text(piece) for piece in dossier.offer.deliverables)


def _when(dossier: Dossier) -> str:
    kind = dossier.state.type
    name = "offer.when_gift" if kind is CampaignType.GIFTING else "offer.when_now"
    if kind.ships and kind is not CampaignType.GIFTING:
        name = "offer.when_parcel"
    return say(name, time=span(dossier.state.policy.content_within))


def _paid(dossier: Dossier) -> str:
    fee, policy = dossier.offer.fee, dossier.state.policy
    if fee is None:
        return say("offer.paid_no")
    reader = reader_of(dossier)
    stays = length(policy.live_for).total_seconds() > 0
    first, *later = dossier.offer.fee_parts
    said = say(
        "offer.paid_by_live" if stays else "offer.paid_by",
        amount=reader.money(first.amount, first.currency),
        time=span(policy.pay_within),
        live=span(policy.live_for),
    )
    tails = [
        say("offer.paid_tail", amount=reader.money(part.amount, part.currency), live=span(tail.live_for))
        for tail, part in zip(dossier.offer.tails, later, strict=True)
    ]
    return "; ".join([said, *tails])


def _rights(dossier: Dossier) -> str:
    rights = dossier.offer.rights
    return say(
        "offer.rights_text",
        time=span(rights.length),
        channels=", ".join(rights.channels),
        paid_media=say("offer.rights_paid_yes" if rights.paid_media else "offer.rights_paid_no"),
        territory=rights.territory,
    )


def _clocks(dossier: Dossier) -> list[Clock]:
    policy, kind = dossier.state.policy, dossier.state.type
    you, brand = say("offer.you"), dossier.brand.name
    rows = [Clock(say("offer.clock_answer"), you, span(policy.respond_within))]
    if kind.ships:
        rows.append(Clock(say("offer.clock_ship"), brand, span(policy.ship_within)))
    if kind.owes_content:
        first = "offer.clock_content_draft" if dossier.state.draft_first else "offer.clock_content_post"
        rows.append(Clock(say(first), you, span(policy.content_within)))
        rows.append(Clock(say("offer.clock_grace"), you, span(policy.grace)))
    if dossier.state.draft_first:
        rows.append(Clock(say("offer.clock_review"), brand, span(policy.review_within)))
        changes = say("offer.clock_revise", rounds=policy.revisions)
        rows.append(Clock(changes, you, span(policy.revise_within)))
        rows.append(Clock(say("offer.clock_post"), you, span(policy.post_within)))
    if kind.pays:
        rows.append(Clock(say("offer.clock_pay"), brand, span(policy.pay_within)))
    return rows
