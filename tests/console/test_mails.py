"""The staff's mails: written with their cause, sent once, sent again after a fault, dropped if overtaken."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker
from temporalio.testing import ActivityEnvironment

from activities.adapters.mailer import SmtpMailer
from activities.contracts import PumpTask
from activities.mail_port import Mail
from activities.staff_mails import StaffMails
from domain.roles import Role
from infra.settings import Settings
from infra.tables import SignInCode, StaffMail
from tests.console.conftest import Browser, Mailbox, Team

DOOR = "/console/sign-in"


def newest(sessions: sessionmaker[Session]) -> StaffMail:
    with sessions() as session:
        return session.scalars(select(StaffMail).order_by(StaffMail.id.desc()).limit(1)).one()


def test_a_mail_server_that_is_away_is_asked_again(
    team: Team,
    browser: Browser,
    mailbox: Mailbox,
    sessions: sessionmaker[Session],
    settings: Settings,
) -> None:
    mailbox.carry()
    browser.send(DOOR, DOOR, email=team.emails[Role.OPS])
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = SmtpMailer(f"smtp://127.0.0.1:{closed.getsockname()[1]}")
    assert StaffMails(sessions, away, settings).carry_one() == "queued"
    row = newest(sessions)
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.reason.startswith("connect_")
    assert mailbox.carry() == [], "not before its time"
    with sessions.begin() as session:
        session.execute(update(StaffMail).where(StaffMail.id == row.id).values(due_at=func.now()))
    assert mailbox.carry() == ["sent"]
    assert len(mailbox.letters(team.emails[Role.OPS])) == 1


class Dies(SmtpMailer):
    """A mailer whose process dies after the mail has left."""

    def send(self, message: Mail) -> None:
        super().send(message)
        raise KeyboardInterrupt


def test_after_a_crash_the_same_mail_goes_out_again(
    team: Team, browser: Browser, mailbox: Mailbox, sessions: sessionmaker[Session], settings: Settings
) -> None:
    mailbox.carry()
    browser.send(DOOR, DOOR, email=team.emails[Role.FINANCE])
    with pytest.raises(KeyboardInterrupt):
        StaffMails(sessions, Dies(settings.smtp_url), settings).carry_one()
    assert newest(sessions).state == "queued"
    assert mailbox.carry() == ["sent"]
    letters = mailbox.letters(team.emails[Role.FINANCE])
    assert len(letters) == 2
    assert letters[0]["text"] == letters[1]["text"], "the same code"


def test_what_is_overtaken_is_not_sent(
    team: Team,
    new_browser: Callable[..., Browser],
    mailbox: Mailbox,
    sessions: sessionmaker[Session],
) -> None:
    mailbox.carry()
    new_browser().send(DOOR, DOOR, email=team.emails[Role.VIEWER])
    with sessions.begin() as session:
        session.execute(update(SignInCode).values(expires_at=func.now() - timedelta(seconds=1)))
    assert mailbox.carry() == ["skipped"]
    assert newest(sessions).reason == "overtaken"


def test_two_pumps_send_a_mail_once(
    team: Team, browser: Browser, mailbox: Mailbox, sessions: sessionmaker[Session], settings: Settings
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    mailbox.carry()
    browser.send(DOOR, DOOR, email=team.emails[Role.OWNER])

    def carry(_: int) -> str:
        return StaffMails(sessions, SmtpMailer(settings.smtp_url), settings).carry_one()

    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(carry, range(4)))
    assert sorted(states) == ["", "", "", "sent"]
    assert len(mailbox.letters(team.emails[Role.OWNER])) == 1


def test_the_activity_carries_what_is_due_and_says_how_many(
    team: Team, browser: Browser, mailbox: Mailbox, sessions: sessionmaker[Session], settings: Settings
) -> None:
    mailbox.carry()
    browser.send(DOOR, DOOR, email=team.emails[Role.OPS])
    pump = StaffMails(sessions, SmtpMailer(settings.smtp_url), settings)
    told = ActivityEnvironment().run(pump.deliver_staff_mails, PumpTask(seconds=2))
    assert (told.sent, told.skipped, told.failed) == (1, 0, 0)
    assert len(mailbox.letters(team.emails[Role.OPS])) == 1
