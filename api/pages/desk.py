"""What the pages of one process share, and the way of one form from its text to a command.

A form is taken in this order: limits, link, mark, staleness, content, the browser's claim on the link. Only
then is anything stored, in one transaction, and only what the command names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from fastapi import FastAPI
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.stripe_gateway import StripeGateway
from activities.payments_port import PaymentsGateway
from api.limits import hold_to
from api.pages.door import Browsers, Standing, Visit, note_opened, take, visit
from api.pages.dossier import Dossier, read_dossier
from api.pages.forms import Fields, Paper
from api.pages.limits import Limits
from api.pages.nonces import Nonce, Nonces
from api.pages.rendering import Renderer
from api.pages.work import READ, take_back
from domain.commands import Command, Request
from domain.errors import LinkRefused, Refused
from domain.ids import derived_id
from domain.notices import NoticeKind
from domain.roles import Actor, ActorKind
from infra.database import NOTICES_CHANNEL, notify
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import Brand, Collaboration, Notice
from infra.vault import Vault

FRESH_LINK_PAUSE: Final = 60
"""Seconds between two fresh links of one collaboration."""
FRESH_LINKS_A_DAY: Final = 5
_ALSO: Final = ("", ":waitlist", ":excuse")
"""What the workflow puts after a request's id when something else came of it."""


class AlreadyDone(Refused):
    """The form was sent before, or the page that it stood on is out of date."""

    code = "already_done"
    status = 409

    def __init__(self, outcome: str = "") -> None:
        super().__init__("this was already done")
        self.outcome = outcome


class NotHere(Refused):
    """The link may not act in this browser, or not any more."""

    code = "link_refused"
    status = 403

    def __init__(self, standing: Standing) -> None:
        super().__init__("this link does not act here")
        self.standing = standing


@dataclass(frozen=True)
class Sender:
    """Where a request came from."""

    ip: str
    browser: str
    """What the browser calls itself."""
    digest: str | None
    """Digest of its cookie."""


