"""Reading and checking live posts: what was seen, which rules were used, and what came of it, stored once.

A removed post is a finding, not an error; a network that does not answer is retried by Temporal. The check
is kept with everything it looked at, so that the verdict can be made again years later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker
from temporalio import activity

from activities import contracts
from activities.contracts import CheckResult, CheckTask
from activities.posts_port import (
    PostPrivate,
    PostReader,
    PostRemoved,
    PostSnapshot,
    PostUrlRefused,
)
from domain.chain import canonical
from domain.commands import CheckOutcome
from domain.disclosure.engine import check
from domain.disclosure.models import Brand as BrandOnRecord
from domain.disclosure.models import CheckInput, Outcome, Verdict
from domain.ids import derived_id
from domain.offer import CampaignType
from infra.objects import ObjectStore
from infra.tables import (
    Brand,
    Campaign,
    Collaboration,
    Creator,
    DisclosureCheck,
    Post,
    SocialAccount,
)

# From best to worst: the worst finding over all posts is the outcome of the check.
_WORST_LAST = (
    CheckOutcome.PASS,
    CheckOutcome.NEEDS_REVIEW,
    CheckOutcome.UNREADABLE,
    CheckOutcome.FAIL,
    CheckOutcome.TOO_EARLY,
    CheckOutcome.WRONG_AUTHOR,
    CheckOutcome.REMOVED,
)


@dataclass(frozen=True)
class _Setting:
    """What a check needs to know of the collaboration."""

    brand: BrandOnRecord
    country: str
    relationship: str
    handles: dict[str, str]
    posts: Sequence[Post]


@dataclass(frozen=True)
class _Look:
    """What was found at one address."""

    post: Post
    outcome: CheckOutcome
    reason: str
    seen: dict[str, Any]
    verdict: Verdict | None = None


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
            setting = self._setting(task)
            looks = [self._look(post, setting, task.accepted_at) for post in setting.posts]
            worst = max(looks, key=lambda look: _WORST_LAST.index(look.outcome))
            key = self._keep_evidence(check_id, looks)
            self._store(check_id, task, looks, worst, key)
        return self._result(check_id, task)

    def _done(self, check_id: str) -> bool:
        with self._sessions() as session:
            return session.get(DisclosureCheck, check_id) is not None

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
            and _content(previous.input) == _content(row.input)
        )
        return CheckResult(
            check_id=row.id, outcome=CheckOutcome(row.outcome), reason=row.reason, unchanged=unchanged
        )

    def _setting(self, task: CheckTask) -> _Setting:
        query = (
            select(Campaign.type, Creator.country, Creator.id, Brand.name)
            .join(Collaboration, Collaboration.campaign_id == Campaign.id)
            .join(Creator, Creator.id == Collaboration.creator_id)
            .join(Brand, Brand.id == Campaign.brand_id)
            .where(Collaboration.id == task.collaboration_id)
        )
        with self._sessions() as session:
            row = session.execute(query).one()
            accounts = session.execute(
                select(SocialAccount.platform, SocialAccount.handle).where(SocialAccount.creator_id == row.id)
            ).all()
            posts = session.scalars(
                select(Post).where(Post.submission_id == task.submission_id).order_by(Post.deliverable)
            ).all()
        return _Setting(
            brand=BrandOnRecord(name=row.name, handles=(_handle_of(row.name),)),
            country=row.country,
            relationship=CampaignType(row.type).relationship,
            handles={platform: _plain(handle) for platform, handle in accounts},
            posts=posts,
        )

    def _look(self, post: Post, setting: _Setting, after: datetime | None) -> _Look:
        try:
            snapshot = self._reader.read(post.url, post.platform)
        except PostRemoved:
            return _Look(post, CheckOutcome.REMOVED, "removed", {"url": post.url})
        except PostPrivate:
            return _Look(post, CheckOutcome.REMOVED, "private", {"url": post.url})
        except PostUrlRefused:
            return _Look(post, CheckOutcome.UNREADABLE, "address_refused", {"url": post.url})
        seen = snapshot.model_dump(mode="json")
        if _plain(snapshot.author_handle) != setting.handles.get(post.platform):
            return _Look(post, CheckOutcome.WRONG_AUTHOR, "wrong_author", seen)
        if after is not None and snapshot.published_at < after.replace(microsecond=0):
            return _Look(post, CheckOutcome.TOO_EARLY, "too_early", seen)
        verdict = check(_input(snapshot, post, setting))
        return _Look(post, _OUTCOMES[verdict.verdict], verdict.reason.value, seen, verdict)

    def _keep_evidence(self, check_id: str, looks: list[_Look]) -> str:
        key = f"evidence/checks/{check_id}.json"
        self._objects.put(key, canonical([look.seen for look in looks]), "application/json")
        return key

    def _store(self, check_id: str, task: CheckTask, looks: list[_Look], worst: _Look, key: str) -> None:
        inputs = [look.seen for look in looks]
        packs = {look.verdict.pack_version for look in looks if look.verdict is not None}
        row = {
            "id": check_id,
            "collaboration_id": task.collaboration_id,
            "submission_id": task.submission_id,
            "number": task.number,
            "outcome": worst.outcome.value,
            "reason": worst.reason,
            "pack": ", ".join(sorted(pack for pack in packs if pack)),
            "findings": [_finding(look) for look in looks],
            "input": inputs,
            "input_sha256": hashlib.sha256(canonical(inputs)).hexdigest(),
            "evidence_key": key,
            "checked_at": datetime.now(UTC),
        }
        with self._sessions.begin() as session:
            session.execute(insert(DisclosureCheck).values(row).on_conflict_do_nothing())


_OUTCOMES = {
    Outcome.PASS: CheckOutcome.PASS,
    Outcome.FAIL: CheckOutcome.FAIL,
    Outcome.NEEDS_REVIEW: CheckOutcome.NEEDS_REVIEW,
}


def _input(snapshot: PostSnapshot, post: Post, setting: _Setting) -> CheckInput:
    return CheckInput.model_validate(
        {
            "platform": post.platform,
            "format": post.format,
            "jurisdictions": (setting.country,),
            "relationship": setting.relationship,
            "brand": setting.brand,
            "caption": snapshot.caption,
            "language": snapshot.language,
            "overlay_text": snapshot.overlay_text,
            "spoken_disclosure": snapshot.spoken_disclosure,
            "platform_label": snapshot.platform_label,
        }
    )


def _content(seen: list[Any]) -> list[dict[str, Any]]:
    """What was seen, without the hash of the platform's whole answer (which counts likes, too)."""
    return [{name: value for name, value in one.items() if name != "raw_sha256"} for one in seen]


def _finding(look: _Look) -> dict[str, Any]:
    found = {"url": look.post.url, "outcome": look.outcome.value, "reason": look.reason}
    if look.verdict is None:
        return found
    return found | {"verdict": look.verdict.model_dump(mode="json")}


def _plain(handle: str) -> str:
    return handle.strip().removeprefix("@").casefold()


def _handle_of(brand_name: str) -> str:
    return "".join(letter for letter in brand_name.casefold() if letter.isalnum())
