"""The check of a live post that money waits for: what was seen, under which rules, and what came of it.

A removed post is a finding, not an error; a network that does not answer is retried by Temporal. The check
is kept with everything it looked at, so that the verdict can be made again years later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities import contracts
from activities.contracts import CheckResult, CheckTask
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
from domain.commands import CheckOutcome
from domain.ids import derived_id
from domain.watch import MEDIA_CHANGED, Seen, media_changed
from infra.objects import ObjectStore
from infra.tables import DisclosureCheck


class PostActivities:
    """Needs the database, a reader of posts, and the object store for the evidence."""

    def __init__(self, sessions: sessionmaker[Session], reader: PostReader, objects: ObjectStore) -> None:
        self._sessions = sessions
        self._reader = reader
        self._objects = objects

    @activity.defn(name=contracts.CHECK_POST, no_thread_cancel_exception=True)
    def check_post(self, task: CheckTask) -> CheckResult:
        """Look at every post of the submission; answer with the worst finding.

        Raises `PostUnreachable` (retried) while a network does not answer.
        """
        check_id = derived_id("disclosure_check", task.collaboration_id, task.number)
        if not self._done(check_id):
            looks = self._looks(task)
            key = keep_evidence(self._objects, check_id, looks)
            of = CheckOf(check_id, task.collaboration_id, task.submission_id, "live", task.number)
            with self._sessions.begin() as session:
                store_check(session, of, looks, key)
        return self._result(check_id, task)

    def _done(self, check_id: str) -> bool:
        with self._sessions() as session:
            return session.get(DisclosureCheck, check_id) is not None

    def _looks(self, task: CheckTask) -> list[Look]:
        with self._sessions() as session:
            setting = setting_of(session, task.collaboration_id, task.submission_id)
            verified = _first_passed(session, task)
        with patiently():
            looks = [look_at(self._reader, post, setting, task.accepted_at) for post in setting.posts]
        return [_doubted(look, verified) for look in looks]

    def _result(self, check_id: str, task: CheckTask) -> CheckResult:
        """What is stored, beside what the look before it stored."""
        previous_id = derived_id("disclosure_check", task.collaboration_id, task.number - 1)
        with self._sessions() as session:
            row = session.get_one(DisclosureCheck, check_id)
            previous = session.get(DisclosureCheck, previous_id)
        unchanged = (
            previous is not None
            and previous.outcome == row.outcome
            and previous.submission_id == row.submission_id
            and content_of(previous.input) == content_of(row.input)
        )
        return CheckResult(
            check_id=row.id, outcome=CheckOutcome(row.outcome), reason=row.reason, unchanged=unchanged
        )


def _first_passed(session: Session, task: CheckTask) -> dict[str, Seen]:
    """By address: these posts as they were when they first passed; empty when they never did."""
    seen = session.scalar(
        select(DisclosureCheck.input)
        .where(
            DisclosureCheck.collaboration_id == task.collaboration_id,
            DisclosureCheck.submission_id == task.submission_id,
            DisclosureCheck.kind == "live",
            DisclosureCheck.outcome == CheckOutcome.PASS.value,
        )
        .order_by(DisclosureCheck.number)
        .limit(1)
    )
    return {one["url"]: Seen.model_validate(one) for one in seen or []}


def _doubted(look: Look, verified: Mapping[str, Seen]) -> Look:
    """Another picture or film under the same address is for a person, however well it is marked."""
    before = verified.get(look.url)
    if look.outcome is not CheckOutcome.PASS or before is None:
        return look
    if not media_changed(before, Seen.model_validate(look.seen)):
        return look
    return replace(look, outcome=MEDIA_CHANGED.outcome, reason=MEDIA_CHANGED.reason)
