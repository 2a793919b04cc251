"""Commands of the draft, its review, and the time for it."""

from __future__ import annotations

from typing import Literal

from domain.clocks import Span
from domain.commands.base import CommandModel, Id


class SubmitDraft(CommandModel):
    """A draft for review."""

    name: Literal["submit_draft"] = "submit_draft"
    submission_id: Id


class RequestChanges(CommandModel):
    """Ask for changes to the draft; the feedback is stored under the submission."""

    name: Literal["request_changes"] = "request_changes"
    submission_id: Id


class Approve(CommandModel):
    """Approve the draft (the clock does it when the brand does not answer)."""

    name: Literal["approve"] = "approve"
    submission_id: Id


class AskExtension(CommandModel):
    """Ask for more time for the content."""

    name: Literal["ask_extension"] = "ask_extension"
    span: Span


class GrantExtension(CommandModel):
    """Grant the time asked for."""

    name: Literal["grant_extension"] = "grant_extension"


class RefuseExtension(CommandModel):
    """Refuse the time asked for."""

    name: Literal["refuse_extension"] = "refuse_extension"


class CloseContent(CommandModel):
    """Due date and grace are over and nothing came."""

    name: Literal["close_content"] = "close_content"
