"""The rules of the ledger: names of accounts, and the one entry that each event of a fee makes.

A line takes from one account and gives to another, so the sum over all accounts is zero by construction.
Keys are made of business ids: the same event gives the same key, and counts once (`activities/ledger.py`).
No names, e-mails or addresses, and no amount other than whole minor units.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.chain import canonical
from domain.ids import derived_id
from domain.money import Currency, Money
from domain.roles import Actor

EntryKind = Literal[
    "budget_declared",
    "fee_held",
    "fee_voided",
    "fee_earned",
    "fee_unearned",
    "attempt_opened",
    "attempt_sent",
    "attempt_refused",
    "transfer_reversed",
    "reversal_settled",
    "reversal_repaid",
    "late_fee_owed",
    "clawback_opened",
    "clawback_done",
    "clawback_refused",
    "fee_paid_elsewhere",
    "goods_received",
    "goods_written_down",
    "goods_reserved",
    "goods_sent",
    "goods_given",
    "goods_lost",
    "goods_returned",
    "goods_released",
    "freight_booked",
    "duty_booked",
    "stripe_fee_booked",
    "cost_reversed",
]

ACCOUNT_MEANINGS: Final = {
    "world:<currency>": "Everything outside the books; the only account that may be negative.",
    "campaign:<id>:budget": "What a campaign may still promise.",
    "collaboration:<id>:held": "Promised to one creator at acceptance, not earned yet.",
    "creator:<id>:owed:<currency>": "Earned and not paid.",
    "payout:<id>:in_transit": "Given to one attempt at Stripe whose outcome is not known yet.",
    "creator:<id>:paid:<currency>": "Transferred to the creator's Stripe account.",
    "creator:<id>:paid_elsewhere:<currency>": "Paid outside of Stripe, with a document.",
    "payout:<id>:returned": "Reversed by Stripe without us, until a person has settled it.",
    "payout:<id>:returning": "Asked back of Stripe by an approved clawback whose outcome is not known yet.",
    "variant:<id>:stock:<currency>": "Pieces that nobody was promised, at cost.",
    "collaboration:<id>:goods:<currency>": "A piece set aside for one creator, at cost.",
    "shipment:<id>:under_way:<currency>": "A piece with the carrier, at cost.",
    "creator:<id>:gifts:<currency>": "Pieces that a creator got, at cost.",
    "collaboration:<id>:lost:<currency>": "Pieces lost or damaged on their way to one creator, at cost.",
    "shipment:<id>:freight:<currency>": "What carrying one parcel cost.",
    "shipment:<id>:duty:<currency>": "Duty and import tax of one parcel.",
    "brand:<id>:stripe_fees:<currency>": "What Stripe charged.",
}
"""Every account that entries use, and what its balance means."""


# --- accounts -----------------------------------------------------------------------------------


def world(currency: str) -> str:
    """Where money comes from that nobody here booked before."""
    return f"world:{currency}"


def campaign_budget(campaign_id: str) -> str:
    """What a campaign may still promise."""
    return f"campaign:{campaign_id}:budget"


def collaboration_held(collaboration_id: str) -> str:
    """What one acceptance reserved."""
    return f"collaboration:{collaboration_id}:held"


def creator_owed(creator_id: str, currency: str) -> str:
    """What a creator has earned and not got, in one currency."""
    return f"creator:{creator_id}:owed:{currency}"


def payout_in_transit(payout_id: str) -> str:
    """What the open attempt of a payout holds."""
    return f"payout:{payout_id}:in_transit"


def creator_paid(creator_id: str, currency: str) -> str:
    """What a creator has got, in one currency."""
    return f"creator:{creator_id}:paid:{currency}"


def variant_stock(variant_id: str, currency: str) -> str:
    """Free pieces of a variant, at cost."""
    return f"variant:{variant_id}:stock:{currency}"


def collaboration_goods(collaboration_id: str, currency: str) -> str:
    """What was set aside for a creator and is not sent, at cost."""
    return f"collaboration:{collaboration_id}:goods:{currency}"


def shipment_under_way(shipment_id: str, currency: str) -> str:
    """What a parcel carries, at cost."""
    return f"shipment:{shipment_id}:under_way:{currency}"


def creator_gifts(creator_id: str, currency: str) -> str:
    """What a creator was given, at cost."""
    return f"creator:{creator_id}:gifts:{currency}"


def collaboration_lost(collaboration_id: str, currency: str) -> str:
    """What was lost or damaged on the way, at cost."""
    return f"collaboration:{collaboration_id}:lost:{currency}"


def shipment_cost(shipment_id: str, sort: str, currency: str) -> str:
    """Freight or duty of a parcel."""
    return f"shipment:{shipment_id}:{sort}:{currency}"


def brand_stripe_fees(brand_id: str, currency: str) -> str:
    """What Stripe charged a brand."""
    return f"brand:{brand_id}:stripe_fees:{currency}"


def kind_of(account: str) -> str:
    """An account without whose it is and in which currency: `creator:owed`, `world`."""
    parts = account.split(":")
    return parts[0] if len(parts) == 2 else f"{parts[0]}:{parts[2]}"


ACCOUNT_KINDS: Final = tuple(dict.fromkeys(kind_of(name) for name in ACCOUNT_MEANINGS))
"""Every kind of account."""


def may_go_negative(account: str) -> bool:
    """Whether an account may be overdrawn: only the world."""
    return account.startswith("world:")


def is_budget(account: str) -> bool:
    """Whether an account is a campaign's budget, the only one that is short in ordinary life."""
    return account.startswith("campaign:")


