"""The payment gates: readable conditions, each pass, fail, or waiting on somebody until some time.

The same answer is shown to the creator, to ops and to finance, stored, and frozen into the attempt. Money
moves only on a stored report in which every gate passes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.commands import CheckOutcome
from domain.offer import CampaignType
from domain.stages import Attention, Stage


class GateResult(StrEnum):
    """How a gate stands."""

    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    WAITING = "waiting"


class Gate(BaseModel):
    """One condition of payment."""

    model_config = ConfigDict(frozen=True)

    name: str
    result: GateResult
    detail: str
    """A plain sentence for whoever asks why."""
    waiting_on: str = ""
    """creator, brand, finance, stripe or time; empty unless waiting."""
    until: datetime | None = None
    event: int | None = None
    """Sequence number of the event that decided it."""


class GateFacts(BaseModel):
    """Everything that the gates look at, read in one transaction."""

    model_config = ConfigDict(frozen=True)

    type: CampaignType
    stage: Stage
    terms_sha256: str
    accepted_sha256: str
    accepted_event: int | None
    delivered_event: int | None
    last_check: CheckOutcome | None
    check_event: int | None
    accepted_by_person: int | None
    """Sequence of the event in which a person accepted the post, after the last check."""
    verified_at: datetime | None
    live_until: datetime | None
    pieces_owed: int
    posts_live: int
    held_for_fee: int
    """What the ledger owes the creator for this collaboration now, minor units."""
    fee: int
    payee_account: str
    payee_can_receive: bool
    pay_by: datetime | None
    available: int | None
    """Platform balance at Stripe in this currency, minor units; None when not asked."""
    open_attempt: bool


ATTENTION_OF: Final[dict[str, Attention]] = {
    "payee_ready": Attention.PAYEE_MISSING,
    "funds_available": Attention.FUNDS_SHORT,
}
"""What to flag when this gate is the one that waits."""


def assess(facts: GateFacts, now: datetime) -> list[Gate]:
    """Every gate, in the order in which a reader would ask."""
    return [
        _terms(facts),
        _parcel(facts),
        _content(facts),
        _disclosure(facts),
        _live_long_enough(facts, now),
        _owed(facts),
        _payee(facts),
        _funds(facts),
        _no_other_attempt(facts),
    ]


def all_pass(gates: list[Gate]) -> bool:
    """Whether money may move."""
    return all(gate.result is GateResult.PASS for gate in gates)


def _gate(name: str, passed: bool, yes: str, no: str, event: int | None = None) -> Gate:
    result = GateResult.PASS if passed else GateResult.FAIL
    return Gate(name=name, result=result, detail=yes if passed else no, event=event)


def _terms(facts: GateFacts) -> Gate:
    same = bool(facts.terms_sha256) and facts.terms_sha256 == facts.accepted_sha256
    return _gate(
        "terms_accepted",
        same and facts.accepted_event is not None,
        "The creator accepted exactly these terms.",
        "The accepted text is not the text of the offer.",
        facts.accepted_event,
    )


def _parcel(facts: GateFacts) -> Gate:
    if not facts.type.ships:
        return _gate("parcel_arrived", True, "Nothing is shipped in this campaign.", "")
    return _gate(
        "parcel_arrived",
        facts.delivered_event is not None,
        "The parcel arrived.",
        "No arrival of the parcel is recorded.",
        facts.delivered_event,
    )


def _content(facts: GateFacts) -> Gate:
    return _gate(
        "content_complete",
        facts.posts_live >= facts.pieces_owed,
        "Every piece that was agreed is handed in.",
        f"{facts.posts_live} of {facts.pieces_owed} agreed pieces are handed in.",
    )


def _disclosure(facts: GateFacts) -> Gate:
    if facts.accepted_by_person is not None:
        return _gate(
            "disclosure_passed",
            True,
            "A person looked at the post and accepted it with a reason.",
            "",
            facts.accepted_by_person,
        )
    return _gate(
        "disclosure_passed",
        facts.last_check is CheckOutcome.PASS,
        "The live post is correctly marked.",
        "The last check of the live post did not pass.",
        facts.check_event,
    )


def _live_long_enough(facts: GateFacts, now: datetime) -> Gate:
    if facts.live_until is not None and now < facts.live_until:
        return Gate(
            name="live_long_enough",
            result=GateResult.WAITING,
            detail="The post has to stay live a little longer.",
            waiting_on="time",
            until=facts.live_until,
        )
    return _gate(
        "live_long_enough",
        facts.verified_at is not None,
        "The post has been live as long as agreed.",
        "The post was never verified.",
    )


def _owed(facts: GateFacts) -> Gate:
    return _gate(
        "fee_owed",
        facts.fee > 0 and facts.held_for_fee >= facts.fee,
        "The fee is set aside for the creator in the ledger.",
        "The ledger does not owe this fee to the creator.",
    )


def _payee(facts: GateFacts) -> Gate:
    if facts.payee_account and facts.payee_can_receive:
        return _gate("payee_ready", True, "The creator's payment account can receive money.", "")
    detail = (
        "The payment account is not complete yet."
        if facts.payee_account
        else "The creator has not set up a payment account yet."
    )
    return Gate(
        name="payee_ready",
        result=GateResult.WAITING,
        detail=detail,
        waiting_on="creator",
        until=facts.pay_by,
    )


def _funds(facts: GateFacts) -> Gate:
    if facts.available is None or facts.available >= facts.fee:
        return _gate("funds_available", True, "The paying balance covers the fee.", "")
    return Gate(
        name="funds_available",
        result=GateResult.WAITING,
        detail="The paying balance does not cover the fee yet.",
        waiting_on="finance",
        until=facts.pay_by,
    )


def _no_other_attempt(facts: GateFacts) -> Gate:
    return _gate(
        "no_open_attempt",
        not facts.open_attempt,
        "No payment is under way for this.",
        "A payment is under way already.",
    )
