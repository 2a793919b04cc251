"""What is paid to a creator, part by part, in words: one line for each, made or still to be earned."""

from __future__ import annotations

from dataclasses import dataclass

from api.pages.dossier import Dossier
from api.pages.story import reader_of
from api.pages.wording import say, span
from domain.parts import Part


@dataclass(frozen=True)
class PaymentLine:
    """One payment: how much, what for, and where it stands."""

    amount: str
    what: str
    state: str
    received: str
    """What arrived, where Stripe converted it."""


def payment_lines(dossier: Dossier) -> list[PaymentLine]:
    """Every payment of this collaboration, in the order in which they came up."""
    reader = reader_of(dossier)
    state = dossier.state
    return [
        PaymentLine(
            amount=reader.money(part.amount, state.money(part.amount).currency),
            what=say(f"payment.what.{part.kind}", live=span(part.live_for) if part.live_for else ""),
            state=say(f"payment.state_is.{_standing(dossier, part)}"),
            received=_received(dossier, part),
        )
        for part in state.all_parts
    ]


def _standing(dossier: Dossier, part: Part) -> str:
    payout = dossier.payouts.get(part.number)
    settled = payout is not None and payout.state != "waiting"
    if part.over == "withheld" or (dossier.state.ended and not settled):
        return "returned"
    return "held" if payout is None else payout.state


def _received(dossier: Dossier, part: Part) -> str:
    receipt = dossier.receipts.get(part.transfer_id)
    if receipt is None or not receipt.exchange_rate:
        return ""
    amount = reader_of(dossier).money(receipt.amount, receipt.currency)
    return say("payment.received", amount=amount, rate=receipt.exchange_rate)
