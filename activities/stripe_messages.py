"""What Stripe's messages mean here: which commands, for which collaborations.

A message is believed only for its ids; what it says of an account is asked of Stripe again. Nothing here
moves money: the commands are decided like everybody's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from activities.errands import Errand
from activities.paying_balance import forget
from activities.payments import refresh_payee
from activities.payments_port import PaymentsGateway
from domain.commands import ConfirmTransfer, Reassess, RecordBankPayout, RecordReversal
from domain.stages import Attention, Stage
from infra.tables import Collaboration, Inbox, Payee, Payout, PayoutAttempt

BEFORE_PAYING: Final = (Stage.VERIFIED, Stage.PAYABLE)
SETTING_UP: Final = timedelta(minutes=10)
"""A bank account that is named within so long of the first readiness belongs to the setting up."""
MOST_WAITING: Final = 500
"""Payments that one message about new funds looks at again; the others look by themselves."""
_FUNDS: Final = ("balance.available", "topup.succeeded")
_BANK: Final = "account.external_account."

log = structlog.get_logger()


class StripeMessages:
    """Needs the database and the gateway to Stripe."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway) -> None:
        self._sessions = sessions
        self._gateway = gateway

    def errands(self, row: Inbox) -> list[Errand]:
        """The commands that this message leads to."""
        account = str(row.body.get("account") or row.body.get("object_id") or "")
        if row.type == "transfer.created":
            return self._transfer_created(row)
        if row.type == "transfer.reversed":
            return self._transfer_reversed(row)
        if row.type in _FUNDS:
            return self._funds_came()
        if row.type in ("payout.failed", "payout.paid") and row.body.get("account"):
            return self._bank_answered(row, account)
        if row.type.startswith((_BANK, "account.", "capability.", "v2.core.account")):
            if row.type in (f"{_BANK}created", f"{_BANK}deleted"):
                self._note_change(account, row)
            return self._account_changed(account)
        return []

    def _transfer_created(self, row: Inbox) -> list[Errand]:
        payout_id, transfer_id = row.body.get("payout_id"), row.body.get("object_id")
        with self._sessions() as session:
            payout = session.get(Payout, payout_id) if payout_id else None
            if payout is None:
                return []
            sent = session.scalar(
                select(PayoutAttempt.stripe_transfer_id).where(
                    PayoutAttempt.payout_id == payout.id, PayoutAttempt.state == "sent"
                )
            )
        if sent is not None and sent != transfer_id:
            log.error("second_transfer_for_payout", payout_id=payout.id)
            return []
        if payout.state == "confirmed":
            return []
        confirm = ConfirmTransfer(payout_id=payout.id, transfer_id=str(transfer_id))
        return [Errand(payout.collaboration_id, confirm, early_at=BEFORE_PAYING)]

    def _transfer_reversed(self, row: Inbox) -> list[Errand]:
        with self._sessions() as session:
            payout = session.get(Payout, row.body.get("payout_id") or "")
        total = int(row.body.get("amount_reversed") or 0)
        if payout is None or total <= 0:
            return []
        command = RecordReversal(payout_id=payout.id, transfer_id=str(row.body.get("object_id")), total=total)
        return [Errand(payout.collaboration_id, command)]

    def _funds_came(self) -> list[Errand]:
        """Payments that wait for funds look again, those first that are due first."""
        forget(self._sessions)
        waiting = (
            select(Collaboration.id)
            .where(
                Collaboration.stage == Stage.PAYABLE,
                Collaboration.attention == Attention.FUNDS_SHORT.value,
            )
            .order_by(Collaboration.state["pay_by"].astext, Collaboration.id)
            .limit(MOST_WAITING)
        )
        return self._look_again(waiting)

    def _bank_answered(self, row: Inbox, account: str) -> list[Errand]:
        """The newest collaboration that was paid to this account tells its creator."""
        paid = (
            select(Payout.collaboration_id)
            .join(Payee, Payee.creator_id == Payout.creator_id)
            .join(Collaboration, Collaboration.id == Payout.collaboration_id)
            .where(Payee.stripe_account_id == account, Payout.state.in_(["sent", "confirmed"]))
            .order_by(Payout.created_at.desc(), Payout.id)
            .limit(1)
        )
        failed = row.type == "payout.failed"
        if not failed:
            paid = paid.where(Collaboration.state["bank_failure"].astext != "")
        with self._sessions() as session:
            of = session.scalar(paid)
        if of is None:
            return []
        command = RecordBankPayout(
            outcome="failed" if failed else "paid",
            bank_payout_id=str(row.body.get("object_id")),
            reason=str(row.body.get("failure_code") or "")[:60],
        )
        return [Errand(of, command)]

    def _note_change(self, account: str, row: Inbox) -> None:
        """Another bank account than the first: payments to this creator rest for a while."""
        with self._sessions.begin() as session:
            session.execute(
                update(Payee)
                .where(
                    Payee.stripe_account_id == account,
                    Payee.ready_at < row.received_at - SETTING_UP,
                    or_(Payee.replaced_at.is_(None), Payee.replaced_at < row.received_at),
                )
                .values(replaced_at=row.received_at)
            )

    def _account_changed(self, account: str) -> list[Errand]:
        creator_id = refresh_payee(self._sessions, self._gateway, account)
        if creator_id is None:
            return []
        return self._look_again(
            select(Collaboration.id).where(
                Collaboration.creator_id == creator_id, Collaboration.stage == Stage.PAYABLE
            )
        )

    def _look_again(self, which: Select[str]) -> list[Errand]:
        with self._sessions() as session:
            return [Errand(of, Reassess()) for of in session.scalars(which)]
