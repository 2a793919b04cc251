"""The only writer of a collaboration: one decided change becomes one transaction.

Row, events, ledger, parcels and notices change together or not at all. A refusal by the database (sold out,
not open, stale report) leaves no trace; the same change sent twice is written once. Nothing is decided here:
that is `domain.decide`'s, and what does not fit is a defect, never repaired in passing.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import CursorResult, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import RECORD_CHANGE, Recorded
from activities.effects import afterwards, attempts, decisions, drafts, letters, promises, things
from activities.effects.context import Apply, Context
from activities.gates import report
from domain.chain import event_body, event_hash
from domain.errors import Defect, Refused
from domain.stages import ATTENTION_OWNER
from domain.state import Change, State, apply
from infra.tables import Event

EFFECTS: Final[dict[str, Apply]] = {
    "require_open": promises.require_open,
    "reserve_stock": promises.reserve_stock,
    "release_stock": promises.release_stock,
    "hold_fee": promises.hold_fee,
    "void_fee": promises.void_fee,
    "earn_fee": promises.earn_fee,
    "unearn_fee": promises.unearn_fee,
    "owe_late_fee": promises.owe_late_fee,
    "start_attempt": attempts.start_attempt,
    "close_attempt": attempts.close_attempt,
    "mark_confirmed": attempts.mark_confirmed,
    "record_decision": decisions.record_decision,
    "open_hold": decisions.open_hold,
    "close_hold": decisions.close_hold,
    "record_override": decisions.record_override,
    "open_elsewhere": afterwards.open_elsewhere,
    "close_elsewhere": afterwards.close_elsewhere,
    "return_money": afterwards.return_money,
    "settle_returned": afterwards.settle_returned,
    "pay_again": afterwards.pay_again,
    "ask_clawback": afterwards.ask_clawback,
    "decide_clawback": afterwards.decide_clawback,
    "close_clawback": afterwards.close_clawback,
    "use_answer": things.use_answer,
    "open_parcel": things.open_parcel,
    "mark_parcel": things.mark_parcel,
    "mark_submission": things.mark_submission,
    "check_draft": drafts.check_draft,
    "send_notice": letters.send_notice,
    "revoke_links": letters.revoke_links,
}
"""Every effect of `domain.state` by its `do`, and the function that applies it."""

EARNED: Final = "payment_due"
"""The event after which the payment gates are assessed."""
_LONGEST_MESSAGE: Final = 300

_LOCK: Final = text(
    "SELECT sequence, head, state FROM collaborations WHERE id = :collaboration_id FOR UPDATE"
)

_APPEND: Final = text("""
    INSERT INTO events
        (collaboration_id, sequence, request_id, name, stage, command, actor_kind, actor_id, at, data,
         previous_hash, hash)
    SELECT
        :collaboration_id, :first + e.place - 1, :request_id, e.name, e.stage, :command, :actor_kind,
        :actor_id, :at, CAST(e.data AS jsonb), e.previous_hash, e.hash
    FROM unnest(
        CAST(:names AS text[]), CAST(:stages AS text[]), CAST(:data AS text[]),
        CAST(:previous_hashes AS text[]), CAST(:hashes AS text[])
    ) WITH ORDINALITY AS e(name, stage, data, previous_hash, hash, place)
    WHERE NOT EXISTS (
        SELECT FROM events WHERE collaboration_id = :collaboration_id AND request_id = :request_id
    )
""")

_WRITE_STATE: Final = text("""
    UPDATE collaborations SET
        stage = :stage, since = :since, sequence = :sequence, head = :head, state = CAST(:state AS jsonb),
        attention = :attention, attention_owner = :attention_owner, attention_since = :attention_since
    WHERE id = :collaboration_id
""")


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
        return Recorded(
            refused=refused.code,
            kind=type(refused).__name__,
            message=refused.message,
            field=refused.field,
        )
    except IntegrityError as error:
        raise Defect(_violated(error), code="integrity") from None
    return Recorded()


def write(session: Session, change: Change) -> None:
    """Write one change in the session's transaction, unless it was written before.

    Raises `Refused` or `Defect`; the transaction must be rolled back then.
    """
    row = _lock(session, change)
    if row.sequence != change.sequence:
        _require_written(session, row, change)
        return
    before = State.model_validate(row.state)
    context = Context(change, before, apply(before, change))
    for effect in change.effects:
        EFFECTS[effect.do](session, effect, context)
    head = _write_events(session, change, row.head)
    _write_state(session, context.after, head)


def _lock(session: Session, change: Change) -> Any:
    row = session.execute(_LOCK, {"collaboration_id": change.collaboration_id}).one_or_none()
    if row is None:
        raise Defect(f"{change.collaboration_id} does not exist")
    return row


def _require_written(session: Session, row: Any, change: Change) -> None:
    """The change must be in the history at its place; anything else was decided on another state."""
    found = session.scalars(
        select(Event.name)
        .where(
            Event.collaboration_id == change.collaboration_id,
            Event.request_id == change.request_id,
            Event.sequence > change.sequence,
            Event.sequence <= change.sequence + len(change.events),
        )
        .order_by(Event.sequence)
    ).all()
    if found != [event.name for event in change.events]:
        raise Defect(
            f"{change.command} was decided at {change.sequence}, the record stands at {row.sequence}",
            code="sequence_differs",
        )


def _write_events(session: Session, change: Change, head: str) -> str:
    """Append the events to the chain; gives the new head. A request that has events already is refused."""
    common: dict[str, Any] = {
        "collaboration_id": change.collaboration_id,
        "request_id": change.request_id,
        "command": change.command,
        "actor_kind": change.actor.kind.value,
        "actor_id": change.actor.id,
        "at": change.at,
    }
    hashes = [head]
    for sequence, line in enumerate(change.events, change.sequence + 1):
        body = event_body(**common, sequence=sequence, name=line.name, stage=line.stage.value, data=line.data)
        hashes.append(event_hash(hashes[-1], body))
    done = session.execute(
        _APPEND,
        {
            **common,
            "first": change.sequence + 1,
            "names": [line.name for line in change.events],
            "stages": [line.stage.value for line in change.events],
            "data": [json.dumps(line.data) for line in change.events],
            "previous_hashes": hashes[:-1],
            "hashes": hashes[1:],
        },
    )
    if not (isinstance(done, CursorResult) and done.rowcount == len(change.events)):
        raise Refused("this request was recorded before", code="already_recorded")
    return hashes[-1]


def _write_state(session: Session, state: State, head: str) -> None:
    attention = state.attention
    session.execute(
        _WRITE_STATE,
        {
            "collaboration_id": state.collaboration_id,
            "stage": state.stage.value,
            "since": state.since,
            "sequence": state.sequence,
            "head": head,
            "state": state.model_dump_json(),
            "attention": None if attention is None else attention.value,
            "attention_owner": None if attention is None else ATTENTION_OWNER[attention],
            "attention_since": state.attention_since,
        },
    )


def _violated(error: IntegrityError) -> str:
    """Which constraint was violated; never the values."""
    diagnosis = getattr(error.orig, "diag", None)
    return f"the database refused: {getattr(diagnosis, 'constraint_name', None) or 'a constraint'}"