# --- entries ------------------------------------------------------------------------------------


class Line(BaseModel):
    """One movement: `source` gives, `destination` takes, minor units."""

    model_config = ConfigDict(frozen=True)

    source: str
    destination: str
    amount: Annotated[int, Field(gt=0)]
    currency: Currency


class NewEntry(BaseModel):
    """One posting, to be made once under its key."""

    model_config = ConfigDict(frozen=True)

    key: str
    kind: EntryKind
    collaboration_id: str | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1)]
    reverses: str | None = None
    """Key of the entry that this one takes back; an entry is taken back once."""
    reason: str = ""

    @property
    def id(self) -> str:
        """The id follows from the key."""
        return entry_id(self.key)

    @property
    def reverses_id(self) -> str | None:
        """The id of the entry that it takes back."""
        return None if self.reverses is None else entry_id(self.reverses)

    @property
    def accounts(self) -> list[str]:
        """The accounts it touches, in the order in which they are locked."""
        return sorted({name for line in self.lines for name in (line.source, line.destination)})

    @property
    def input_hash(self) -> str:
        """SHA-256 over what it says: another amount, account or reason under the same key is a conflict."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()

    def changes(self) -> dict[str, int]:
        """What it does to each account's balance, minor units."""
        sums = dict.fromkeys(self.accounts, 0)
        for line in self.lines:
            sums[line.source] -= line.amount
            sums[line.destination] += line.amount
        return sums


def entry_id(key: str) -> str:
    """The id of the entry with this key."""
    return derived_id("entry", key)


class Deal(NamedTuple):
    """Whose money it is."""

    campaign_id: str
    collaboration_id: str
    creator_id: str
    part: int = 1
    """Which part of the fee."""

    @property
    def payout_id(self) -> str:
        """The payout of this part."""
        return payout_id(self.collaboration_id, self.part)


def payout_id(collaboration_id: str, part: int = 1) -> str:
    """The id of the payout of one part of a collaboration's fee; most fees have one part."""
    return derived_id("payout", collaboration_id, part)


def actor_text(actor: Actor) -> str:
    """An actor in one word: `brand:member_...`, `creator:creator_...`, `clock`."""
    return f"{actor.kind.value}:{actor.id}" if actor.id else actor.kind.value


def budget_declared(campaign_id: str, budget: Money) -> NewEntry:
    """world -> campaign budget: the operator says what the campaign may cost. `budget` is above zero."""
    return NewEntry(
        key=f"budget/{campaign_id}",
        kind="budget_declared",
        lines=(_line(world(budget.currency), campaign_budget(campaign_id), budget),),
    )


