"""An office whose money moves at a simulator of its own, so that every row there is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from activities.adapters.stripe_gateway import StripeGateway
from activities.compare import Compared, compare
from activities.payments_port import TransferRequest
from activities.stripe_rows import copy_rows, refresh_pending, settled_totals
from domain.commands import OpenAttempt, SettleAttempt
from domain.ledger import payout_id
from infra.tables import ReconciliationItem
from tests.records.office import FEE, Office
from tests.stripe.simulator import KEY, Simulator

LATER = timedelta(hours=2)
"""When what is alone counts as a difference."""


@dataclass
class Books:
    """The office, the simulator, and the gateway between them."""

    office: Office
    sim: Simulator
    gateway: StripeGateway
    account: str = ""

    def open(self, **options: int) -> None:
        """A live campaign with funds, dated now, and an account that can be paid."""
        self.office.clock = datetime.now(UTC) - timedelta(days=20)
        self.office.open(**options)
        self.account = self.gateway.create_account("cre_1", "US", None, "account")
        self.sim.control(f"accounts/{self.account}/onboard", outcome="active")
        self.sim.fund(1_000_000)

    def paying(self) -> str:
        """A collaboration with one open attempt."""
        of = self.office.payable()
        with self.office.sessions.begin():
            self.office.payee(of, f"{self.account}_{of[-8:]}")
        self.office.clock = datetime.now(UTC)
        destination = f"{self.account}_{of[-8:]}"
        self.office.must(of, OpenAttempt(report_id=self.office.report(of, destination=destination)))
        return of

    def transfer(self, of: str, amount: int = FEE.amount) -> str:
        """The transfer at Stripe of a collaboration's attempt, which our books do not know yet."""
        outcome = self.gateway.create_transfer(
            TransferRequest(
                payout_id=payout_id(of), attempt=1, amount=amount, currency="USD", destination=self.account
            )
        )
        assert outcome.kind == "sent", outcome
        return outcome.transfer_id

    def paid(self) -> str:
        """A payout that both sides know; gives the transfer."""
        of = self.paying()
        transfer = self.transfer(of)
        self.office.must(of, SettleAttempt(result="sent", transfer_id=transfer))
        return transfer

    def round(self, now: datetime | None = None) -> Compared:
        """Copy and compare, as of two hours from now unless told otherwise."""
        moment = now or datetime.now(UTC) + LATER
        copy_rows(self.office.sessions, self.gateway, _no_beat)
        refresh_pending(self.office.sessions, self.gateway, moment)
        totals = settled_totals(self.office.sessions, self.gateway, _no_beat)
        return compare(self.office.sessions, moment, totals, _no_beat)

    def copy(self) -> int:
        return copy_rows(self.office.sessions, self.gateway, _no_beat)

    def items(self, *states: str) -> list[ReconciliationItem]:
        with self.office.sessions() as session:
            query = select(ReconciliationItem).where(ReconciliationItem.state.in_(states or ("open",)))
            return list(session.scalars(query.order_by(ReconciliationItem.id)))

    def lists(self, *states: str) -> list[tuple[str, str, int | None, int | None]]:
        """What stands on the lists: list, subject, our amount, theirs."""
        return _lines(self.items(*states))


def _lines(items: Iterable[ReconciliationItem]) -> list[tuple[str, str, int | None, int | None]]:
    return sorted((one.list, one.subject, one.our_amount, one.their_amount) for one in items)


def _no_beat() -> None:
    """Nobody waits for a sign of life here."""


def gateway_to(sim: Simulator) -> StripeGateway:
    return StripeGateway(KEY, sim.base, "v2", timeout=10, loopback_only=True)
