"""Commands of money that came back, or went another way: reversals, clawbacks, banks, off-platform."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.commands.base import Code, CommandModel, Id
from domain.commands.payment import TransferResult

StripeId = Annotated[str, Field(max_length=80)]


class RecordReversal(CommandModel):
    """Stripe says that so much of this payout's transfer was reversed, all together."""

    name: Literal["record_reversal"] = "record_reversal"
    payout_id: Id | None = None
    """None only in histories that are older than parts: the payment that is current."""
    transfer_id: StripeId
    total: Annotated[int, Field(gt=0, le=10**15)]


class SettleReversal(CommandModel):
    """A person's word on money that came back by itself.

    `then`: keep (it goes to the campaign's budget) or pay_again (the creator is owed it as a payment of its
    own, with gates and approvals of its own).
    """

    name: Literal["settle_reversal"] = "settle_reversal"
    payout_id: Id | None = None
    """None only in histories that are older than parts: the payment that is current."""
    then: Literal["keep", "pay_again"] = "keep"
    reason: Code
    remark_id: Id | None = None


class RecordBankPayout(CommandModel):
    """What Stripe says of the way from the creator's Stripe balance to their bank."""

    name: Literal["record_bank_payout"] = "record_bank_payout"
    outcome: Literal["failed", "paid"]
    bank_payout_id: StripeId
    reason: Code = ""


class RequestClawback(CommandModel):
    """Ask for money back that was paid. Another person has to approve."""

    name: Literal["request_clawback"] = "request_clawback"
    payout_id: Id
    amount: Annotated[int, Field(gt=0, le=10**15)]
    reason: Code
    remark_id: Id | None = None


class ApproveClawback(CommandModel):
    """Approve what another person asked for: Stripe is told to take it back."""

    name: Literal["approve_clawback"] = "approve_clawback"
    number: int


class RefuseClawback(CommandModel):
    """Nothing is taken back."""

    name: Literal["refuse_clawback"] = "refuse_clawback"
    number: int
    reason: Code
    remark_id: Id | None = None


class SettleClawback(CommandModel):
    """What Stripe answered to the reversal; a person may say that an unknown one never happened."""

    name: Literal["settle_clawback"] = "settle_clawback"
    number: int
    result: TransferResult
    reversal_id: StripeId = ""
    reason: Code = ""


class RecordOffPlatform(CommandModel):
    """Say that the fee was paid outside of Stripe, with a document. Another person has to approve."""

    name: Literal["record_off_platform"] = "record_off_platform"
    payout_id: Id
    document_id: Id
    method: Code
    remark_id: Id | None = None


class ApproveOffPlatform(CommandModel):
    """Approve it: the payment is closed as paid elsewhere, and no transfer is ever made for it."""

    name: Literal["approve_off_platform"] = "approve_off_platform"
    payout_id: Id


class RefuseOffPlatform(CommandModel):
    """It was not paid elsewhere; the payment goes on as before."""

    name: Literal["refuse_off_platform"] = "refuse_off_platform"
    payout_id: Id
    reason: Code
    remark_id: Id | None = None