def fee_held(deal: Deal, fee: Money) -> NewEntry:
    """campaign budget -> collaboration held, at acceptance. A collaboration holds once."""
    return _of_deal(
        deal,
        kind="fee_held",
        key=f"held/{deal.collaboration_id}",
        line=_line(campaign_budget(deal.campaign_id), collaboration_held(deal.collaboration_id), fee),
    )


def fee_voided(deal: Deal, fee: Money, reason: str = "", *, whole: bool = True) -> NewEntry:
    """collaboration held -> campaign budget: it ended before the fee was earned.

    Not `whole`: only the parts that were not earned; then it takes no entry back as a whole.
    """
    return _of_deal(
        deal,
        kind="fee_voided",
        key=f"voided/{deal.collaboration_id}",
        line=_line(collaboration_held(deal.collaboration_id), campaign_budget(deal.campaign_id), fee),
        reverses=f"held/{deal.collaboration_id}" if whole else None,
        reason=reason,
    )


def earned_key(collaboration_id: str, number: int = 1) -> str:
    """The key under which a fee is earned for the `number`th time."""
    return f"earned/{collaboration_id}" if number == 1 else f"earned/{collaboration_id}/{number}"


def fee_earned(deal: Deal, fee: Money, number: int = 1) -> NewEntry:
    """collaboration held -> creator owed: the post is verified, for the `number`th time."""
    return _of_deal(
        deal,
        kind="fee_earned",
        key=earned_key(deal.collaboration_id, number),
        line=_line(
            collaboration_held(deal.collaboration_id), creator_owed(deal.creator_id, fee.currency), fee
        ),
    )


def fee_unearned(deal: Deal, fee: Money, number: int, reason: str = "") -> NewEntry:
    """creator owed -> collaboration held: before it was paid, the post lost what earned the fee."""
    return _of_deal(
        deal,
        kind="fee_unearned",
        key=f"unearned/{deal.collaboration_id}/{number}",
        line=_line(
            creator_owed(deal.creator_id, fee.currency), collaboration_held(deal.collaboration_id), fee
        ),
        reverses=earned_key(deal.collaboration_id, number),
        reason=reason,
    )


def attempt_opened(deal: Deal, number: int, amount: Money) -> NewEntry:
    """creator owed -> payout in transit, in the transaction that opens the attempt."""
    return _of_deal(
        deal,
        kind="attempt_opened",
        key=f"opened/{deal.payout_id}/{number}",
        line=_line(creator_owed(deal.creator_id, amount.currency), payout_in_transit(deal.payout_id), amount),
    )


def attempt_sent(deal: Deal, number: int, amount: Money, transfer_id: str) -> NewEntry:
    """payout in transit -> creator paid; `reason` carries the transfer's id."""
    return _of_deal(
        deal,
        kind="attempt_sent",
        key=f"sent/{deal.payout_id}/{number}",
        line=_line(payout_in_transit(deal.payout_id), creator_paid(deal.creator_id, amount.currency), amount),
        reason=transfer_id,
    )


def attempt_refused(deal: Deal, number: int, amount: Money, reason: str) -> NewEntry:
    """payout in transit -> creator owed: Stripe refused for sure; takes the opening back."""
    return _of_deal(
        deal,
        kind="attempt_refused",
        key=f"refused/{deal.payout_id}/{number}",
        line=_line(payout_in_transit(deal.payout_id), creator_owed(deal.creator_id, amount.currency), amount),
        reverses=f"opened/{deal.payout_id}/{number}",
        reason=reason,
    )


def _line(source: str, destination: str, money: Money) -> Line:
    return Line(source=source, destination=destination, amount=money.amount, currency=money.currency)


def _of_deal(
    deal: Deal,
    *,
    kind: EntryKind,
    key: str,
    line: Line,
    reverses: str | None = None,
    reason: str = "",
) -> NewEntry:
    return NewEntry(
        key=key,
        kind=kind,
        collaboration_id=deal.collaboration_id,
        lines=(line,),
        reverses=reverses,
        reason=reason,
    )
