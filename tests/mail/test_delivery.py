"""Notices become mail: each once, whatever stops on the way, and never to who must not get it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import OperationalError
from temporalio.testing import ActivityEnvironment

from activities.adapters.mailer import SmtpMailer
from activities.contracts import Delivered, PumpTask
from activities.notice_queue import MOST_TRIES, why_not
from activities.notices import Notices
from domain.notices import ONLY_AT, TRANSACTIONAL, NoticeKind
from domain.offer import CampaignType
from domain.stages import Stage
from infra.links import read_token
from infra.settings import Settings, env_name
from infra.tables import Collaboration, Creator, CreatorKey, Link, Notice, Suppression
from tests.mail.conftest import PROJECT, MailServer, deliver
from tests.mail.mailroom import Mailroom
from tests.records.office import CREATOR

Pump = Callable[..., Delivered]
PAGE = re.compile(r"https?://\S+/c/([\w-]{43})")


def notice(mailroom: Mailroom, of: str, kind: NoticeKind = NoticeKind.INVITATION) -> Notice:
    return mailroom.notices(of)[kind.value]


def time_passes(mailroom: Mailroom) -> None:
    """Waits and leases are over: every open notice is due."""
    with mailroom.sessions.begin() as session:
        session.execute(update(Notice).values(due_at=func.now()))


def reasons(mailroom: Mailroom) -> list[str]:
    with mailroom.sessions() as session:
        return list(session.scalars(select(Suppression.reason)))


# --- what arrives ----------------------------------------------------------------------------------


def test_each_notice_is_one_mail_to_its_reader(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer, mail_settings: Settings
) -> None:
    mailroom.names = ["Mia Weber", "Noor de Vries", "Ana Souza"]
    mailroom.open()
    three = mailroom.invited_many(3)
    assert pump() == Delivered(sent=3)
    for of in three:
        (mail,) = mail_server.to(mailroom.email_of(of))
        row = notice(mailroom, of)
        assert (row.state, row.attempts, mail["Message-ID"]) == ("sent", 1, row.message_id)
        assert row.sent_at is not None
        token = PAGE.findall(mail.get_body(("plain",)).get_content())[0]
        with mailroom.sessions() as session:
            link = session.get_one(Link, read_token(token, mail_settings.secret_key))
        assert link.collaboration_id == of


def test_a_mail_carries_what_mail_programs_ask_for(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.names = ["Zoë “Z” Müller, Jr."]
    mailroom.open()
    of = mailroom.invited()
    pump()
    (mail,) = mail_server.messages()
    every_part = list(mail.walk())
    assert not [part.defects for part in every_part if part.defects]
    assert mail["To"].addresses[0].display_name == "Zoë “Z” Müller, Jr."
    assert mail["From"].addresses[0].addr_spec == "hello@Hazel.example"
    assert (mail["X-From"], mail["Sender"].address.addr_spec) == ("bounces@handsel.example",) * 2
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<http://127\.0\.0\.1:\d+/u/[\w-]{43}>", mail["List-Unsubscribe"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == f"<{of}@hazel.example>"
    assert mail["Feedback-ID"].startswith(f"invitation:{mailroom.campaign_id}:")
    assert [part.get_content_type() for part in every_part] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert "Zoë “Z” Müller, Jr." in mail.get_body(("plain",)).get_content()


def test_the_accepted_terms_come_as_the_very_bytes_that_were_hashed(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.open(CampaignType.PAID)
    of = mailroom.accepted(CampaignType.PAID)
    pump()
    (mail,) = mail_server.messages()
    (file,) = list(mail.iter_attachments())
    assert (file.get_filename(), file.get_content_type()) == ("terms-spring.txt", "text/plain")
    digest = hashlib.sha256(file.get_payload(decode=True)).hexdigest()
    assert digest == mailroom.terms_sha256(of)
    assert digest in mail.get_body(("plain",)).get_content()
    assert digest in mail.get_body(("html",)).get_content()


# --- once ------------------------------------------------------------------------------------------


def test_two_pumps_at_once_send_each_notice_once(
    mailroom: Mailroom, mail_settings: Settings, mail_server: MailServer
) -> None:
    mailroom.open(stock=200)
    mailroom.invited_many(120)
    found: list[Delivered] = []
    pumps = [
        threading.Thread(target=lambda: found.append(deliver(mailroom, mail_settings, 60))) for _ in range(2)
    ]
    for one in pumps:
        one.start()
    for one in pumps:
        one.join()
    assert sum(one.sent for one in found) == 120
    assert set(Counter(mail["X-To"] for mail in mail_server.messages()).values()) == {1}
    assert len(mail_server.messages()) == 120


def test_a_mail_that_was_in_flight_when_the_worker_died_comes_again_as_the_same_message(
    mailroom: Mailroom, pump: Pump, mail_settings: Settings, mail_server: MailServer
) -> None:
    mailroom.mailbox = "hangs.{}"
    mailroom.open()
    of = mailroom.invited()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.mail.pump_process"], cwd=PROJECT, env=_environment(mail_settings)
    )
    until = time.monotonic() + 90
    while not mail_server.messages() and time.monotonic() < until:
        time.sleep(0.05)
    assert mail_server.messages(), "the pump never handed its mail over"
    process.kill()
    process.wait()
    row = notice(mailroom, of)
    assert (row.state, row.attempts) == ("sending", 1)
    assert pump(1.5) == Delivered(), "the lease of the dead pump still holds"

    time_passes(mailroom)
    mail_server.stop()
    mail_server.start(forgiving=True)
    assert pump() == Delivered(sent=1)
    first, second = mail_server.messages()
    assert first["Message-ID"] == second["Message-ID"]
    assert first["List-Unsubscribe"] == second["List-Unsubscribe"]
    row = notice(mailroom, of)
    assert (row.state, row.attempts) == ("sent", 2)
    assert len(mailroom.rows(Link, of)) == 1


def test_a_mail_server_that_is_away_loses_nothing(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.open()
    many = mailroom.invited_many(8)
    mail_server.stop()
    assert pump(3) == Delivered()
    rows = [notice(mailroom, of) for of in many]
    assert {row.state for row in rows} == {"queued"}
    assert 1 <= sum(row.attempts for row in rows) <= 16, "a server that is away is asked, not hammered"
    assert {row.reason for row in rows if row.attempts} == {"connect_ConnectionRefusedError"}

    mail_server.start()
    time_passes(mailroom)
    assert pump() == Delivered(sent=8)
    assert len(mail_server.messages()) == 8


def test_a_mail_server_that_dies_after_taking_a_mail_gets_it_again_later(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.mailbox = "dies.{}"
    mailroom.open()
    of = mailroom.invited()
    pump(2)
    row = notice(mailroom, of)
    assert (row.state, row.reason) == ("queued", "answer_lost")
    assert len(mail_server.messages()) == 1


def test_a_connection_that_the_server_closed_meanwhile_costs_no_try(
    mailroom: Mailroom, mail_settings: Settings, mail_server: MailServer
) -> None:
    mailer = SmtpMailer(mail_settings.smtp_url)
    notices = Notices(mailroom.sessions, mailroom.vault, mailer, mail_settings, connections=1)
    mailroom.open()
    first = mailroom.invited()
    restarted: list[str] = []

    def over() -> bool:
        if mailroom.waiting():
            return False
        if not restarted:
            mail_server.stop()
            mail_server.start()
            restarted.append(mailroom.invited())
            return False
        return True

    assert notices.deliver(over, lambda: None).sent == 2
    assert notice(mailroom, first).attempts == 1
    assert notice(mailroom, restarted[0]).attempts == 1


def test_a_database_that_drops_every_connection_again_and_again_makes_no_mail_come_twice(
    mailroom: Mailroom, mail_settings: Settings, mail_server: MailServer, owner: Engine
) -> None:
    mailroom.open(stock=200)
    mailroom.invited_many(150)
    over = threading.Event()
    dropper = threading.Thread(target=_drop_connections, args=(owner, over))
    dropper.start()
    end = time.monotonic() + 60
    while len(mail_server.messages()) < 150 and time.monotonic() < end:
        with contextlib.suppress(OperationalError, psycopg.OperationalError):
            deliver(mailroom, mail_settings, 5, until=lambda: len(mail_server.messages()) >= 150)
        _leases_end(owner)
    over.set()
    dropper.join()
    deliver(mailroom, mail_settings)
    assert set(Counter(mail["X-To"] for mail in mail_server.messages()).values()) == {1}
    assert len(mail_server.messages()) == 150


def test_a_stopping_worker_sends_nothing_more_and_keeps_nothing(
    mailroom: Mailroom, mail_settings: Settings, mail_server: MailServer
) -> None:
    mailroom.open(stock=200)
    mailroom.invited_many(100)
    began = time.monotonic()
    done = deliver(mailroom, mail_settings, 30, until=lambda: len(mail_server.messages()) >= 5)
    assert time.monotonic() - began < 25
    assert done.sent == len(mail_server.messages()) < 100
    with mailroom.sessions() as session:
        states = Counter(session.scalars(select(Notice.state)))
        tried = session.scalar(select(func.sum(Notice.attempts)))
    assert states == {"sent": done.sent, "queued": 100 - done.sent}
    assert tried == done.sent


# --- what the server says --------------------------------------------------------------------------


def test_an_address_that_does_not_exist_is_written_to_no_more(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.mailbox = "gone.{}"
    mailroom.open(CampaignType.PAID)
    of = mailroom.invited(CampaignType.PAID)
    assert pump() == Delivered(failed=1)
    assert (notice(mailroom, of).state, notice(mailroom, of).reason) == ("failed", "recipient_550_5.1.1")
    assert reasons(mailroom) == ["bounced"]

    mailroom.must(of, mailroom.yes(of), CREATOR)
    assert pump() == Delivered(skipped=1)
    assert notice(mailroom, of, NoticeKind.ACCEPTED).reason == "bounced"


@pytest.mark.parametrize(
    ("mailbox", "state", "reason"),
    [
        ("norelay", "queued", "recipient_550_5.7.1"),
        ("full", "queued", "recipient_552_5.2.2"),
        ("later", "queued", "recipient_451_4.3.0"),
        ("spam", "failed", "message_554_5.6.0"),
    ],
)
def test_what_is_not_the_addresss_fault_is_not_held_against_it(
    mailroom: Mailroom, pump: Pump, mailbox: str, state: str, reason: str
) -> None:
    mailroom.mailbox = mailbox + ".{}"
    mailroom.open()
    of = mailroom.invited()
    pump(1.5)
    row = notice(mailroom, of)
    assert (row.state, row.reason, row.attempts) == (state, reason, 1)
    assert reasons(mailroom) == []


def test_tries_come_ever_later_and_end_after_a_day(mailroom: Mailroom, pump: Pump) -> None:
    mailroom.mailbox = "later.{}"
    mailroom.open()
    of = mailroom.invited()
    waits = []
    for attempts in (0, 3, 20, MOST_TRIES - 1):
        with mailroom.sessions.begin() as session:
            session.execute(update(Notice).values(attempts=attempts, due_at=func.now(), state="queued"))
        pump(3, lambda: notice(mailroom, of).attempts > attempts and not _sending(mailroom))  # noqa: B023 - called here
        with mailroom.sessions() as session:
            waits.append(session.scalar(select(func.extract("epoch", Notice.due_at - func.now()))))
    assert [round(float(wait), -1) for wait in waits[:3]] == [10, 80, 600]
    assert notice(mailroom, of).state == "failed"


# --- who must not get it ---------------------------------------------------------------------------


def test_an_invitation_that_was_answered_meanwhile_is_not_sent(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.open(CampaignType.PAID)
    of = mailroom.accepted(CampaignType.PAID)
    assert pump() == Delivered(sent=1, skipped=1)
    assert (notice(mailroom, of).state, notice(mailroom, of).reason) == ("skipped", "overtaken")
    assert [mail["Subject"] for mail in mail_server.messages()] == ["Your agreement with Hazel"]


@pytest.mark.parametrize("reason", ["unsubscribed", "complained"])
def test_who_asked_for_silence_gets_only_what_belongs_to_an_agreement(
    mailroom: Mailroom, pump: Pump, reason: str
) -> None:
    mailroom.open(CampaignType.PAID)
    of = mailroom.invited(CampaignType.PAID)
    mailroom.suppress(of, reason)
    assert pump() == Delivered(skipped=1)
    assert notice(mailroom, of).reason == reason
    mailroom.must(of, mailroom.yes(of), CREATOR)
    assert pump() == Delivered(sent=1)


def test_who_must_not_be_contacted_gets_no_invitation(mailroom: Mailroom, pump: Pump) -> None:
    mailroom.open()
    of = mailroom.invited()
    with mailroom.sessions.begin() as session:
        session.execute(update(Creator).values(do_not_contact="asked us by phone"))
    assert pump() == Delivered(skipped=1)
    assert notice(mailroom, of).reason == "do_not_contact"


def test_nothing_is_sent_to_somebody_whose_data_was_erased(mailroom: Mailroom, pump: Pump) -> None:
    mailroom.open()
    of = mailroom.invited()
    with mailroom.sessions.begin() as session:
        session.execute(delete(CreatorKey))
    assert pump() == Delivered(skipped=1)
    assert notice(mailroom, of).reason == "erased"


@pytest.mark.parametrize("kind", NoticeKind)
def test_the_rule_of_silence(kind: NoticeKind) -> None:
    at = next(iter(ONLY_AT.get(kind, {Stage.COMPLETED})))
    assert why_not(kind, at, "", False) == ""
    assert why_not(kind, at, "bounced", False) == "bounced"
    quiet = "" if kind in TRANSACTIONAL else "unsubscribed"
    assert why_not(kind, at, "unsubscribed", False) == quiet
    assert bool(why_not(kind, at, "", True)) == (kind not in TRANSACTIONAL)
    assert (why_not(kind, Stage.DECLINED, "", False) == "overtaken") == (kind in ONLY_AT)


# --- nothing stops the others, nothing tells on anybody ---------------------------------------------


def test_one_notice_that_cannot_be_read_does_not_hold_up_the_others(
    mailroom: Mailroom, pump: Pump, mail_server: MailServer
) -> None:
    mailroom.open()
    broken, *others = mailroom.invited_many(4)
    with mailroom.sessions.begin() as session:
        session.execute(
            update(Collaboration).where(Collaboration.id == broken).values(state={"stage": "nonsense"})
        )
    assert pump(10, lambda: len(mail_server.messages()) == 3 and not _sending(mailroom)).sent == 3
    with mailroom.sessions() as session:
        row = session.scalars(select(Notice).where(Notice.collaboration_id == broken)).one()
    assert (row.state, row.reason) == ("queued", "notice_unreadable_ValidationError")
    assert all(notice(mailroom, of).state == "sent" for of in others)


def test_log_and_answer_name_nobody(
    mailroom: Mailroom, mail_settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    mailroom.open()
    refused = []
    for mailbox in ("gone.{}", "later.{}", "spam.{}", "{}"):
        mailroom.mailbox = mailbox
        refused.append(mailroom.email_of(mailroom.invited()))
    notices = Notices(mailroom.sessions, mailroom.vault, SmtpMailer(mail_settings.smtp_url), mail_settings)
    answer = ActivityEnvironment().run(notices.deliver_notices, PumpTask(seconds=3))
    assert answer == Delivered(sent=1, failed=2)
    told = "".join(capfd.readouterr()) + answer.model_dump_json()
    assert "notices_delivered" in told
    for personal in ("Weber", "example.net", *refused):
        assert personal not in told


# --- helpers of this file --------------------------------------------------------------------------


def _drop_connections(owner: Engine, over: threading.Event) -> None:
    """As a restart would: every connection of the application to this database ends."""
    drop = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'handsel_app' AND datname = current_database()"
    )
    while not over.wait(0.4):
        with owner.begin() as connection:
            connection.execute(drop)


def _leases_end(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE notices SET due_at = now() WHERE state = 'sending'"))


def _sending(mailroom: Mailroom) -> int:
    with mailroom.sessions() as session:
        query = select(func.count()).select_from(Notice).where(Notice.state == "sending")
        return session.scalar(query) or 0


def _environment(settings: Settings) -> dict[str, str]:
    given: dict[str, Any] = settings.model_dump(mode="json", exclude={"post_hosts"})
    texts = {
        name: json.dumps(value) if isinstance(value, dict | list) else str(value)
        for name, value in given.items()
        if value != ""
    }
    return os.environ | {env_name(name): text for name, text in texts.items()}
