"""One look of the watch over a verified post: read, compared with what was verified, stored, told.

While the collaboration is open its workflow decides what follows; after its end the same command wakes it.
A look is stored before anybody is told, and stands in the way of a payment from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities import contracts
from activities.contracts import WatchAnswer, WatchTask
from activities.looks import (
    CheckOf,
    Look,
    content_of,
    keep_evidence,
    look_at,
    patiently,
    setting_of,
    store_check,
)
from activities.posts_port import PostReader
from activities.waking import give_waking, recorded_state
from domain.commands import CheckOutcome, RecordLook, Request
from domain.disclosure.models import Outcome
from domain.ids import derived_id
from domain.proof import PROOF_NEEDED
from domain.roles import HANDSEL
from domain.stages import Attention, Stage
from domain.state import State
from domain.watch import Seen, compare
from infra.objects import ObjectStore
from infra.tables import DisclosureCheck, Event

PATIENCE = 20.0
"""Seconds for the collaboration to take a finding."""
_LOOKED_AT = (Stage.VERIFIED, Stage.PAYABLE, Stage.PAYING, Stage.PAID, Stage.COMPLETED)

log = structlog.get_logger()


class Busy(Exception):
    """The collaboration cannot take a finding just now; try again."""


class WatchActivities:
    """Needs the database, a reader, the object store, and a Temporal client with its loop."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        reader: PostReader,
        objects: ObjectStore,
        client: Client,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._sessions = sessions
        self._reader = reader
        self._objects = objects
        self._client = client
        self._loop = loop

    @activity.defn(name=contracts.WATCH_POST, no_thread_cancel_exception=True)
    def watch_post(self, task: WatchTask) -> WatchAnswer:
        """Look once; says whether the watch is over, and whether something was found that was not known.

        Raises `PostUnreachable` or `Busy` (retried); `given_up` writes down that nothing could be seen.
        """
        state = recorded_state(self._sessions, task.collaboration_id)
        if state.watch != task.watch or (state.ended and state.stage is not Stage.COMPLETED):
            return WatchAnswer(over=True)
        if state.stage not in _LOOKED_AT or state.post_id is None:
            return WatchAnswer(over=False)  # its own check is under way
        check_id = derived_id("disclosure_check", task.collaboration_id, "watch", task.watch, task.number)
        self._look(task, state.post_id, check_id)
        finding = self._finding(task, check_id, state)
        if finding is None:
            return WatchAnswer(over=False)
        self._tell(state, task, finding)
        return WatchAnswer(over=False, found=finding.outcome is not CheckOutcome.PASS)

    # --- looking ------------------------------------------------------------------------------------

    def _look(self, task: WatchTask, submission_id: str, check_id: str) -> None:
        """Look, and keep what was seen; a look that is there already is not made again."""
        with self._sessions() as session:
            if session.get(DisclosureCheck, check_id) is not None:
                return
            setting = setting_of(session, task.collaboration_id, submission_id)
            verified = _verified(session, task.collaboration_id, submission_id)
        if task.given_up:
            looks = [
                Look(post.url, CheckOutcome.UNREADABLE, "unreachable", {"url": post.url})
                for post in setting.posts
            ]
        else:
            with patiently():
                found = [look_at(self._reader, post, setting, None) for post in setting.posts]
            looks = [meant(look, verified.get(look.url)) for look in found]
        key = keep_evidence(self._objects, check_id, looks)
        of = CheckOf(check_id, task.collaboration_id, submission_id, "watch", task.number)
        with self._sessions.begin() as session:
            store_check(session, of, looks, key)

    def _finding(self, task: WatchTask, check_id: str, state: State) -> RecordLook | None:
        """What there is to tell: something new, or that what was open is well again."""
        with self._sessions() as session:
            row = session.get_one(DisclosureCheck, check_id)
            before = _look_before(session, task, check_id)
        outcome = CheckOutcome(row.outcome)
        if outcome is CheckOutcome.PASS and state.attention is not Attention.POST_CHANGED:
            return None
        if outcome is CheckOutcome.UNREADABLE and not (task.last and state.ended and row.reason != "untold"):
            return None
        if outcome is not CheckOutcome.PASS and before is not None and _same(before, row):
            return None
        return RecordLook(check_id=check_id, watch=task.watch, outcome=outcome, reason=row.reason)

    # --- telling ------------------------------------------------------------------------------------

    def _tell(self, state: State, task: WatchTask, command: RecordLook) -> None:
        request = Request(id=f"watch:{task.watch}:{task.number}", actor=HANDSEL, command=command)
        if self._told(state.collaboration_id, request.id):
            return
        giving = give_waking(self._client, state, request, patience=PATIENCE)
        try:
            asyncio.run_coroutine_threadsafe(giving, self._loop).result(timeout=PATIENCE + 10)
        except WorkflowUpdateFailedError as error:
            code = error.cause.type if isinstance(error.cause, ApplicationError) else ""
            if code == "no_finding" or self._told(state.collaboration_id, request.id):
                return
            raise Busy(f"the collaboration said {code or 'nothing'}") from None

    def _told(self, collaboration_id: str, request_id: str) -> bool:
        query = select(Event.sequence).where(
            Event.collaboration_id == collaboration_id, Event.request_id == request_id
        )
        with self._sessions() as session:
            return session.scalar(query.limit(1)) is not None


def _verified(session: Session, collaboration_id: str, submission_id: str) -> dict[str, Seen]:
    """By address: the posts as the newest check of them saw them, which is how they were verified."""
    seen = session.scalar(
        select(DisclosureCheck.input)
        .where(
            DisclosureCheck.collaboration_id == collaboration_id,
            DisclosureCheck.submission_id == submission_id,
            DisclosureCheck.kind == "live",
        )
        .order_by(DisclosureCheck.number.desc())
        .limit(1)
    )
    return {one["url"]: Seen.model_validate(one) for one in seen or [] if "caption" in one}


def meant(look: Look, verified: Seen | None) -> Look:
    """What the look means beside the post as it was verified.

    A platform that tells nothing of the post has found nothing: a person has seen the proof before.
    """
    if look.verdict is None:
        untold = look.reason == PROOF_NEEDED
        return replace(look, outcome=CheckOutcome.UNREADABLE, reason="untold") if untold else look
    meaning = compare(verified, Seen.model_validate(look.seen), Outcome(look.outcome.value), look.reason)
    return replace(look, outcome=meaning.outcome, reason=meaning.reason)


def _look_before(session: Session, task: WatchTask, check_id: str) -> DisclosureCheck | None:
    """The look of this watch before this one."""
    ids: Sequence[str] = [
        derived_id("disclosure_check", task.collaboration_id, "watch", task.watch, number)
        for number in range(1, task.number)
    ]
    return session.scalar(
        select(DisclosureCheck)
        .where(DisclosureCheck.id.in_(ids), DisclosureCheck.id != check_id)
        .order_by(DisclosureCheck.number.desc())
        .limit(1)
    )


def _same(before: DisclosureCheck, now: DisclosureCheck) -> bool:
    """Whether two looks found the same on the same post: it was told already."""
    return (before.outcome, before.reason, before.submission_id) == (
        now.outcome,
        now.reason,
        now.submission_id,
    ) and content_of(before.input) == content_of(now.input)
