"""The one way from a page or an API call to a workflow: an update with a deterministic id.

The caller learns whether the command counted. No answer in time is "still working", never "failed": the
same request id may be sent again and counts once.
"""

from __future__ import annotations

from datetime import timedelta

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.waking import acts_after_the_end, give_waking, recorded_state
from domain.campaign import CampaignStatus
from domain.commands import Request
from domain.errors import Defect, HandselError, IllegalCommand, NotFound, Refused
from domain.roles import Actor
from domain.state import Snapshot
from infra.tables import Event
from workflows.messages import (
    CAMPAIGN,
    COLLABORATIONS_QUEUE,
    GIVE,
    STEER,
    CampaignStanding,
    CampaignStart,
    Steering,
    campaign_workflow_id,
    collaboration_workflow_id,
)
from workflows.refusals import from_application_error


class StillWorking(HandselError):
    """No answer in time. The command may have counted: send the same request id again."""

    code = "still_working"
    status = 202


async def give(
    temporal: Client,
    sessions: sessionmaker[Session],
    collaboration_id: str,
    request: Request,
    *,
    patience: float = 4.0,
) -> Snapshot:
    """Give one command to a collaboration and wait for its answer.

    Raises `Refused` errors as the domain decided, `StillWorking` after `patience` seconds, `NotFound` when
    there is no such workflow, `Defect` when the change could not be written.
    """
    handle = temporal.get_workflow_handle(collaboration_workflow_id(collaboration_id))
    try:
        answer: Snapshot = await handle.execute_update(
            GIVE,
            request,
            id=request.id,
            result_type=Snapshot,
            rpc_timeout=timedelta(seconds=patience),
        )
        return answer
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
        raise StillWorking("we are still working on it") from error
    except RuntimeError as error:  # how a lazy client says that it cannot connect
        raise StillWorking("the workflow service cannot be reached at the moment; send it again") from error
    except WorkflowUpdateFailedError as error:
        refusal = _refusal(error)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and acts_after_the_end(request):
            return await _wake(temporal, sessions, collaboration_id, request, patience)
        refusal = await _no_workflow(temporal, collaboration_id, error)
    done = await run_in_threadpool(_already_recorded, sessions, collaboration_id, request.id)
    if done is None:
        raise refusal
    return done


async def _wake(
    temporal: Client,
    sessions: sessionmaker[Session],
    collaboration_id: str,
    request: Request,
    patience: float,
) -> Snapshot:
    """The same for a collaboration that has ended: it wakes for this one command."""
    state = await run_in_threadpool(recorded_state, sessions, collaboration_id)
    if not state.ended:
        raise NotFound("this collaboration has not begun yet", code="not_started")
    done = await run_in_threadpool(_already_recorded, sessions, collaboration_id, request.id)
    if done is not None:
        return done
    try:
        return await give_waking(temporal, state, request, patience=patience)
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RPCError) as error:
        raise StillWorking("we are still working on it") from error
    except WorkflowUpdateFailedError as error:
        raise _refusal(error) from error


def _refusal(error: WorkflowUpdateFailedError) -> HandselError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type:
        return from_application_error(cause)
    return Defect("the change could not be recorded; nothing was changed")


async def _no_workflow(temporal: Client, collaboration_id: str, error: RPCError) -> HandselError:
    if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return StillWorking("we are still working on it")
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return StillWorking("too many commands at once for this collaboration; send it again")
    if error.status is RPCStatusCode.UNAVAILABLE:
        return StillWorking("the workflow service cannot be reached at the moment; send it again")
    if error.status is RPCStatusCode.FAILED_PRECONDITION:  # a task of it failed; it is tried again by itself
        return StillWorking("this collaboration cannot answer at the moment; send it again")
    if error.status is not RPCStatusCode.NOT_FOUND:
        return Defect(f"the workflow service refused: {error.status.name.lower()}")
    try:
        handle = temporal.get_workflow_handle(collaboration_workflow_id(collaboration_id))
        description = await handle.describe()
    except RPCError:
        return NotFound("this collaboration has not begun yet", code="not_started")
    if description.status is WorkflowExecutionStatus.RUNNING:
        return StillWorking("we are still working on it")
    return IllegalCommand("this collaboration has ended", code="ended")


def _already_recorded(
    sessions: sessionmaker[Session], collaboration_id: str, request_id: str
) -> Snapshot | None:
    """The answer that this request got before, from the history; a repeat is not a refusal."""
    query = (
        select(Event.stage, Event.sequence, Event.name)
        .where(
            Event.collaboration_id == collaboration_id,
            Event.request_id.in_([request_id, f"{request_id}:waitlist", f"{request_id}:excuse"]),
        )
        .order_by(Event.sequence.desc())
        .limit(1)
    )
    with sessions() as session:
        row = session.execute(query).first()
    return None if row is None else Snapshot(stage=row.stage, sequence=row.sequence, outcome=row.name)


async def launch(temporal: Client, campaign_id: str, actor: Actor) -> CampaignStanding:
    """Start the campaign's workflow; launching twice counts once."""
    try:
        await temporal.start_workflow(
            CAMPAIGN,
            CampaignStart(campaign_id=campaign_id, actor=actor),
            id=campaign_workflow_id(campaign_id),
            task_queue=COLLABORATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            rpc_timeout=timedelta(seconds=10),
        )
    except WorkflowAlreadyStartedError as error:
        raise IllegalCommand("this campaign was launched and has ended", code="ended") from error
    except RPCError as error:
        raise StillWorking("the workflow service cannot be reached; send it again") from error
    return CampaignStanding(status=CampaignStatus.LIVE, outcome="launch_started")


async def steer(
    temporal: Client, campaign_id: str, steering: Steering, *, patience: float = 6.0
) -> CampaignStanding:
    """Pause, resume, close or cancel a launched campaign, or invite creators added since."""
    handle = temporal.get_workflow_handle(campaign_workflow_id(campaign_id))
    try:
        answer: CampaignStanding = await handle.execute_update(
            STEER,
            steering,
            id=steering.id,
            result_type=CampaignStanding,
            rpc_timeout=timedelta(seconds=patience),
        )
        return answer
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
        raise StillWorking("we are still working on it") from error
    except WorkflowUpdateFailedError as error:
        raise _refusal(error) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused("this campaign is not running", code="wrong_status") from error
        raise StillWorking("the workflow service cannot be reached; send it again") from error
