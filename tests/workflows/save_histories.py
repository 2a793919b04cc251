"""Records the histories of some lives into tests/histories/, for the replay test of later versions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from activities.contracts import TransferAnswer
from domain.commands import (
    CheckOutcome,
    ConfirmTransfer,
    Decline,
    DeclineReason,
    Lose,
    Recheck,
    TransferResult,
)
from domain.offer import CampaignType, FeeTail
from domain.stages import Stage
from domain.state import State
from tests.workflows.test_parts import confirmed
from tests.workflows.test_paths import accept, ship, to_approved, to_posted, to_production
from tests.workflows.world import CARRIER, CREATOR, STRIPE, Life, Outside, living, opening

FOLDER = Path(__file__).parent.parent / "histories"
VERSION = "0.1.0"


async def _invited(life: Life) -> None:
    await life.until(Stage.INVITED)


async def _declined(life: Life) -> None:
    await life.until(Stage.INVITED)
    await life.give(Decline(reason=DeclineReason.TIMING), CREATOR)
    await life.handle.result()


async def _replaced(life: Life) -> None:
    await accept(life)
    await ship(life)
    await life.give(Lose(), CARRIER)


async def _reminded(life: Life) -> None:
    await to_production(life)
    await life.days(20)


async def _mended(life: Life) -> None:
    await to_posted(life)
    await life.until(Stage.DISCLOSURE_CHECK)
    await life.give(Recheck(), CREATOR)
    await life.until(Stage.PAID)


async def _retried(life: Life) -> None:
    await to_posted(life)
    await life.until(Stage.PAYABLE)
    await life.days(1)


async def _completed(life: Life) -> None:
    await to_posted(life)
    await life.until(Stage.PAID)
    await life.give(ConfirmTransfer(payout_id=life.payout(), transfer_id="tr_1"), STRIPE)
    await life.handle.result()


async def _tailed(life: Life) -> None:
    await to_posted(life)
    await confirmed(life, 1)
    await life.days(3)
    await confirmed(life, 2)
    await life.handle.result()


def _outside(findings: list[CheckOutcome] | None = None, refusal: str = "") -> Outside:
    outside = Outside()
    outside.findings = findings or []
    if refusal:
        outside.transfers = [TransferAnswer(result=TransferResult.REFUSED, reason=refusal)]
    return outside


LIVES: dict[str, tuple[State, Outside, Callable[[Life], Awaitable[None]]]] = {
    "invited": (opening(), _outside(), _invited),
    "expired": (opening(), _outside(), lambda life: life.handle.result()),
    "declined": (opening(), _outside(), _declined),
    "lost-and-replaced": (opening(), _outside(), _replaced),
    "reminded-in-production": (opening(), _outside(), _reminded),
    "approved": (opening(CampaignType.GIFTING_AGREED), _outside(), to_approved),
    "disclosure-mended": (opening(), _outside([CheckOutcome.FAIL]), _mended),
    "transfer-refused": (opening(), _outside(refusal="payee"), _retried),
    "completed": (opening(), _outside(), _completed),
    "paid-in-parts": (opening(tails=[FeeTail(percent=20, live_for="2d")]), _outside(), _tailed),
}


async def main() -> None:
    """Live each life and write its history."""
    FOLDER.mkdir(exist_ok=True)
    for name, (start, outside, live) in LIVES.items():
        async with living(start, outside) as life:
            await live(life)
            history = await life.handle.fetch_history()
            (FOLDER / f"{VERSION}-{name}.json").write_text(history.to_json() + "\n")


if __name__ == "__main__":
    asyncio.run(main())
