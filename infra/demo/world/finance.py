"""The brand's finance person: approves what waits for an approval, and now and then holds a payment first.

A member who is signed in, working through the API; an API key could not do this.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx

from infra.demo.calls import CallRefused, Calls
from infra.demo.world.diary import Diary

EVERY: Final = 0.8
"""Seconds between two looks at the list."""
HELD_FOR: Final = 3.0
"""Seconds for which the first payment is held, to look at it once more."""
OVERTAKEN: Final = ("wrong_stage", "ended", "already_decided", "payout_not_ready", "already_held", "not_held")
"""Refusals that say that something else was faster."""


class FinancePerson:
    """One person who releases the brand's payments."""

    def __init__(self, calls: Calls, diary: Diary) -> None:
        self._calls = calls
        self._diary = diary
        self._has_held = False

    async def work(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._look()
            except (CallRefused, httpx.HTTPError) as error:
                if getattr(error, "code", "") not in OVERTAKEN:
                    self._diary.stumble("finance", error)
            await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        page = await self._calls.get("/payouts", attention="awaits_approval")
        waiting = [one["id"] for one in page["items"]]
        if waiting and not self._has_held:
            self._has_held = True
            await self._look_twice(waiting[0])
        elif waiting:
            await self._approve({"payouts": waiting})

    async def _look_twice(self, payout_id: str) -> None:
        """Hold the first payment for a moment, as somebody does who pays here for the first time."""
        words: dict[str, Any] = {"reason": "first_payment", "remark": "The first one: is the amount right?"}
        await self._calls.post(f"/payouts/{payout_id}/hold", words)
        await asyncio.sleep(HELD_FOR)
        words = {"reason": "looked_at", "remark": "It is what the offer says."}
        await self._calls.post(f"/payouts/{payout_id}/release", words)
        await self._approve({"payouts": [payout_id]})

    async def _approve(self, which: dict[str, Any]) -> None:
        report = await self._calls.post("/payouts/approvals", which)
        for line in report["results"]:
            if line["result"] == "refused" and line["code"] not in OVERTAKEN:
                self._diary.stumble("finance", CallRefused(409, line["code"], line["message"]))
