"""The only writer of a collaboration: one decided change becomes one transaction.

Row, events, ledger, parcels and notices change together or not at all. A refusal by the database (sold out,
not open, stale report) leaves no trace; the same change sent twice is written once. Nothing is decided here:
that is `domain.decide`'s, and what does not fit is a defect, never repaired in passing.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import RECORD_CHANGE, Recorded
from activities.effects import attempts, letters, promises, things
from activities.effects.context import Apply, Context
from activities.gates import report
from domain.chain import event_body, event_hash
from domain.errors import Defect, Refused
from domain.stages import ATTENTION_OWNER
from domain.state import Change, State, apply
from infra.tables import Collaboration, Event

EFFECTS: Final[dict[str, Apply]] = {
    "require_open": promises.require_open,
    "reserve_stock": promises.reserve_stock,
    "release_stock": promises.release_stock,
    "hold_fee": promises.hold_fee,
    "void_fee": promises.void_fee,
    "earn_fee": promises.earn_fee,
    "start_attempt": attempts.start_attempt,
    "close_attempt": attempts.close_attempt,
    "mark_confirmed": attempts.mark_confirmed,
    "use_answer": things.use_answer,
    "open_parcel": things.open_parcel,
    "mark_parcel": things.mark_parcel,
    "mark_submission": things.mark_submission,
    "send_notice": letters.send_notice,
    "revoke_links": letters.revoke_links,
}
"""Every effect of `domain.state` by its `do`, and the function that applies it."""

EARNED: Final = "payment_due"
"""The event after which the payment gates are assessed."""
_LONGEST_MESSAGE: Final = 300


class Records:
    """The activity `record_change`."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @activity.defn(name=RECORD_CHANGE, no_thread_cancel_exception=True)
    def record_change(self, change: Change) -> Recorded:
        """Write one change. A defect is not retried: a person must look."""
        try:
            recorded = record(self._sessions, change)
            if recorded.refused or EARNED not in [event.name for event in change.events]:
                return recorded
            gates = report(self._sessions, change.collaboration_id, change.sequence + len(change.events))
            return recorded.model_copy(update={"gates": gates})
        except Defect as defect:
            raise ApplicationError(
                defect.message[:_LONGEST_MESSAGE], type=defect.code, non_retryable=True
            ) from None


def record(sessions: sessionmaker[Session], change: Change) -> Recorded:
    """Write one change in a transaction of its own; a refusal changes nothing and is answered.

    Raises `Defect` when the change does not fit what is stored.
    """
    try:
        with sessions.begin() as session:
            write(session, change)
    except Refused as refused:
        return Recorded(refused=refused.code, message=refused.message, field=refused.field)
    except IntegrityError as error:
        raise Defect(_violated(error), code="integrity") from None
    return Recorded()


def write(session: Session, change: Change) -> None:
    """Write one change in the session's transaction, unless it was written before.

    Raises `Refused` or `Defect`; the transaction must be rolled back then.
    """
    row = _lock(session, change)
    if _written_before(session, row, change):
        return
    if row.sequence != change.sequence:
        raise Defect(
            f"{change.command} was decided at {change.sequence}, the record stands at {row.sequence}",
            code="sequence_differs",
        )
    before = State.model_validate(row.state)
    context = Context(change, before, apply(before, change))
    for effect in change.effects:
        EFFECTS[effect.do](session, effect, context)
    head = _write_events(session, change, row.head)
    _write_state(session, context.after, head)


def _lock(session: Session, change: Change) -> Row[Any]:
    row = session.execute(
        select(Collaboration.sequence, Collaboration.head, Collaboration.state)
        .where(Collaboration.id == change.collaboration_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise Defect(f"{change.collaboration_id} does not exist")
    return row


def _written_before(session: Session, row: Row[Any], change: Change) -> bool:
    """Whether this very change is in the history. The same request at another place is refused."""
    first, names = session.execute(
        select(func.min(Event.sequence), func.array_agg(Event.name)).where(
            Event.collaboration_id == change.collaboration_id, Event.request_id == change.request_id
        )
    ).one()
    if first is None:
        return False
    if first != change.sequence + 1:
        raise Refused("this request was recorded before", code="already_recorded")
    if sorted(names) != sorted(event.name for event in change.events):
        raise Defect(f"{change.request_id} was recorded with other events", code="request_differs")
    return bool(row.sequence >= first)


def _write_events(session: Session, change: Change, head: str) -> str:
    """Append the events to the chain; gives the new head."""
    rows: list[dict[str, object]] = []
    for sequence, line in enumerate(change.events, change.sequence + 1):
        facts: dict[str, Any] = {
            "collaboration_id": change.collaboration_id,
            "sequence": sequence,
            "request_id": change.request_id,
            "name": line.name,
            "stage": line.stage.value,
            "command": change.command,
            "actor_kind": change.actor.kind.value,
            "actor_id": change.actor.id,
            "at": change.at,
            "data": line.data,
        }
        sealed = event_hash(head, event_body(**facts))
        rows.append({**facts, "previous_hash": head, "hash": sealed})
        head = sealed
    session.execute(insert(Event), rows)
    return head


_WRITE_STATE = (
    update(Collaboration)
    .where(Collaboration.id == bindparam("collaboration_id"))
    .execution_options(synchronize_session=False)
)


def _write_state(session: Session, state: State, head: str) -> None:
    attention = state.attention
    session.execute(
        _WRITE_STATE.values(
            stage=state.stage.value,
            since=state.since,
            sequence=state.sequence,
            head=head,
            state=state.model_dump(mode="json"),
            attention=None if attention is None else attention.value,
            attention_owner=None if attention is None else ATTENTION_OWNER[attention],
            attention_since=state.attention_since,
        ),
        {"collaboration_id": state.collaboration_id},
    )


def _violated(error: IntegrityError) -> str:
    """Which constraint was violated; never the values."""
    diagnosis = getattr(error.orig, "diag", None)
    return f"the database refused: {getattr(diagnosis, 'constraint_name', None) or 'a constraint'}"
