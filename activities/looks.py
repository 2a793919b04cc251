"""One look at the posts of a submission: what is there, whose it is, and what the engine says of it.

Shared by the check that money waits for and by the watch that follows it. A removed post is a finding, not
an error; what a platform does not tell stays unknown; every look is stored once with what it saw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from temporalio.exceptions import ApplicationError

from activities.posts_port import (
    PostPrivate,
    PostReader,
    PostRemoved,
    PostUnreachable,
    PostUntold,
    PostUrlRefused,
    Whose,
)
from domain.chain import canonical
from domain.commands import CheckOutcome
from domain.disclosure.engine import check
from domain.disclosure.models import Brand as BrandOnRecord
from domain.disclosure.models import CheckInput, Outcome, Verdict
from domain.offer import CampaignType
from domain.proof import PROOF_NEEDED, needs_proof
from infra.objects import ObjectStore
from infra.tables import Brand, Campaign, Collaboration, Creator, DisclosureCheck, Post, SocialAccount

CheckKind = Literal["draft", "live", "watch"]

WORST_LAST: Final = (
    CheckOutcome.PASS,
    CheckOutcome.NEEDS_REVIEW,
    CheckOutcome.UNREADABLE,
    CheckOutcome.FAIL,
    CheckOutcome.TOO_EARLY,
    CheckOutcome.WRONG_AUTHOR,
    CheckOutcome.REMOVED,
)
"""The worst finding over all posts is the outcome of a look."""
OUTCOMES: Final = {
    Outcome.PASS: CheckOutcome.PASS,
    Outcome.FAIL: CheckOutcome.FAIL,
    Outcome.NEEDS_REVIEW: CheckOutcome.NEEDS_REVIEW,
}


LONGEST_WAIT: Final = timedelta(hours=6)
"""The longest pause that a platform may ask for between two tries of one look."""
_JUDGED: Final = ("caption", "language", "overlay_text", "spoken_disclosure", "platform_label")


@dataclass(frozen=True)
class Setting:
    """What a look needs to know of the collaboration."""

    brand: BrandOnRecord
    country: str
    relationship: str
    handles: dict[str, str]
    posts: Sequence[Post]
    brand_id: str = ""
    creator_id: str = ""


@dataclass(frozen=True)
class Look:
    """What was found at one address, or in a draft, which has none."""

    url: str
    outcome: CheckOutcome
    reason: str
    seen: dict[str, Any]
    verdict: Verdict | None = None


@contextmanager
def patiently() -> Iterator[None]:
    """Let Temporal try again when the platform asked us to, where it said when."""
    try:
        yield
    except PostUnreachable as error:
        if error.after is None:
            raise
        wait = min(timedelta(seconds=error.after), LONGEST_WAIT)
        raise ApplicationError(str(error), type="PostUnreachable", next_retry_delay=wait) from None


def worst(looks: Sequence[Look]) -> Look:
    """The look that decides."""
    return max(looks, key=lambda look: WORST_LAST.index(look.outcome))


def setting_of(session: Session, collaboration_id: str, submission_id: str) -> Setting:
    """Whose posts are looked at, for whom, and where they are."""
    row = session.execute(
        select(Campaign.type, Campaign.brand_id, Creator.country, Creator.id, Brand.name)
        .join(Collaboration, Collaboration.campaign_id == Campaign.id)
        .join(Creator, Creator.id == Collaboration.creator_id)
        .join(Brand, Brand.id == Campaign.brand_id)
        .where(Collaboration.id == collaboration_id)
    ).one()
    accounts = session.execute(
        select(SocialAccount.platform, SocialAccount.handle).where(SocialAccount.creator_id == row.id)
    ).all()
    posts = session.scalars(
        select(Post).where(Post.submission_id == submission_id).order_by(Post.deliverable)
    ).all()
    return Setting(
        brand=BrandOnRecord(name=row.name, handles=(_handle_of(row.name),)),
        country=row.country,
        relationship=CampaignType(row.type).relationship,
        handles={platform: _plain(handle) for platform, handle in accounts},
        posts=posts,
        brand_id=row.brand_id,
        creator_id=row.id,
    )


def look_at(reader: PostReader, post: Post, setting: Setting, after: datetime | None) -> Look:
    """What is at the address of a post now. Raises `PostUnreachable` while its platform does not answer."""
    whose = Whose(
        brand_id=setting.brand_id,
        creator_id=setting.creator_id,
        handle=setting.handles.get(post.platform, ""),
    )
    try:
        snapshot = reader.read(post.url, post.platform, whose)
    except PostUntold:
        return Look(post.url, CheckOutcome.NEEDS_REVIEW, PROOF_NEEDED, {"url": post.url})
    except PostRemoved:
        return Look(post.url, CheckOutcome.REMOVED, "removed", {"url": post.url})
    except PostPrivate:
        return Look(post.url, CheckOutcome.REMOVED, "private", {"url": post.url})
    except PostUrlRefused:
        return Look(post.url, CheckOutcome.UNREADABLE, "address_refused", {"url": post.url})
    seen = snapshot.model_dump(mode="json")
    if _plain(snapshot.author_handle) != setting.handles.get(post.platform):
        return Look(post.url, CheckOutcome.WRONG_AUTHOR, "wrong_author", seen)
    published = snapshot.published_at
    if after is not None and published is not None and published < after.replace(microsecond=0):
        return Look(post.url, CheckOutcome.TOO_EARLY, "too_early", seen)
    verdict = check(input_of(setting, post.platform, post.format, seen))
    seen |= {"format": post.format, **_case(setting)}
    if needs_proof(verdict.verdict, verdict.reason, post.format, snapshot.unknown):
        return Look(post.url, CheckOutcome.NEEDS_REVIEW, PROOF_NEEDED, seen, verdict)
    return Look(post.url, OUTCOMES[verdict.verdict], verdict.reason.value, seen, verdict)


def draft_looks(setting: Setting, pieces: Sequence[tuple[str, str]], caption: str) -> list[Look]:
    """What the engine says of a caption before it is posted, for each kind of piece (platform, format)."""
    return [_draft_look(setting, platform, format_, caption) for platform, format_ in pieces]


def _draft_look(setting: Setting, platform: str, format_: str, caption: str) -> Look:
    asked = input_of(setting, platform, format_, {"caption": caption})
    verdict = check(asked)
    seen = {
        "caption": caption,
        "platform": str(platform),
        "format": str(format_),
        **_case(setting),
    }
    return Look("", OUTCOMES[verdict.verdict], verdict.reason.value, seen, verdict)


def _case(setting: Setting) -> dict[str, Any]:
    """What the engine was told beside what was seen, so that it can be asked the same in a year."""
    return {
        "jurisdictions": [setting.country],
        "relationship": setting.relationship,
        "brand": setting.brand.model_dump(mode="json"),
    }


DRAFT_WITHOUT_TEXT: Final = Look("", CheckOutcome.NEEDS_REVIEW, "no_text", {})
"""A draft of pictures alone: nothing to judge."""


def input_of(setting: Setting, platform: str, format_: str, seen: Mapping[str, Any]) -> CheckInput:
    """What the engine is asked about a post or a draft that was seen so."""
    return CheckInput.model_validate(
        {
            "platform": platform,
            "format": format_,
            "jurisdictions": (setting.country,),
            "relationship": setting.relationship,
            "brand": setting.brand,
            **{name: seen.get(name) for name in _JUDGED},
        }
    )


def keep_evidence(objects: ObjectStore, check_id: str, looks: Sequence[Look]) -> str:
    """Put what was seen into the object store; gives its key."""
    key = f"evidence/checks/{check_id}.json"
    objects.put(key, canonical([look.seen for look in looks]), "application/json")
    return key


@dataclass(frozen=True)
class CheckOf:
    """Which look this is."""

    id: str
    collaboration_id: str
    submission_id: str
    kind: CheckKind
    number: int


def store_check(
    session: Session, of: CheckOf, looks: Sequence[Look], evidence_key: str = "", at: datetime | None = None
) -> None:
    """Keep a look with everything that it saw, once."""
    inputs = [look.seen for look in looks]
    packs = {look.verdict.pack_version for look in looks if look.verdict is not None}
    decisive = worst(looks)
    session.execute(
        insert(DisclosureCheck)
        .values(
            id=of.id,
            collaboration_id=of.collaboration_id,
            submission_id=of.submission_id,
            kind=of.kind,
            number=of.number,
            outcome=decisive.outcome.value,
            reason=decisive.reason,
            pack=", ".join(sorted(pack for pack in packs if pack)),
            findings=[_finding(look) for look in looks],
            input=inputs,
            input_sha256=hashlib.sha256(canonical(inputs)).hexdigest(),
            evidence_key=evidence_key,
            checked_at=at or datetime.now(UTC),
        )
        .on_conflict_do_nothing()
    )


def content_of(seen: Sequence[Any]) -> list[dict[str, Any]]:
    """What was seen, without the hash of the platform's whole answer (which counts likes, too)."""
    return [{name: value for name, value in one.items() if name != "raw_sha256"} for one in seen]


def _finding(look: Look) -> dict[str, Any]:
    found = {"url": look.url, "outcome": look.outcome.value, "reason": look.reason}
    if look.verdict is None:
        return found
    return found | {"verdict": look.verdict.model_dump(mode="json")}


def _plain(handle: str) -> str:
    return handle.strip().removeprefix("@").casefold()


def _handle_of(brand_name: str) -> str:
    return "".join(letter for letter in brand_name.casefold() if letter.isalnum())
