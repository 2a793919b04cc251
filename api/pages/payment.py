"""Setting up how a creator is paid: an account at Stripe, and a link to Stripe's own form, made on the click.

The link is a bearer token: it goes into the answer's redirect and nowhere else, never into a mail, a log or
the database. Whether money can be received is asked of Stripe when the creator comes back.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.stripe_errors import asking_stripe
from activities.payments import refresh_payee
from activities.payments_port import PaymentsGateway
from api.pages.dossier import Dossier
from domain.commands import Reassess, Request
from domain.roles import HANDSEL
from domain.stages import ENDS, Attention, Stage
from domain.state import State
from infra.tables import Creator, Payee

_TOO_EARLY: Final = (Stage.QUEUED, Stage.INVITED, Stage.WAITLISTED)


def may_set_up(dossier: Dossier) -> bool:
    """Whether the page offers to set up a payment account: a fee is agreed, and not sent yet."""
    state = dossier.state
    open_ = state.stage not in ENDS and state.stage not in (*_TOO_EARLY, Stage.PAYING, Stage.PAID)
    return state.type.pays and open_ and not (dossier.payee is not None and dossier.payee.can_receive)


def onboarding_address(
    sessions: sessionmaker[Session], gateway: PaymentsGateway, creator_id: str, back: str, again: str
) -> str:
    """A fresh address of Stripe's form for this creator. Raises `PaymentsUnavailable`."""
    with asking_stripe():
        return gateway.onboarding_link(_account(sessions, gateway, creator_id), back, again)


def _account(sessions: sessionmaker[Session], gateway: PaymentsGateway, creator_id: str) -> str:
    with sessions() as session:
        payee = session.get(Payee, creator_id)
        country = session.get_one(Creator, creator_id).country
    if payee is not None:
        return payee.stripe_account_id
    made = gateway.create_account(creator_id, country, None, f"account:{creator_id}")
    with sessions.begin() as session:
        session.execute(
            insert(Payee)
            .values(creator_id=creator_id, stripe_account_id=made)
            .on_conflict_do_nothing(index_elements=["creator_id"])
        )
        return session.get_one(Payee, creator_id).stripe_account_id


def can_receive(sessions: sessionmaker[Session], gateway: PaymentsGateway, creator_id: str) -> bool:
    """Ask Stripe again, and keep the answer. Raises `PaymentsUnavailable`."""
    with sessions() as session:
        payee = session.get(Payee, creator_id)
    if payee is None:
        return False
    with asking_stripe():
        refresh_payee(sessions, gateway, payee.stripe_account_id)
    with sessions() as session:
        return session.get_one(Payee, creator_id).can_receive


def reassessment(state: State) -> Request | None:
    """The command that tells a waiting payment to look again, if one waits for the account."""
    if state.stage is not Stage.PAYABLE or state.attention is not Attention.PAYEE_MISSING:
        return None
    return Request(
        id=f"account_ready:{state.collaboration_id}:{state.sequence}", actor=HANDSEL, command=Reassess()
    )
