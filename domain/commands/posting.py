"""Commands of the live post and what the check of it found."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from domain.commands.base import Code, CommandModel, Id


class CheckOutcome(StrEnum):
    """What reading and checking a live post found."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NEEDS_REVIEW = "needs_review"
    REMOVED = "removed"
    WRONG_AUTHOR = "wrong_author"
    TOO_EARLY = "too_early"
    UNREADABLE = "unreadable"


class SubmitPost(CommandModel):
    """The post is live; its addresses are stored under the submission."""

    name: Literal["submit_post"] = "submit_post"
    submission_id: Id


class RecordCheck(CommandModel):
    """What the check of the live post found."""

    name: Literal["record_check"] = "record_check"
    check_id: Id
    outcome: CheckOutcome
    reason: Code = ""
    unchanged: bool = False
    """Whether the look before it saw and found the same."""


class Recheck(CommandModel):
    """Look at the post again: it was mended, or its time has come."""

    name: Literal["recheck"] = "recheck"


class AcceptPost(CommandModel):
    """A person accepts the post in spite of the check, with a reason."""

    name: Literal["accept_post"] = "accept_post"
    reason: Code
    remark_id: Id | None = None
    """The person's own words, stored before."""


class RecordLook(CommandModel):
    """What a look of the watch found on a verified post: something to mend, or that all is well again."""

    name: Literal["record_look"] = "record_look"
    check_id: Id
    watch: int
    """Number of the watch; the finding of one that is over counts for nothing."""
    outcome: CheckOutcome
    reason: Code = ""


class SettleFinding(CommandModel):
    """A person decides on what the watch found after the payment, with a reason. No money moves by it."""

    name: Literal["settle_finding"] = "settle_finding"
    verdict: Literal["accepted", "rejected"]
    reason: Code
    remark_id: Id | None = None


class RejectPost(CommandModel):
    """A person rejects the post for good, with a reason."""

    name: Literal["reject_post"] = "reject_post"
    reason: Code
    remark_id: Id | None = None
