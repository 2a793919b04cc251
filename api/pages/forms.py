"""Which forms a page shows now, and the paper that each of them is read on.

What is possible comes from the command table and the state; the workflow decides in the end. A form that is
refused changes nothing and keeps what was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.pages.dossier import Dossier
from api.pages.nonces import Nonce
from api.pages.wording import say
from domain.campaign import CampaignStatus
from domain.clocks import later, length
from domain.command_table import COMMANDS
from domain.decisions.posting import MOST_CHECKS
from domain.errors import Invalid
from domain.roles import ActorKind
from domain.stages import Attention, Stage
from infra.vault import Vault

COMMAND_OF: Final = {
    "accept": "accept",
    "decline": "decline",
    "address": "correct_address",
    "arrived": "deliver",
    "parcel": "report_parcel",
    "draft": "submit_draft",
    "extension": "ask_extension",
    "post": "submit_post",
    "recheck": "recheck",
    "withdraw": "withdraw",
}
"""Form of a page -> command that it gives."""

_DRAFT_COMES_FIRST: Final = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED)
_DAYS: Final = (1, 2, 3, 5, 7, 10, 14, 21, 28)
_DAY: Final = 86400
Fields = Mapping[str, str]


class FormRefused(Invalid):
    """Fields of a form are missing or wrong; `by_field` has a sentence for each."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("the form is not complete")
        self.by_field = by_field


@dataclass(frozen=True)
class Paper:
    """One form that was sent: its mark, what was typed, and where it came from."""

    nonce: Nonce
    fields: Fields
    files: tuple[str, ...]
    """Ids of the uploaded files that were ticked."""
    now: datetime
    ip: str
    browser: str
    vault: Vault
    post_hosts: dict[str, str]

    def text(self, name: str, most: int = 200) -> str:
        """What was typed, without blanks around it. Raises `FormRefused` when it is too long."""
        typed = self.fields.get(name, "").replace("\r\n", "\n").strip()
        if len(typed) > most:
            raise FormRefused({name: say("error.too_long")})
        if any((ord(letter) < 32 and letter not in "\n\t") or letter in "\x7f\ufeff" for letter in typed):
            raise FormRefused({name: say("error.strange_character")})
        return typed


def possible(dossier: Dossier, now: datetime) -> list[str]:
    """The forms that this page shows now, in the order of their importance."""
    return [form for form in COMMAND_OF if _allowed(form, dossier) and _sensible(form, dossier, now)]


def _allowed(form: str, dossier: Dossier) -> bool:
    rule = COMMANDS[COMMAND_OF[form]]
    return ActorKind.CREATOR in rule.actors and dossier.stage in rule.stages


def _sensible(form: str, dossier: Dossier, now: datetime) -> bool:
    """The conditions that the table does not hold: those of the commands' own decisions."""
    state = dossier.state
    in_time = state.due_at is None or now <= later(state.due_at, state.policy.grace, state.zone)
    if form == "accept":
        return dossier.campaign.status == CampaignStatus.LIVE
    if form == "withdraw":
        return dossier.stage not in (Stage.QUEUED, Stage.INVITED, Stage.WAITLISTED)
    if form == "parcel":
        return state.attention is not Attention.PARCEL_DISPUTED
    if form == "draft":
        return state.draft_first and in_time
    if form == "post":
        return in_time and not (state.draft_first and dossier.stage in _DRAFT_COMES_FIRST)
    if form == "extension":
        return state.due_at is not None and not state.extension and in_time and bool(spans(dossier))
    if form == "recheck":
        return dossier.stage is Stage.DISCLOSURE_CHECK and state.checks < MOST_CHECKS
    return True


@dataclass(frozen=True)
class ExtraTime:
    """One choice of more time; `at_once` when nobody has to be asked."""

    span: str
    at_once: bool


def spans(dossier: Dossier) -> list[ExtraTime]:
    """How much more time may be asked for, shortest first."""
    policy, used = dossier.state.policy, dossier.state.extended
    left = int(length(policy.extension_max).total_seconds()) - used
    auto = int(length(policy.extension_auto).total_seconds()) - used
    if left <= 0:
        return []
    if policy.extension_max.endswith("d") and left >= _DAY:
        lengths = [days * _DAY for days in _DAYS if days * _DAY < left]
        lengths.append(left // _DAY * _DAY)
        return [ExtraTime(f"{seconds // _DAY}d", seconds <= auto) for seconds in lengths]
    lengths = sorted({seconds for seconds in (auto, left) if 0 < seconds <= left})
    return [ExtraTime(_exact(seconds), seconds <= auto) for seconds in lengths]


def _exact(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
