"""Launching and ending a campaign: opens it, starts its collaborations page by page, withdraws offers.

"Already started" counts as done, so a page may be worked again after a crash. Only ids and counts leave here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities import contracts
from activities.contracts import CampaignTask, OpenCount, Page, PageTask, StatusTask
from activities.ledger import post
from activities.record import record
from domain.campaign import CampaignStatus
from domain.commands import Request, Withdraw
from domain.decide import decide
from domain.errors import Refused
from domain.ledger import budget_declared
from domain.money import Money
from domain.roles import HANDSEL, Actor
from domain.stages import ENDS, Stage
from domain.state import Snapshot, State
from infra.audit.append import append_audit
from infra.tables import Campaign, Collaboration
from workflows.messages import (
    COLLABORATION,
    COLLABORATIONS_QUEUE,
    GIVE,
    collaboration_workflow_id,
)

PAGE_SIZE = 250
AT_ONCE = 25
"""Calls to Temporal under way at the same time."""

_REACH = {
    "open_offers": (Stage.QUEUED, Stage.INVITED, Stage.WAITLISTED),
    "not_shipped": (
        Stage.QUEUED,
        Stage.INVITED,
        Stage.WAITLISTED,
        Stage.ACCEPTED,
        Stage.PREPARING,
    ),
}


class LaunchActivities:
    """Needs the database, and a Temporal client with the event loop it lives on."""

    def __init__(
        self, sessions: sessionmaker[Session], client: Client, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._sessions = sessions
        self._client = client
        self._loop = loop

    @activity.defn(name=contracts.OPEN_CAMPAIGN, no_thread_cancel_exception=True)
    def open_campaign(self, task: CampaignTask) -> None:
        """Set the campaign live and declare its budget in the ledger, once."""
        now = datetime.now(UTC)
        with self._sessions.begin() as session:
            campaign = session.get_one(Campaign, task.campaign_id, with_for_update=True)
            if campaign.status != CampaignStatus.DRAFT:
                return
            campaign.status = CampaignStatus.LIVE
            append_audit(
                session, campaign.brand_id, "campaign", campaign.id, "campaign_launched", task.actor, now
            )
            campaign.launched_at = now
            if campaign.budget_amount > 0:
                budget = Money(amount=campaign.budget_amount, currency=campaign.currency)
                entry = budget_declared(campaign.id, budget)
                post(session, entry, brand_id=campaign.brand_id, actor=task.actor, at=now)

    @activity.defn(name=contracts.LAUNCH_PAGE, no_thread_cancel_exception=True)
    def launch_page(self, task: PageTask) -> Page:
        """Start the next page of queued collaborations."""
        rows = self._page(task, (Stage.QUEUED,))
        for group in _groups(rows):
            self._together([self._start(State.model_validate(row.state)) for row in group])
            activity.heartbeat(group[-1].id)
        return _page(task, rows)

    @activity.defn(name=contracts.SET_CAMPAIGN_STATUS, no_thread_cancel_exception=True)
    def set_campaign_status(self, task: StatusTask) -> None:
        """Write the status that acceptances check in their own transaction."""
        closing = task.status not in (CampaignStatus.LIVE, CampaignStatus.PAUSED)
        values: dict[str, Any] = {"status": task.status.value}
        if closing:
            values["closed_at"] = func.coalesce(Campaign.closed_at, datetime.now(UTC))
        with self._sessions.begin() as session:
            campaign = session.get_one(Campaign, task.campaign_id, with_for_update=True)
            if campaign.status != task.status:
                _tell(session, campaign, task.status, task.actor)
            session.execute(update(Campaign).where(Campaign.id == task.campaign_id).values(values))

    @activity.defn(name=contracts.WITHDRAW_PAGE, no_thread_cancel_exception=True)
    def withdraw_page(self, task: PageTask) -> Page:
        """Withdraw one page of open offers politely; who accepted or shipped meanwhile goes on."""
        rows = self._page(task, _REACH[task.reach])
        for group in _groups(rows):
            self._together([self._withdraw(row.id) for row in group])
            activity.heartbeat(group[-1].id)
        return _page(task, rows)

    @activity.defn(name=contracts.COUNT_OPEN, no_thread_cancel_exception=True)
    def count_open(self, task: CampaignTask) -> OpenCount:
        """How many collaborations of the campaign have not ended."""
        query = select(func.count()).where(
            Collaboration.campaign_id == task.campaign_id, Collaboration.stage.not_in(ENDS)
        )
        with self._sessions() as session:
            return OpenCount(count=session.scalar(query) or 0)

    def _page(self, task: PageTask, stages: Sequence[Stage]) -> Sequence[Any]:
        query = (
            select(Collaboration.id, Collaboration.state)
            .where(
                Collaboration.campaign_id == task.campaign_id,
                Collaboration.stage.in_(stages),
                Collaboration.id > task.cursor,
            )
            .order_by(Collaboration.id)
            .limit(PAGE_SIZE)
        )
        with self._sessions() as session:
            return session.execute(query).all()

    def _together(self, calls: list[Coroutine[Any, Any, None]]) -> None:
        """Run these on the client's loop and wait; the first error is raised after all have ended."""
        running: Future[list[Any]] = asyncio.run_coroutine_threadsafe(_all(calls), self._loop)
        for result in running.result(timeout=120):
            if isinstance(result, BaseException):
                raise result

    async def _start(self, state: State) -> None:
        try:
            await self._client.start_workflow(
                COLLABORATION,
                state,
                id=collaboration_workflow_id(state.collaboration_id),
                task_queue=COLLABORATIONS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return

    async def _withdraw(self, collaboration_id: str) -> None:
        request = Request(
            id=f"campaign:withdraw:{collaboration_id}",
            actor=HANDSEL,
            command=Withdraw(reason="campaign_ended"),
        )
        handle = self._client.get_workflow_handle(collaboration_workflow_id(collaboration_id))
        try:
            await handle.execute_update(
                GIVE,
                request,
                id=request.id,
                result_type=Snapshot,
                rpc_timeout=timedelta(seconds=30),
            )
        except WorkflowUpdateFailedError as error:
            if not isinstance(error.cause, ApplicationError):
                raise  # could not be written: the page is worked again
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.to_thread(self._withdraw_unstarted, collaboration_id, request)

    def _withdraw_unstarted(self, collaboration_id: str, request: Request) -> None:
        """A queued collaboration has no workflow yet: nothing else can write it."""
        with self._sessions() as session:
            row = session.get_one(Collaboration, collaboration_id)
            state = State.model_validate(row.state)
        if state.stage is not Stage.QUEUED:
            return
        try:
            change = decide(state, request, datetime.now(UTC))
        except Refused:
            return
        record(self._sessions, change)


async def _all(calls: list[Coroutine[Any, Any, None]]) -> list[Any]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


def _groups(rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]


def _page(task: PageTask, rows: Sequence[Any]) -> Page:
    cursor = rows[-1].id if rows else task.cursor
    return Page(cursor=cursor, count=len(rows), done=len(rows) < PAGE_SIZE)


def _tell(session: Session, campaign: Campaign, status: CampaignStatus, actor: Actor) -> None:
    """The change of status, in the audit log."""
    said = {"from": campaign.status, "to": status.value}
    now = datetime.now(UTC)
    append_audit(
        session, campaign.brand_id, "campaign", campaign.id, "campaign_status_changed", actor, now, said
    )
