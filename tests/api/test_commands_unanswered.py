"""What a caller is told when the workflow service does not answer a command: send it again, or a defect."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker
from temporalio.service import RPCError, RPCStatusCode

from api.commands import StillWorking, give
from domain.commands import HoldPayout, Request
from domain.errors import Defect
from domain.ids import derived_id
from domain.roles import Actor, ActorKind


class Away:
    """A workflow service that refuses every update like this."""

    def __init__(self, status: RPCStatusCode) -> None:
        self.status = status

    def get_workflow_handle(self, _: str) -> Away:
        return self

    async def execute_update(self, *_: Any, **__: Any) -> None:
        raise RPCError("refused", self.status, b"")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RPCStatusCode.DEADLINE_EXCEEDED, StillWorking),
        (RPCStatusCode.CANCELLED, StillWorking),
        (RPCStatusCode.RESOURCE_EXHAUSTED, StillWorking),
        (RPCStatusCode.UNAVAILABLE, StillWorking),
        (RPCStatusCode.FAILED_PRECONDITION, StillWorking),
        (RPCStatusCode.INVALID_ARGUMENT, Defect),
    ],
)
async def test_what_may_count_when_it_is_sent_again_is_no_defect(
    status: RPCStatusCode, told: type[Exception], sessions: sessionmaker[Session]
) -> None:
    of = derived_id("collaboration", "away")
    request = Request(
        id="key_1:1", actor=Actor(kind=ActorKind.BRAND, id="member_1"), command=HoldPayout(reason="odd")
    )
    with pytest.raises(told):
        await give(Away(status), sessions, of, request)  # type: ignore[arg-type] # all that is used of it
