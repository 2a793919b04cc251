"""Commands on a collaboration: one operation for each command that the table gives to the brand.

The body is the command's own model, the answer says where the collaboration stands. Nothing is decided here:
the workflow does, and its refusal is passed on with its code.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, get_args
from uuid import uuid4

from fastapi import APIRouter, Body, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, create_model
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import Caller, own
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf, request_name
from api.commands import give
from api.problems import answers
from api.schemas.collaborations import CommandOutcome
from api.schemas.common import CollaborationId
from domain import commands as domain_commands
from domain.command_table import COMMANDS
from domain.commands import Request as Order
from domain.errors import NotFound
from domain.roles import ActorKind
from infra.tables import Collaboration, Submission

router = APIRouter(
    tags=["commands"],
    route_class=CallRoute,
    dependencies=KEYED,
    responses=answers(400, 202, 401, 403, 404, 409, 413, 422, 503),
)

_MODELS: Final[dict[str, type[BaseModel]]] = {
    kind.model_fields["name"].default: kind for kind in get_args(get_args(domain_commands.Command)[0])
}
BRAND_COMMANDS: Final = tuple(name for name, rule in COMMANDS.items() if ActorKind.BRAND in rule.actors)
"""Commands that the table gives to the brand."""


class FeedbackBody(BaseModel):
    """Ask for changes to the draft."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    submission_id: domain_commands.Id
    feedback: Annotated[
        str, Field(min_length=1, max_length=4000, description="What to change, for the creator")
    ]


def _body_of(name: str) -> type[BaseModel]:
    """The command's model without its name, which stands in the address."""
    if name == "request_changes":
        return FeedbackBody
    kind = _MODELS[name]
    fields: dict[str, Any] = {
        field: (
            info.annotation if not info.metadata else Annotated[(info.annotation, *info.metadata)],
            info.default,
        )
        for field, info in kind.model_fields.items()
        if field != "name"
    }
    return create_model(
        f"{kind.__name__}Body",
        __doc__=kind.__doc__,
        __config__=ConfigDict(extra="forbid", frozen=True),
        **fields,
    )


def _operation(name: str) -> Callable[..., Coroutine[Any, Any, CommandOutcome]]:
    body_model = _body_of(name)
    optional = not any(info.is_required() for info in body_model.model_fields.values())

    async def command(
        collaboration_id: CollaborationId,
        request: Request,
        caller: CallerOf,
        session: SessionOf,
        body: Any = None,
    ) -> CommandOutcome:
        fields = {} if body is None else body.model_dump(exclude_unset=True)
        await run_in_threadpool(_prepare, session, caller, collaboration_id, fields)
        fields.pop("feedback", None)
        order = Order.model_validate(
            {
                "id": request_name(request, uuid4().hex),
                "actor": caller.actor,
                "command": {"name": name, **fields},
            }
        )
        state = request.app.state
        snapshot = await give(state.temporal, state.sessions, collaboration_id, order)
        return CommandOutcome.model_validate(snapshot.model_dump())

    given: Any = Annotated[body_model | None if optional else body_model, Body()]
    command.__annotations__ = command.__annotations__ | {"body": given}
    command.__name__ = f"command_{name}"
    if not optional:
        command.__defaults__ = ()
    return command


def _prepare(session: Session, caller: Caller, collaboration_id: str, fields: dict[str, Any]) -> None:
    """Check whose the collaboration is, and keep the brand's words before the command names them."""
    own(session, caller, Collaboration, collaboration_id)
    if "feedback" in fields:
        _keep_feedback(session, collaboration_id, fields)
    session.commit()  # hold no connection while the workflow answers


def _keep_feedback(session: Session, collaboration_id: str, fields: dict[str, Any]) -> None:
    draft = session.scalar(
        select(Submission)
        .where(
            Submission.id == fields["submission_id"],
            Submission.collaboration_id == collaboration_id,
            Submission.kind == "draft",
        )
        .with_for_update()
    )
    if draft is None:
        raise NotFound("no such draft")
    if draft.state == "in_review":
        draft.feedback = fields["feedback"]


def _mount() -> None:
    for name in BRAND_COMMANDS:
        rule = COMMANDS[name]
        stages = ", ".join(sorted(stage.value for stage in rule.stages))
        summary = str(_MODELS[name].__doc__ or name).splitlines()[0].rstrip(".")
        router.add_api_route(
            f"/collaborations/{{collaboration_id}}/commands/{name}",
            _operation(name),
            methods=["POST"],
            name=f"command_{name}",
            summary=summary[:120],
            description=f"{rule.effect} Possible at: {stages}.",
            dependencies=REPEATABLE,
        )


_mount()


@router.post(
    "/collaborations/{collaboration_id}/commands/{command}",
    name="command_unknown",
    include_in_schema=False,
    dependencies=REPEATABLE,
)
def unknown_command(
    collaboration_id: CollaborationId, command: str, caller: CallerOf, session: SessionOf
) -> None:
    """A command that is not the brand's to give."""
    own(session, caller, Collaboration, collaboration_id)
    known = ", ".join(BRAND_COMMANDS)
    raise NotFound(
        f"a brand cannot give the command {command[:40]!r}; it can: {known}", code="unknown_command"
    )
