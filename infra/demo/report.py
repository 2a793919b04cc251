"""What came of the demo, read from PostgreSQL, from Stripe's own list and from the mailbox when all is over.

It says what happened, not what was planned: every line counts rows that the product wrote. What did not end
is named with the place where it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from domain.stages import ENDS, Stage
from infra.ledger_check import check_snapshot
from infra.tables import (
    Campaign,
    Collaboration,
    DisclosureCheck,
    Entry,
    Event,
    Inbox,
    Movement,
    Notice,
    Payout,
    PayoutAttempt,
    Shipment,
)


class CampaignEnd(BaseModel):
    """One campaign."""

    name: str
    type: str
    status: str
    stages: dict[str, int]


class Open(BaseModel):
    """A collaboration that did not end."""

    collaboration_id: str
    stage: str
    attention: str
    since: str


class Happening(BaseModel):
    """Something that happened on the way, and how the collaborations concerned ended."""

    what: str
    times: int
    ended: dict[str, int]


class Money(BaseModel):
    """Minor units of one currency, each from the ledger's movements."""

    currency: str
    budget: int
    promised: int
    returned: int
    earned: int
    paid: int
    owed: int


class AtStripe(BaseModel):
    """What Stripe itself says, beside what we say."""

    transfers: int
    amount: int
    payouts_sent: int
    payouts_with_two_transfers: int
    answers_lost: int


class Line(BaseModel):
    """One line of the trial balance."""

    kind: str
    currency: str
    amount: int


class Report(BaseModel):
    """The whole of it."""

    seconds: float
    campaigns: list[CampaignEnd]
    not_ended: list[Open]
    happenings: list[Happening]
    mails: dict[str, dict[str, int]]
    """By kind, by state."""
    mails_in_mailbox: int
    mails_twice: int
    parcels: dict[str, int]
    """By kind and state."""
    messages_in: dict[str, int]
    """Webhooks by source, each counted once."""
    posts: dict[str, int]
    """First and last verdict of each collaboration's post."""
    money: list[Money]
    stripe: AtStripe
    trial_balance: list[Line]
    ledger_problems: list[str]
    example: str
    """A collaboration with much to see: its id, empty when none is complete."""
    stumbles: list[str]
    """What an actor of the demo's world could not do as it meant to."""

    @property
    def good(self) -> bool:
        """Whether everything ended, and the books are whole."""
        return not self.not_ended and not self.ledger_problems


EVENTS_TOLD: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("said no", "offer_declined", {}),
    ("did not answer", "invitation_expired", {}),
    ("was reminded", "reminder_sent", {}),
    ("gave an address that cannot be shipped to", "address_rejected", {}),
    ("parcel was lost, and replaced", "parcel_lost", {"reason": "lost"}),
    ("parcel came back, and was sent again", "parcel_returned", {}),
    ("parcel came broken, and was replaced", "parcel_lost", {"reason": "damaged"}),
    ("asked for more time", "extension_asked", {}),
    ("content came late", "draft_submitted", {"late": True}),
    ("draft had to be changed", "changes_requested", {}),
    ("draft approved by the clock", "draft_approved", {"by_silence": True}),
    ("no content came", "content_closed", {}),
    ("disclosure was missing or weak", "disclosure_failed", {}),
    ("no rules for the country: a person looked", "disclosure_unsure", {}),
    ("post was taken down too early", "post_problem", {}),
    ("payment waited for the creator's account", "gate_waiting", {"reason": "payee_missing"}),
    ("transfer was refused", "transfer_refused", {}),
)
"""In words, the event, and what its data must say."""


def read(
    engine: Engine,
    campaign_ids: Sequence[str],
    *,
    seconds: float,
    transfers: Sequence[dict[str, Any]],
    answers_lost: int,
    message_ids: Sequence[str],
    stumbles: Sequence[str],
) -> Report:
    """Count everything. `transfers` and `message_ids` are what Stripe and the mailbox have."""
    problems, balances = check_snapshot(engine)
    with Session(engine) as session:
        rows = session.scalars(select(Collaboration).where(Collaboration.campaign_id.in_(campaign_ids))).all()
        stages = {row.id: row.stage for row in rows}
        ids = list(stages)
        sent = set(_sent_ids(session, ids))
        arrived = Counter(message for message in message_ids if message in sent)
        return Report(
            seconds=round(seconds, 1),
            campaigns=[_campaign(session, one, rows) for one in campaign_ids],
            not_ended=[_open(row) for row in rows if row.stage not in ENDS],
            happenings=_happenings(session, stages),
            mails=_mails(session, ids),
            mails_in_mailbox=sum(arrived.values()),
            mails_twice=sum(count - 1 for count in arrived.values()),
            parcels=_parcels(session, ids),
            messages_in=_messages_in(session),
            posts=_posts(session, ids),
            money=_money(session, campaign_ids, ids),
            stripe=_stripe(session, ids, transfers, answers_lost),
            trial_balance=[Line(kind=b.kind, currency=b.currency, amount=b.amount) for b in balances],
            ledger_problems=[f"{one.rule}: {one.subject}: {one.message}" for one in problems],
            example=_example(rows),
            stumbles=list(stumbles),
        )