@dataclass
class Desk:
    """The shared parts. One per process and application."""

    settings: Settings
    sessions: sessionmaker[Session]
    vault: Vault
    objects: ObjectStore | None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        secret = self.settings.secret_key
        self.nonces = Nonces(secret)
        self.browsers = Browsers(secret)
        self.render = Renderer(self.settings, self.objects)

    @cached_property
    def gateway(self) -> PaymentsGateway:
        """The way to Stripe, made when it is first needed."""
        return StripeGateway(
            self.settings.stripe_api_key,
            self.settings.stripe_api_base or None,
            self.settings.stripe_accounts_api,
            loopback_only=self.settings.is_local,
        )

    # --- who is there --------------------------------------------------------------------------------

    def knock(self, session: Session, token: str, sender: Sender) -> Visit:
        """Who stands there. Raises `LinkRefused` for a token that is none, `TooBusy` after many."""
        try:
            return visit(session, token, self.settings.secret_key, sender.digest, moment())
        except LinkRefused:
            hold_to(self.limits.guesses_by_address.wait(sender.ip))
            raise

    def open(self, token: str, sender: Sender) -> tuple[Visit, Dossier | None]:
        """The page of a link, to be shown. No dossier for who may not see it."""
        with self.sessions.begin() as session:
            who = self.knock(session, token, sender)
            if who.standing not in (Standing.ACTS, Standing.SHOWS):
                return who, None
            if who.standing is Standing.ACTS and not who.opened:
                note_opened(session, who)
            return who, read_dossier(session, who.collaboration_id, self.vault)

    def enter(self, session: Session, token: str, sender: Sender) -> Visit:
        """Who acts: the link must act here. Raises `NotHere`, `TooBusy`, `LinkRefused`."""
        hold_to(self.limits.acts_by_address.wait(sender.ip))
        who = self.knock(session, token, sender)
        if who.standing is not Standing.ACTS:
            raise NotHere(who.standing)
        hold_to(self.limits.acts_by_link.wait(who.link_id))
        return who

    def claim(self, session: Session, who: Visit) -> None:
        """From now on the link is this browser's. Raises `NotHere` when another one was faster."""
        if not take(session, who):
            raise NotHere(Standing.ELSEWHERE)

    # --- a form --------------------------------------------------------------------------------------

    def take_form(
        self, token: str, form: str, fields: Fields, files: tuple[str, ...], sender: Sender
    ) -> tuple[Visit, Request]:
        """Read one form into a command, and store what the command names.

        Raises `FormRefused` (fields), `NonceRefused`, `AlreadyDone`, and what `enter` raises. Then nothing
        was stored.
        """
        with self.sessions.begin() as session:
            who = self.enter(session, token, sender)
            dossier = read_dossier(session, who.collaboration_id, self.vault)
            nonce = self.nonces.read(who.collaboration_id, fields.get("nonce", ""))
            self._refuse_repeats(dossier, nonce)
            paper = Paper(
                nonce=nonce,
                fields=fields,
                files=files,
                now=moment(),
                ip=sender.ip,
                browser=sender.browser,
                vault=self.vault,
                post_hosts=self.settings.post_hosts,
            )
            command: Command = READ[form](session, dossier, paper)
            self.claim(session, who)
        actor = Actor(kind=ActorKind.CREATOR, id=who.creator_id)
        return who, Request(id=nonce.request_id, actor=actor, command=command)

    def _refuse_repeats(self, dossier: Dossier, nonce: Nonce) -> None:
        """The same form again, or a form of a page whose stage is over."""
        mine = {nonce.request_id + ending for ending in _ALSO}
        outcomes = [event.name for event in dossier.events if event.request_id in mine]
        if outcomes:
            raise AlreadyDone(outcomes[-1])
        since = [event for event in dossier.events if event.sequence > nonce.sequence]
        if any(event.stage != nonce.stage for event in since):
            raise AlreadyDone

    def forget(self, command: Command) -> None:
        """The command was refused: what was stored for it alone is loose again."""
        with self.sessions.begin() as session:
            take_back(session, command)

    # --- a fresh link --------------------------------------------------------------------------------

    def mail_fresh_link(self, token: str, sender: Sender) -> None:
        """Mail a new link to the creator's own address, unless one went out a moment ago.

        Says nothing about whether it did, so that a link in wrong hands learns nothing.
        """
        hold_to(self.limits.acts_by_address.wait(sender.ip))
        hold_to(self.limits.links_by_address.wait(sender.ip))
        with self.sessions.begin() as session:
            who = self.knock(session, token, sender)
            row = session.execute(
                select(Collaboration.brand_id, Collaboration.sequence, Brand.sender_email)
                .join(Brand, Brand.id == Collaboration.brand_id)
                .where(Collaboration.id == who.collaboration_id)
                .with_for_update(of=Collaboration)
            ).one()
            count, recent, newest = session.execute(_fresh_links_of(who.collaboration_id)).one()
            too_soon = newest is not None and (moment() - newest).total_seconds() < FRESH_LINK_PAUSE
            if too_soon or recent >= FRESH_LINKS_A_DAY:
                return
            notice_id = derived_id("notice", who.collaboration_id, NoticeKind.FRESH_LINK.value, count + 1)
            domain = row.sender_email.rpartition("@")[2].lower()
            session.execute(
                insert(Notice)
                .values(
                    id=notice_id,
                    collaboration_id=who.collaboration_id,
                    brand_id=row.brand_id,
                    kind=NoticeKind.FRESH_LINK.value,
                    step=count + 1,
                    state="queued",
                    event_sequence=row.sequence,
                    due_at=moment(),
                    message_id=f"<{notice_id}@{domain}>",
                    created_at=moment(),
                )
                .on_conflict_do_nothing()
            )
            notify(session, NOTICES_CHANNEL)


def _fresh_links_of(collaboration_id: str) -> Select[int, int, datetime]:
    """How many there were, how many today, and when the newest."""
    today = func.now() - func.make_interval(0, 0, 0, 1)
    return select(
        func.count(),
        func.count().filter(Notice.created_at > today),
        func.max(Notice.created_at),
    ).where(
        Notice.collaboration_id == collaboration_id,
        Notice.kind == NoticeKind.FRESH_LINK.value,
    )


def desk_of(app: FastAPI) -> Desk:
    """The desk of this application, made at the first page."""
    desk: Desk | None = getattr(app.state, "desk", None)
    if desk is None:
        state = app.state
        desk = Desk(state.settings, state.sessions, state.vault, getattr(state, "objects", None))
        app.state.desk = desk
    return desk


def moment() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
