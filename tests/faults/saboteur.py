"""Kills the worker at one point of one cell: the real activities, with a death before or after each of them.

To a workflow a dead worker is an activity that gave no answer and is tried again; that is what happens here,
once a cell. Nothing of what the activities do is imitated.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import contracts
from activities.clawbacks import ClawbackActivities
from activities.contracts import ClawbackTask, GateAnswer, GateTask, Recorded, TransferAnswer, TransferTask
from activities.payments import PaymentActivities
from activities.payments_port import PaymentsGateway
from activities.record import Records
from domain.ledger import payout_id
from domain.state import Change
from infra.settings import Settings
from infra.tables import Inbox
from tests.faults.cells import Cell

DAY_AND_MORE: Final = timedelta(hours=25)
POINT_OF: Final = {
    "open_attempt": "open",
    "settle_attempt": "settle",
    "confirm_transfer": "confirm",
    "request_clawback": "ask",
    "approve_clawback": "grant",
    "settle_clawback": "settle",
    "record_off_platform": "report",
    "approve_off_platform": "close",
}
"""Which point a recorded command is."""
PATIENCE: Final = 8.0
"""Seconds for which a try waits for something; below every activity's own time."""

Answer = TypeVar("Answer")


@dataclass
class Script:
    """What happens to one cell, and what has happened."""

    cell: Cell
    died: threading.Event = field(default_factory=threading.Event)
    later: threading.Event = field(default_factory=threading.Event)
    """Set when 25 hours have passed."""
    late_request: str = ""
    """The request whose change was being written at the death."""
    blind: threading.Event = field(default_factory=threading.Event)
    """While set, nobody can look anything up at Stripe."""


class Saboteur:
    """The activities of both queues. `scripts`: by collaboration; who has none is left in peace."""

    def __init__(self, sessions: sessionmaker[Session], gateway: PaymentsGateway, settings: Settings) -> None:
        self.scripts: dict[str, Script] = {}
        self._sessions = sessions
        self._records = Records(sessions)
        self._payments = PaymentActivities(sessions, gateway, settings)
        self._clawbacks = ClawbackActivities(sessions, gateway)

    @property
    def recording(self) -> list[Callable[..., Any]]:
        """For the queue of the collaborations."""
        return [self.record_change]

    @property
    def paying(self) -> list[Callable[..., Any]]:
        """For the queue of the payments."""
        return [
            self.assess_gates,
            self.transfer_payout,
            self.look_up_transfer,
            self.take_back,
            self.look_up_reversal,
        ]

    @activity.defn(name=contracts.RECORD_CHANGE, no_thread_cancel_exception=True)
    def record_change(self, change: Change) -> Recorded:
        script, point = self.scripts.get(change.collaboration_id), POINT_OF.get(change.command, "")
        if script is not None and script.cell.gap:
            change = self._dated(script, point, change)
        return self._at(change.collaboration_id, point, lambda: self._records.record_change(change))

    @activity.defn(name=contracts.ASSESS_GATES, no_thread_cancel_exception=True)
    def assess_gates(self, task: GateTask) -> GateAnswer:
        return self._at(task.collaboration_id, "gates", lambda: self._payments.assess_gates(task))

    @activity.defn(name=contracts.TRANSFER_PAYOUT, no_thread_cancel_exception=True)
    def transfer_payout(self, task: TransferTask) -> TransferAnswer:
        return self._at(task.collaboration_id, "call", lambda: self._payments.transfer_payout(task))

    @activity.defn(name=contracts.LOOK_UP_TRANSFER, no_thread_cancel_exception=True)
    def look_up_transfer(self, task: TransferTask) -> TransferAnswer:
        self._unless_blind(task.collaboration_id)
        return self._payments.look_up_transfer(task)

    @activity.defn(name=contracts.TAKE_BACK, no_thread_cancel_exception=True)
    def take_back(self, task: ClawbackTask) -> TransferAnswer:
        return self._at(task.collaboration_id, "call", lambda: self._clawbacks.take_back(task))

    @activity.defn(name=contracts.LOOK_UP_REVERSAL, no_thread_cancel_exception=True)
    def look_up_reversal(self, task: ClawbackTask) -> TransferAnswer:
        return self._clawbacks.look_up_reversal(task)

    # --- the deaths ---------------------------------------------------------------------------------

    def _at(self, of: str, point: str, work: Callable[[], Answer]) -> Answer:
        script = self.scripts.get(of)
        if script is None or not point:
            return work()
        self._await_the_next_day(script)
        self._die(script, f"{point}.before")
        try:
            answer = work()
        except ApplicationError:
            if script.cell.point == f"{point}.after":
                script.died.set()  # Stripe's fault was the death
            raise
        kind = "transfer.created" if script.cell.kind == "payment" else "transfer.reversed"
        if point == "call" and script.cell.messages == "before_answer":
            self._hear_first(of, kind)
        self._die(script, f"{point}.after")
        return answer

    def _die(self, script: Script, point: str) -> None:
        if script.cell.point == point and not script.died.is_set():
            script.died.set()
            # Nobody comes back in time where a person's wrong word is to be heard.
            raise ApplicationError("the worker died", type="death", non_retryable=script.cell.wrong_word)

    def _await_the_next_day(self, script: Script) -> None:
        if script.cell.gap and script.died.is_set() and not script.later.wait(PATIENCE):
            raise ApplicationError("still the same day", type="death")

    def _dated(self, script: Script, point: str, change: Change) -> Change:
        """The change as it was decided before the gap, when it is written after it."""
        if script.died.is_set() and change.request_id == script.late_request:
            self._await_the_next_day(script)
            return change.model_copy(update={"at": change.at - DAY_AND_MORE})
        if script.cell.point == f"{point}.before" and not script.died.is_set():
            script.late_request = change.request_id
        return change

    def _unless_blind(self, of: str) -> None:
        script = self.scripts.get(of)
        if script is not None and script.blind.is_set():
            raise ApplicationError("Stripe cannot be asked", type="death", non_retryable=True)

    def _hear_first(self, of: str, kind: str) -> None:
        """Stripe's message is worked before we have the answer to our call."""
        worked = select(Inbox.outcome).where(
            Inbox.type == kind,
            Inbox.body["payout_id"].astext == payout_id(of),
            Inbox.outcome != "",
        )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with self._sessions() as session:
                if session.scalar(worked.limit(1)) is not None:
                    return
            time.sleep(0.05)
        raise AssertionError("Stripe's message never came")
