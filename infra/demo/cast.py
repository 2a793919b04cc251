"""Who does what in the demo: each creator's part, drawn once from a fixed seed.

Rates are those of published studies where there are any (docs/demo.md). One hidden number for each creator,
how reliable she is, bends all of her own rates; what the carrier does is independent of it. The rare things
that a run must show are given to fixed creators, so that each happens in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, Final

from domain.offer import CampaignType
from infra.demo.world.carrier import Fate
from infra.demo.world.content import Mark

SEED: Final = 42
ACCEPT: Final = {
    CampaignType.GIFTING: 0.27,
    CampaignType.GIFTING_AGREED: 0.27,
    CampaignType.GIFTING_PAID: 0.42,
    CampaignType.PAID: 0.45,
}
EXPLICIT_DECLINE: Final = 0.12
POST_AFTER_DELIVERY: Final = {
    CampaignType.GIFTING: 0.35,
    CampaignType.GIFTING_AGREED: 0.78,
    CampaignType.GIFTING_PAID: 0.92,
    CampaignType.PAID: 0.92,
}
LATE_SHARE: Final = 0.20
DRAFT_CHANGES: Final = (0.63, 0.30, 0.07)
DISCLOSURE_FIRST: Final = {Mark.RIGHT: 0.60, Mark.NONE: 0.28, Mark.WEAK: 0.12}
FIXED_AFTER_REQUEST: Final = 0.85
FIRST_ATTEMPT_FAILS: Final = 0.07
SOON: Final = 0.6
"""Share of the answers that come in the first third of the time."""
AT_HOME: Final = "US"
"""The country whose creators draw how they mark a post; elsewhere posts are marked from the start."""
LEAST_YES: Final = 12
"""Acceptances that the rare things need in the campaign that pays; the most reliable are won over to it."""


class Answer(StrEnum):
    """What a creator does with the offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    SILENT = "silent"


class Work(StrEnum):
    """How the content comes."""

    IN_TIME = "in_time"
    LATE = "late"
    EXTENDED = "extended"
    NEVER = "never"


class Account(StrEnum):
    """How the account at Stripe comes about."""

    WHEN_ASKED = "when_asked"
    SLOWLY = "slowly"
    EARLY_BUT_BLOCKED = "early_but_blocked"
    """Set up at once; then Stripe wants a document, and the first transfer is refused."""


@dataclass(frozen=True)
class Person:
    """A creator as the world knows her."""

    creator_id: str
    name: str
    email: str
    country: str
    platform: str
    handle: str


@dataclass(frozen=True)
class Part:
    """What one creator will do. Shares are of the policy's own times, from 0 to 1."""

    reliability: float
    answer: Answer
    answer_after: float
    work: Work = Work.IN_TIME
    work_after: float = 0.3
    rounds: int = 0
    """How often the brand asks for changes to her draft."""
    first_mark: Mark = Mark.RIGHT
    mends: bool = True
    takes_down: bool = False
    """Whether she takes the post down while it has to stay live."""
    account: Account = Account.WHEN_ASKED
    parcel: Fate = Fate.ARRIVES
    broken: bool = False
    """Whether the first parcel comes broken."""
    wrong_address: bool = False
    """Whether the brand finds the address impossible at first."""


def chance_of(email: str, about: str, seed: int = SEED) -> Random:
    """A source of chance that is this creator's own: the same in every run, whoever else takes part."""
    return Random(f"{seed}/{email}/{about}")


def cast(people: Sequence[Person], kind: CampaignType, seed: int = SEED) -> dict[str, Part]:
    """The part of each creator of one campaign, by e-mail address."""
    parts = {person.email: _draw(person, kind, seed) for person in people}
    if kind is CampaignType.GIFTING_PAID:
        _win_over(people, parts, min(LEAST_YES, len(people) - 2))
    for email, changes in _assigned(people, parts, kind):
        parts[email] = replace(parts[email], **changes)
    return parts


def _draw(person: Person, kind: CampaignType, seed: int) -> Part:
    chance = chance_of(person.email, "part", seed)
    reliability = chance.random()
    bent = 0.5 + reliability
    roll = chance.random()
    yes = ACCEPT[kind] * bent
    answer = Answer.SILENT
    if roll < yes:
        answer = Answer.ACCEPT
    elif roll < yes + EXPLICIT_DECLINE:
        answer = Answer.DECLINE
    answer_after = chance.uniform(0.02, 0.3) if chance.random() < SOON else chance.uniform(0.3, 0.85)
    marks, weights = zip(*DISCLOSURE_FIRST.items(), strict=True)
    careful = [weights[0] * bent, *(weight * (2 - bent) for weight in weights[1:])]
    mark = chance.choices(marks, careful)[0]
    if person.country != AT_HOME:
        mark = Mark.RIGHT
    return Part(
        reliability=reliability,
        answer=answer,
        answer_after=answer_after,
        work=_work(kind, reliability, chance),
        work_after=min(0.7, chance.lognormvariate(-1.2, 0.4)),
        rounds=chance.choices((0, 1, 2), DRAFT_CHANGES)[0],
        first_mark=mark,
        mends=chance.random() < FIXED_AFTER_REQUEST,
        parcel=_fate(person, seed),
    )