def _campaign(session: Session, campaign_id: str, rows: Sequence[Collaboration]) -> CampaignEnd:
    row = session.get_one(Campaign, campaign_id)
    stages = Counter(one.stage for one in rows if one.campaign_id == campaign_id)
    return CampaignEnd(name=row.name, type=row.type, status=row.status, stages=dict(stages.most_common()))


def _open(row: Collaboration) -> Open:
    since = row.since.isoformat(timespec="seconds")
    return Open(collaboration_id=row.id, stage=row.stage, attention=row.attention or "", since=since)


def _example(rows: Sequence[Collaboration]) -> str:
    complete = [row for row in rows if row.stage == Stage.COMPLETED]
    return max(complete, key=lambda row: row.sequence).id if complete else ""


def _happenings(session: Session, stages: dict[str, str]) -> list[Happening]:
    told = []
    for what, name, data in EVENTS_TOLD:
        query = select(Event.collaboration_id).where(
            Event.collaboration_id.in_(stages), Event.name == name, Event.data.contains(data)
        )
        found = session.scalars(query).all()
        if found:
            ended = Counter(stages[one] for one in set(found))
            told.append(Happening(what=what, times=len(found), ended=dict(ended.most_common())))
    return told


def _sent_ids(session: Session, ids: list[str]) -> Sequence[str]:
    return session.scalars(select(Notice.message_id).where(Notice.collaboration_id.in_(ids))).all()


def _mails(session: Session, ids: list[str]) -> dict[str, dict[str, int]]:
    query = (
        select(Notice.kind, Notice.state, func.count())
        .where(Notice.collaboration_id.in_(ids))
        .group_by(Notice.kind, Notice.state)
        .order_by(Notice.kind, Notice.state)
    )
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in session.execute(query):
        found.setdefault(kind, {})[state] = count
    return found


def _parcels(session: Session, ids: list[str]) -> dict[str, int]:
    query = (
        select(Shipment.kind, Shipment.state, func.count())
        .where(Shipment.collaboration_id.in_(ids))
        .group_by(Shipment.kind, Shipment.state)
        .order_by(Shipment.kind, Shipment.state)
    )
    return {f"{kind}, {state}": count for kind, state, count in session.execute(query)}


def _messages_in(session: Session) -> dict[str, int]:
    query = select(Inbox.source, func.count()).group_by(Inbox.source).order_by(Inbox.source)
    return {row[0]: row[1] for row in session.execute(query)}


def _posts(session: Session, ids: list[str]) -> dict[str, int]:
    query = (
        select(DisclosureCheck.collaboration_id, DisclosureCheck.outcome)
        .where(DisclosureCheck.collaboration_id.in_(ids), DisclosureCheck.kind == "live")
        .order_by(DisclosureCheck.collaboration_id, DisclosureCheck.number)
    )
    verdicts: dict[str, list[str]] = {}
    for collaboration_id, outcome in session.execute(query):
        verdicts.setdefault(collaboration_id, []).append(outcome)
    ways = Counter(" -> ".join(_steps(found)) for found in verdicts.values())
    return dict(ways.most_common())


def _steps(outcomes: list[str]) -> list[str]:
    """The verdicts without repetitions."""
    return [one for place, one in enumerate(outcomes) if place == 0 or outcomes[place - 1] != one]


def _money(session: Session, campaign_ids: Sequence[str], ids: list[str]) -> list[Money]:
    query = (
        select(Entry.kind, Movement.currency, func.sum(Movement.amount))
        .join(Movement, Movement.entry_id == Entry.id)
        .where(Entry.collaboration_id.in_(ids))
        .group_by(Entry.kind, Movement.currency)
    )
    sums: dict[str, Counter[str]] = {}
    for kind, currency, amount in session.execute(query):
        sums.setdefault(currency, Counter())[kind] = int(amount)
    budgets = session.execute(
        select(Campaign.currency, func.sum(Campaign.budget_amount))
        .where(Campaign.id.in_(campaign_ids), Campaign.budget_amount > 0)
        .group_by(Campaign.currency)
    )
    return [_sums(currency, int(budget), sums.get(currency, Counter())) for currency, budget in budgets]


def _sums(currency: str, budget: int, by_kind: Counter[str]) -> Money:
    return Money(
        currency=currency,
        budget=budget,
        promised=by_kind["fee_held"],
        returned=by_kind["fee_voided"],
        earned=by_kind["fee_earned"],
        paid=by_kind["attempt_sent"],
        owed=by_kind["fee_earned"] - by_kind["attempt_sent"],
    )


def _stripe(
    session: Session, ids: list[str], transfers: Sequence[dict[str, Any]], answers_lost: int
) -> AtStripe:
    payouts = session.scalars(select(Payout.id).where(Payout.collaboration_id.in_(ids))).all()
    sent = session.scalar(
        select(func.count())
        .select_from(PayoutAttempt)
        .where(PayoutAttempt.payout_id.in_(payouts), PayoutAttempt.state == "sent")
    )
    mine = [one for one in transfers if (one["metadata"] or {}).get("payout") in set(payouts)]
    each = Counter(one["metadata"]["payout"] for one in mine)
    return AtStripe(
        transfers=len(mine),
        amount=sum(int(one["amount"]) - int(one["amount_reversed"]) for one in mine),
        payouts_sent=sent or 0,
        payouts_with_two_transfers=sum(count > 1 for count in each.values()),
        answers_lost=answers_lost,
    )
