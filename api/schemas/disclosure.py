"""Checks of drafts and posts, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.common import Shown


class CheckShown(Shown):
    """One look at a draft or a post: what was seen, under which rules, and what came of it."""

    id: str
    submission_id: str
    kind: str = Field(examples=["live"], description="draft, live or watch")
    number: int
    outcome: str = Field(examples=["pass"])
    reason: str = Field(examples=["ok"])
    pack: str = Field(description="Versions of the rules, empty when none was asked")
    findings: list[Any] = Field(description="One for each post, the verdict with the words that decided")
    input: list[Any] = Field(description="What was seen, one for each post")
    input_sha256: str
    checked_at: datetime


class ChecksShown(Shown):
    """Every look, in order."""

    items: list[CheckShown]