def _work(kind: CampaignType, reliability: float, chance: Random) -> Work:
    if chance.random() > min(1.0, POST_AFTER_DELIVERY[kind] * (0.75 + reliability / 2)):
        return Work.NEVER
    return Work.LATE if chance.random() < LATE_SHARE * (1.5 - reliability) else Work.IN_TIME


def _fate(person: Person, seed: int) -> Fate:
    """The carrier's own chance. Lost and returned parcels are so rare that they are given out by hand."""
    failed = chance_of(person.email, "carrier", seed).random() < FIRST_ATTEMPT_FAILS
    return Fate.ATTEMPT_FAILED if failed else Fate.ARRIVES


def _win_over(people: Sequence[Person], parts: dict[str, Part], least: int) -> None:
    """Let some of those who would not accept do so, until the rare things have enough people.

    Those at home come first, then the most reliable.
    """
    yes = {person.email for person in people if parts[person.email].answer is Answer.ACCEPT}
    home = {person.email for person in people if person.country == AT_HOME}
    rest = [person.email for person in people if person.email not in yes]
    rest.sort(key=lambda email: (email not in home, -parts[email].reliability))
    wanted = max(least - len(yes), min(len(_AT_HOME), len(home)) - len(yes & home), 0)
    won, left = rest[:wanted], rest[wanted:]
    for email in won:
        parts[email] = replace(parts[email], answer=Answer.ACCEPT)
    for email, answer in zip(left, (Answer.SILENT, Answer.DECLINE), strict=False):
        parts[email] = replace(parts[email], answer=answer)


# What must be seen in every run. Nobody gets more than the clocks of one campaign can hold.
_CALM: Final[dict[str, Any]] = {"work": Work.IN_TIME, "takes_down": False, "rounds": 0}
_AT_HOME: Final[tuple[dict[str, Any], ...]] = (
    {**_CALM, "first_mark": Mark.NONE, "mends": True, "rounds": 1},
    {**_CALM, "first_mark": Mark.WEAK, "mends": True, "account": Account.SLOWLY},
    {**_CALM, "first_mark": Mark.RIGHT, "takes_down": True},
    {**_CALM, "first_mark": Mark.NONE, "mends": False},
)
"""For creators at home."""
_ANYWHERE: Final[tuple[dict[str, Any], ...]] = (
    {**_CALM, "first_mark": Mark.RIGHT, "parcel": Fate.LOST},
    {**_CALM, "first_mark": Mark.RIGHT, "parcel": Fate.RETURNED},
    {**_CALM, "first_mark": Mark.RIGHT, "broken": True},
    {**_CALM, "first_mark": Mark.RIGHT, "account": Account.EARLY_BUT_BLOCKED},
    {"first_mark": Mark.RIGHT, "work": Work.LATE},
    {"work": Work.NEVER},
    {"first_mark": Mark.RIGHT, "work": Work.EXTENDED},
    {**_CALM, "first_mark": Mark.RIGHT, "wrong_address": True},
)


def _assigned(
    people: Sequence[Person], parts: dict[str, Part], kind: CampaignType
) -> list[tuple[str, dict[str, Any]]]:
    """Give each rare thing to one who accepts; those with little time left answer early."""
    yes = [person for person in people if parts[person.email].answer is Answer.ACCEPT]
    yes.sort(key=lambda person: parts[person.email].answer_after)
    if kind is not CampaignType.GIFTING_PAID:
        return [(person.email, {"work": Work.IN_TIME}) for person in yes[:1]]
    home = [person.email for person in yes if person.country == AT_HOME]
    at_home, rest = home[: len(_AT_HOME)], [p.email for p in yes]
    rest = [email for email in rest if email not in at_home]
    given = list(zip(at_home, _AT_HOME, strict=False))
    given += list(zip(rest, _ANYWHERE, strict=False))
    return [
        (email, {**changes, "answer_after": min(0.4, parts[email].answer_after)}) for email, changes in given
    ]
