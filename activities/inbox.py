"""Works the inbox: messages of Stripe and of carriers, stored by the front, become commands here.

A message may come early, twice, late or out of order. Early ones wait and are tried again; what a
collaboration has left behind is ignored; the event's id is the id of the command, so that it counts once.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import contracts
from activities.contracts import PumpTask, Worked
from activities.errands import Errand, Later
from activities.payments_port import PaymentsGateway
from activities.stripe_messages import StripeMessages
from activities.waiting import Listener
from activities.waking import acts_after_the_end, give_waking, recorded_state
from domain.command_table import COMMANDS
from domain.commands import (
    Command,
    Deliver,
    Lose,
    RejectAddress,
    Request,
    Return,
    Scan,
)
from domain.roles import Actor, ActorKind
from domain.stages import Stage
from domain.state import Snapshot
from infra.settings import Settings
from infra.tables import Collaboration, Inbox, Shipment
from workflows.messages import GIVE, collaboration_workflow_id

BATCH = 20
TRY_AGAIN = ("clawback_under_way", "sequence_differs", "not_sent", "other_payout")
"""Refusals that end by themselves."""
LEASE = timedelta(seconds=30)
"""How long a claimed message is nobody else's."""
GIVE_UP_AFTER = timedelta(days=3)
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 600.0

_BEFORE_SHIPPED = (Stage.ACCEPTED, Stage.PREPARING)

log = structlog.get_logger()


