"""Waking a collaboration that has ended, for the few commands that come after the end.

Its workflow is started again from the recorded state for this one command and ends with it, so that there is
one writer still (docs/decisions/0007). A state that is older than the record changes nothing: the record
refuses it, and whoever asked asks again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session, sessionmaker
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from domain.command_table import COMMANDS
from domain.commands import Request
from domain.stages import ENDS
from domain.state import Snapshot, State
from infra.tables import Collaboration
from workflows.messages import COLLABORATION, COLLABORATIONS_QUEUE, GIVE, collaboration_workflow_id


def acts_after_the_end(request: Request) -> bool:
    """Whether the table knows this command at an end."""
    return bool(COMMANDS[request.command.name].stages & ENDS)


def recorded_state(sessions: sessionmaker[Session], collaboration_id: str) -> State:
    """The state as the last change left it."""
    with sessions() as session:
        return State.model_validate(session.get_one(Collaboration, collaboration_id).state)


async def give_waking(client: Client, state: State, request: Request, *, patience: float) -> Snapshot:
    """Give a command to this collaboration, whether its workflow runs or has ended.

    Raises what `execute_update_with_start_workflow` raises.
    """
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        COLLABORATION,
        state,
        id=collaboration_workflow_id(state.collaboration_id),
        task_queue=COLLABORATIONS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    answer: Snapshot = await client.execute_update_with_start_workflow(
        GIVE,
        request,
        id=request.id,
        start_workflow_operation=start,
        result_type=Snapshot,
        rpc_timeout=timedelta(seconds=patience),
    )
    return answer
