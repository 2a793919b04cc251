"""Every command at every stage, by every actor, several at once: always an answer, never a stuck workflow."""

from __future__ import annotations

import asyncio

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from domain.command_table import COMMANDS
from domain.commands import Request
from domain.ids import derived_id
from domain.roles import Actor, ActorKind
from domain.stages import ENDS, Stage
from domain.state import Snapshot
from tests.workflows.world import living, opening
from workflows.messages import GIVE

_ARGUMENTS = {
    "accept": {"answer_id": derived_id("answer", "a"), "offer_id": derived_id("offer", "o")},
    "decline": {"reason": "other"},
    "waitlist": {"answer_id": derived_id("answer", "a")},
    "correct_address": {"answer_id": derived_id("answer", "a")},
    "ship": {"shipment_id": derived_id("shipment", "s", 1)},
    "scan": {"shipment_id": derived_id("shipment", "s", 1), "code": "in_transit"},
    "report_parcel": {"problem": "damaged"},
    "submit_draft": {"submission_id": derived_id("submission", "d")},
    "request_changes": {"submission_id": derived_id("submission", "d")},
    "approve": {"submission_id": derived_id("submission", "d")},
    "ask_extension": {"span": "2d"},
    "submit_post": {"submission_id": derived_id("submission", "p")},
    "record_check": {"check_id": derived_id("disclosure_check", "c"), "outcome": "fail"},
    "record_look": {"check_id": derived_id("disclosure_check", "w"), "watch": 0, "outcome": "fail"},
    "settle_finding": {"verdict": "accepted", "reason": "fine"},
    "accept_post": {"reason": "fine"},
    "reject_post": {"reason": "bad"},
    "flag": {"reason": "payee_missing"},
    "approve_payout": {"payout_id": derived_id("payout", "p", 1)},
    "refuse_payout": {"payout_id": derived_id("payout", "p", 1), "reason": "odd"},
    "hold_payout": {"reason": "odd"},
    "release_payout": {"reason": "fine"},
    "override_gate": {"payout_id": derived_id("payout", "p", 1), "gate": "not_duplicate", "reason": "fine"},
    "record_reversal": {"payout_id": derived_id("payout", "p", 1), "transfer_id": "tr_1", "total": 100},
    "settle_reversal": {"payout_id": derived_id("payout", "p", 1), "reason": "seen"},
    "record_bank_payout": {"outcome": "failed", "bank_payout_id": "po_1"},
    "request_clawback": {"payout_id": derived_id("payout", "p", 1), "amount": 5, "reason": "odd"},
    "approve_clawback": {"number": 1},
    "refuse_clawback": {"number": 1, "reason": "odd"},
    "settle_clawback": {"number": 1, "result": "refused"},
    "record_off_platform": {
        "payout_id": derived_id("payout", "p", 1),
        "document_id": derived_id("payment_document", "d"),
        "method": "cash",
    },
    "approve_off_platform": {"payout_id": derived_id("payout", "p", 1)},
    "refuse_off_platform": {"payout_id": derived_id("payout", "p", 1), "reason": "odd"},
    "open_attempt": {"report_id": derived_id("gate_report", "g")},
    "settle_attempt": {"result": "refused", "reason": "never"},
    "confirm_transfer": {"payout_id": derived_id("payout", "p", 1), "transfer_id": "tr_1"},
}


def _request(name: str, kind: ActorKind, number: int) -> Request:
    command = {"name": name, **_ARGUMENTS.get(name, {})}
    actor = {"kind": kind.value, "id": "somebody"}
    return Request.model_validate({"id": f"all:{number}", "actor": actor, "command": command})


async def test_every_command_is_answered_at_every_stage() -> None:
    for stage in Stage:
        if stage in ENDS or stage in (Stage.QUEUED, Stage.POSTED, Stage.PAYING):
            continue  # ends have no workflow; the others are left at once by Handsel itself
        start = opening().model_copy(update={"stage": stage, "sequence": 5, "parcel": 1})
        async with living(start) as life:
            requests = [
                _request(name, kind, index)
                for index, (name, kind) in enumerate(
                    (name, kind) for name, rule in COMMANDS.items() for kind in sorted(rule.actors)
                )
            ]
            for group in (requests[start : start + 8] for start in range(0, len(requests), 8)):
                answers = await asyncio.wait_for(
                    asyncio.gather(*(_send(life.handle, request) for request in group)), 30
                )
                assert all(answer in ("done", "refused", "ended") for answer in answers)


async def _send(handle: object, request: Request) -> str:
    try:
        await handle.execute_update(GIVE, request, id=request.id, result_type=Snapshot)  # type: ignore[attr-defined]
    except WorkflowUpdateFailedError:
        return "refused"
    except RPCError as error:  # the collaboration may have ended by the command before
        return "ended" if error.status is RPCStatusCode.NOT_FOUND else str(error)
    return "done"


def test_actor_of_another_kind_is_refused_by_the_table() -> None:
    for rule in COMMANDS.values():
        assert rule.actors <= set(ActorKind)
    assert Actor(kind=ActorKind.CREATOR).kind not in COMMANDS["settle_attempt"].actors