class InboxActivities:
    """Needs the database, a Temporal client with its loop, and the gateway to Stripe."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        client: Client,
        loop: asyncio.AbstractEventLoop,
        gateway: PaymentsGateway,
        settings: Settings,
    ) -> None:
        self._sessions = sessions
        self._client = client
        self._loop = loop
        self._stripe = StripeMessages(sessions, gateway)
        self._settings = settings

    @activity.defn(name=contracts.WORK_INBOX, no_thread_cancel_exception=True)
    def work_inbox(self, task: PumpTask) -> Worked:
        """Work messages as they come, for about `task.seconds`; then answer how many."""
        counts = {"done": 0, "ignored": 0, "later": 0}
        end = monotonic() + task.seconds
        with Listener(self._settings, "inbox") as listener:
            while monotonic() < end and not activity.is_cancelled() and not activity.is_worker_shutdown():
                activity.heartbeat()
                rows = self._claim()
                for result in self._work_together(rows):
                    counts[result] += 1
                if not rows:
                    listener.wait(1.0)
        return Worked(**counts)

    def _claim(self) -> list[Inbox]:
        now = datetime.now(UTC)
        due = (
            select(Inbox)
            .where(Inbox.handled_at.is_(None), Inbox.due_at <= now)
            .order_by(Inbox.due_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with self._sessions.begin() as session:
            rows = list(session.scalars(due))
            for row in rows:
                row.due_at = now + LEASE
                row.attempts += 1
        return rows

    def _work_together(self, rows: list[Inbox]) -> list[str]:
        async def all_of_them() -> list[str]:
            return await asyncio.gather(*(self._work(row) for row in rows))

        if not rows:
            return []
        return asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(timeout=60)

    async def _work(self, row: Inbox) -> str:
        """Work one message; what went wrong is written on its row, bounded and without its content."""
        try:
            errands = await asyncio.to_thread(self._errands, row)
            for errand in errands:
                await self._run(row, errand)
            outcome, note = ("done", "done") if errands else ("ignored", "nothing to do")
        except Later as reason:
            outcome, note = "later", str(reason)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.warning("inbox_message_failed", source=row.source, type=row.type, error=type(error).__name__)
            outcome, note = "later", f"{type(error).__name__}: {error}"
        await asyncio.to_thread(self._mark, row, outcome, note[:300])
        return outcome

    def _mark(self, row: Inbox, outcome: str, note: str) -> None:
        now = datetime.now(UTC)
        tired = now - row.received_at > GIVE_UP_AFTER
        values: dict[str, Any] = {"outcome": note}
        if outcome == "later" and not tired:
            wait = min(_FIRST_WAIT * 2 ** min(row.attempts - 1, 12), _LONGEST_WAIT)
            values["due_at"] = now + timedelta(seconds=wait)
        else:
            values["handled_at"] = now
        with self._sessions.begin() as session:
            session.execute(
                update(Inbox)
                .where(Inbox.source == row.source, Inbox.external_id == row.external_id)
                .values(values)
            )

    async def _run(self, row: Inbox, errand: Errand) -> None:
        kind = ActorKind.CARRIER if row.source == "carrier" else ActorKind.STRIPE
        prefix = "carrier" if row.source == "carrier" else "stripe"
        request = Request(
            id=f"{prefix}:{row.external_id}",
            actor=Actor(kind=kind, id=row.external_id),
            command=errand.command,
        )
        handle = self._client.get_workflow_handle(collaboration_workflow_id(errand.collaboration_id))
        try:
            await handle.execute_update(
                GIVE,
                request,
                id=request.id,
                result_type=Snapshot,
                rpc_timeout=timedelta(seconds=15),
            )
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise Later("no answer in time") from error
        except WorkflowUpdateFailedError as error:
            if not isinstance(error.cause, ApplicationError):
                raise Later("the change could not be recorded") from error
            await self._refused(errand, str(error.cause.type))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise Later(f"the workflow service said {error.status.name.lower()}") from error
            if acts_after_the_end(request):
                await self._wake(errand, request)

    async def _wake(self, errand: Errand, request: Request) -> None:
        """The same for a collaboration that has ended: it wakes for this one command."""
        state = await asyncio.to_thread(recorded_state, self._sessions, errand.collaboration_id)
        if not state.ended:
            raise Later("the collaboration has not begun")
        try:
            await give_waking(self._client, state, request, patience=15)
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as error:
            raise Later("no answer in time") from error
        except WorkflowUpdateFailedError as error:
            if not isinstance(error.cause, ApplicationError):
                raise Later("the change could not be recorded") from error
            await self._refused(errand, str(error.cause.type))

    async def _refused(self, errand: Errand, code: str) -> None:
        """Early is tried again; late, or told twice, is ignored.

        The stage is read after the refusal, and may have come meanwhile: then it was early by a moment.
        """
        if code in TRY_AGAIN:
            raise Later(code)
        if code != "wrong_stage":
            return
        stage = await asyncio.to_thread(self._stage, errand.collaboration_id)
        if stage in errand.early_at or stage in COMMANDS[errand.command.name].stages:
            raise Later(f"early: the collaboration is {stage}")

    def _stage(self, collaboration_id: str) -> Stage:
        with self._sessions() as session:
            return Stage(session.get_one(Collaboration, collaboration_id).stage)

    # --- what a message means ---------------------------------------------------------------------

    def _errands(self, row: Inbox) -> list[Errand]:
        if row.source == "carrier":
            return self._of_carrier(row)
        return self._stripe.errands(row)

    def _of_carrier(self, row: Inbox) -> list[Errand]:
        with self._sessions() as session:
            shipment = session.scalar(
                select(Shipment).where(
                    or_(
                        Shipment.tracking_number == row.body.get("tracking_number"),
                        Shipment.id == row.body.get("reference"),
                    )
                )
            )
        if shipment is None:
            raise Later("no parcel has this tracking number yet")
        command = carrier_command(row.type, shipment.id)
        if command is None:
            return []
        if row.type == "address_invalid" and self._stage(shipment.collaboration_id) is Stage.PREPARING:
            command = RejectAddress()
        return [Errand(shipment.collaboration_id, command, early_at=_BEFORE_SHIPPED)]


def carrier_command(code: str, shipment_id: str) -> Command | None:
    """What a carrier's code means here; None for news that needs no command."""
    if code == "delivered":
        return Deliver(shipment_id=shipment_id)
    if code in ("returned", "address_invalid"):
        return Return(shipment_id=shipment_id)
    if code in ("lost", "damaged"):
        return Lose(shipment_id=shipment_id, reason="lost" if code == "lost" else "damaged")
    if code in ("in_transit", "out_for_delivery", "attempt_failed"):
        return Scan(shipment_id=shipment_id, code=code)
    return None
