"""One campaign: launches its collaborations in pages, is paused, resumed, closed or cancelled.

It reads its counts from the database by activities; collaborations never report to it. Pausing is a status
that the acceptance itself checks, so nothing has to be told to thousands of workflows.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        COUNT_OPEN,
        LAUNCH_PAGE,
        OPEN_CAMPAIGN,
        SET_CAMPAIGN_STATUS,
        WITHDRAW_PAGE,
        CampaignTask,
        OpenCount,
        Page,
        PageTask,
        StatusTask,
    )
    from domain.campaign import CampaignStatus
    from workflows.messages import CAMPAIGN, STEER, CampaignStanding, CampaignStart, Steering
    from workflows.options import CAMPAIGN as CAMPAIGN_OPTIONS
    from workflows.options import PAGE

Reach = Literal["open_offers", "not_shipped"]

LOOKS_AT_THE_END = (timedelta(seconds=15), timedelta(minutes=5), timedelta(hours=6))
"""How long between looks whether the last collaboration of a closed campaign has ended: growing."""

_POSSIBLE = {
    "invite": {CampaignStatus.LIVE, CampaignStatus.PAUSED},
    "pause": {CampaignStatus.LIVE},
    "resume": {CampaignStatus.PAUSED},
    "close": {CampaignStatus.LIVE, CampaignStatus.PAUSED},
    "cancel": {CampaignStatus.LIVE, CampaignStatus.PAUSED, CampaignStatus.CLOSED},
}
_LEADS_TO = {
    "pause": CampaignStatus.PAUSED,
    "resume": CampaignStatus.LIVE,
    "close": CampaignStatus.CLOSED,
    "cancel": CampaignStatus.CANCELLED,
}


@workflow.defn(name=CAMPAIGN)
class CampaignWorkflow:
    """See the module."""

    @workflow.init
    def __init__(self, start: CampaignStart) -> None:
        self._start = start
        self._status = start.status if start.launched else CampaignStatus.LIVE
        self._cursor = start.cursor
        self._opened = start.launched
        self._to_invite = not start.launched
        self._to_withdraw: Reach | None = None
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self, start: CampaignStart) -> None:
        """Launch, then follow the steering until a closed campaign has come to its end."""
        if not self._opened:
            task = CampaignTask(campaign_id=start.campaign_id, actor=start.actor)
            await workflow.execute_activity(OPEN_CAMPAIGN, task, **CAMPAIGN_OPTIONS)
            self._opened = True
        while True:
            try:
                if not await self._work():
                    break
            except ActivityError:
                workflow.logger.exception("a page could not be worked; trying again")
                await workflow.sleep(timedelta(minutes=1))
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._carried_on())
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name=STEER)
    async def steer(self, steering: Steering) -> CampaignStanding:
        """Invite newly added creators, pause, resume, close or cancel."""
        async with self._turn:
            self._check(steering)
            if steering.command == "invite":
                self._cursor, self._to_invite = "", True
                return CampaignStanding(status=self._status, outcome="invitations_started")
            status = _LEADS_TO[steering.command]
            await workflow.execute_activity(
                SET_CAMPAIGN_STATUS,
                StatusTask(campaign_id=self._start.campaign_id, status=status, actor=steering.actor),
                **CAMPAIGN_OPTIONS,
            )
            self._status = status
            if status is CampaignStatus.CLOSED:
                self._to_withdraw = "open_offers"
            elif status is CampaignStatus.CANCELLED:
                self._to_withdraw = "not_shipped"
            return CampaignStanding(status=status, outcome=f"campaign_{status.value}")

    @steer.validator
    def _steer_possible(self, steering: Steering) -> None:
        self._check(steering)

    def _check(self, steering: Steering) -> None:
        if self._status not in _POSSIBLE[steering.command]:
            raise ApplicationError(
                f"'{steering.command}' is not possible while the campaign is {self._status.value}",
                "IllegalCommand",
                None,
                type="wrong_status",
                non_retryable=True,
            )

    async def _work(self) -> bool:
        """One page of work, or a wait; False when the campaign is over."""
        if self._to_withdraw is not None:
            await self._withdraw(self._to_withdraw)
        elif self._to_invite and self._status is CampaignStatus.LIVE:
            await self._launch_page()
        elif self._status in (CampaignStatus.CLOSED, CampaignStatus.CANCELLED):
            return await self._wait_for_the_end()
        else:
            await workflow.wait_condition(self._something_to_do)
        return True

    def _something_to_do(self) -> bool:
        inviting = self._to_invite and self._status is CampaignStatus.LIVE
        ending = self._status in (CampaignStatus.CLOSED, CampaignStatus.CANCELLED)
        return inviting or ending or self._to_withdraw is not None

    def _page_task(self, cursor: str, reach: Reach = "open_offers") -> PageTask:
        return PageTask(
            campaign_id=self._start.campaign_id,
            cursor=cursor,
            actor=self._start.actor,
            reach=reach,
        )

    async def _launch_page(self) -> None:
        before = self._cursor
        page = await workflow.execute_activity(LAUNCH_PAGE, self._page_task(before), result_type=Page, **PAGE)
        if self._cursor == before:  # else somebody asked to begin anew meanwhile
            self._cursor = page.cursor
            self._to_invite = not page.done

    async def _withdraw(self, reach: Reach) -> None:
        cursor, done = "", False
        while not done:
            page = await workflow.execute_activity(
                WITHDRAW_PAGE, self._page_task(cursor, reach), result_type=Page, **PAGE
            )
            cursor, done = page.cursor, page.done
        if self._to_withdraw == reach:
            self._to_withdraw = None

    async def _wait_for_the_end(self) -> bool:
        for wait in LOOKS_AT_THE_END:
            task = CampaignTask(campaign_id=self._start.campaign_id, actor=self._start.actor)
            left = await workflow.execute_activity(
                COUNT_OPEN, task, result_type=OpenCount, **CAMPAIGN_OPTIONS
            )
            if left.count == 0:
                return await self._complete()
            try:
                await workflow.wait_condition(lambda: self._to_withdraw is not None, timeout=wait)
            except TimeoutError:
                continue
            return True
        return True

    async def _complete(self) -> bool:
        if self._status is CampaignStatus.CLOSED:
            task = StatusTask(campaign_id=self._start.campaign_id, status=CampaignStatus.COMPLETED)
            await workflow.execute_activity(SET_CAMPAIGN_STATUS, task, **CAMPAIGN_OPTIONS)
        return False

    def _carried_on(self) -> CampaignStart:
        return self._start.model_copy(
            update={"cursor": self._cursor, "launched": True, "status": self._status}
        )
