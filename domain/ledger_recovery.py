"""Entries of money that came back or went another way. Names of accounts and the form: `domain/ledger.py`."""

from __future__ import annotations

from domain.ledger import (
    Deal,
    EntryKind,
    Line,
    NewEntry,
    campaign_budget,
    creator_owed,
    creator_paid,
    world,
)
from domain.money import Money


def payout_returned(payout_id: str) -> str:
    """What Stripe reversed without us, until a person has settled it."""
    return f"payout:{payout_id}:returned"


def payout_returning(payout_id: str) -> str:
    """What an approved clawback asks of Stripe, until its outcome is known."""
    return f"payout:{payout_id}:returning"


def paid_elsewhere(creator_id: str, currency: str) -> str:
    """What a creator got outside of Stripe, in one currency."""
    return f"creator:{creator_id}:paid_elsewhere:{currency}"


def transfer_reversed(deal: Deal, total: int, amount: Money) -> NewEntry:
    """creator paid -> payout returned: Stripe reversed it without us. `total`: all that came back so far."""
    return _entry(
        deal,
        "transfer_reversed",
        f"reversed/{deal.payout_id}/{total}",
        creator_paid(deal.creator_id, amount.currency),
        payout_returned(deal.payout_id),
        amount,
    )


def reversal_settled(deal: Deal, total: int, amount: Money, reason: str) -> NewEntry:
    """payout returned -> campaign budget: a person saw what came back."""
    return _entry(
        deal,
        "reversal_settled",
        f"reversal_settled/{deal.payout_id}/{total}",
        payout_returned(deal.payout_id),
        campaign_budget(deal.campaign_id),
        amount,
        reason=reason,
    )


def reversal_repaid(deal: Deal, of: str, total: int, amount: Money, reason: str) -> NewEntry:
    """payout returned -> creator owed: what came back of `of` is paid again. `deal`: the new part."""
    return _entry(
        deal,
        "reversal_repaid",
        f"reversal_repaid/{of}/{total}",
        payout_returned(of),
        creator_owed(deal.creator_id, amount.currency),
        amount,
        reason=reason,
    )


def late_fee_owed(deal: Deal, of: str, amount: Money, days: int) -> NewEntry:
    """world -> creator owed: the payout `of` went so many days too late. `deal`: the new part."""
    return _entry(
        deal,
        "late_fee_owed",
        f"late_fee/{of}",
        world(amount.currency),
        creator_owed(deal.creator_id, amount.currency),
        amount,
        reason=f"{days}d",
    )


def clawback_opened(deal: Deal, number: int, amount: Money) -> NewEntry:
    """creator paid -> payout returning, in the transaction of the approval."""
    return _entry(
        deal,
        "clawback_opened",
        f"clawback/{deal.payout_id}/{number}",
        creator_paid(deal.creator_id, amount.currency),
        payout_returning(deal.payout_id),
        amount,
    )


def clawback_done(deal: Deal, number: int, amount: Money, reversal_id: str) -> NewEntry:
    """payout returning -> campaign budget; `reason` carries the reversal's id."""
    return _entry(
        deal,
        "clawback_done",
        f"clawback_done/{deal.payout_id}/{number}",
        payout_returning(deal.payout_id),
        campaign_budget(deal.campaign_id),
        amount,
        reason=reversal_id,
    )


def clawback_refused(deal: Deal, number: int, amount: Money, reason: str) -> NewEntry:
    """payout returning -> creator paid: Stripe refused for sure; takes the opening back."""
    return _entry(
        deal,
        "clawback_refused",
        f"clawback_refused/{deal.payout_id}/{number}",
        payout_returning(deal.payout_id),
        creator_paid(deal.creator_id, amount.currency),
        amount,
        reason=reason,
        reverses=f"clawback/{deal.payout_id}/{number}",
    )


def fee_paid_elsewhere(deal: Deal, amount: Money, document_sha256: str) -> NewEntry:
    """creator owed -> paid elsewhere; `reason` carries the SHA-256 of the document."""
    return _entry(
        deal,
        "fee_paid_elsewhere",
        f"elsewhere/{deal.payout_id}",
        creator_owed(deal.creator_id, amount.currency),
        paid_elsewhere(deal.creator_id, amount.currency),
        amount,
        reason=document_sha256,
    )


def _entry(
    deal: Deal,
    kind: EntryKind,
    key: str,
    source: str,
    destination: str,
    amount: Money,
    *,
    reason: str = "",
    reverses: str | None = None,
) -> NewEntry:
    line = Line(source=source, destination=destination, amount=amount.amount, currency=amount.currency)
    return NewEntry(
        key=key,
        kind=kind,
        collaboration_id=deal.collaboration_id,
        lines=(line,),
        reverses=reverses,
        reason=reason,
    )
