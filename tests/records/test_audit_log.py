"""Every event of every subject finds its place in the brand's chain: each once, none left out."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from domain.campaign import NewCampaign
from domain.errors import Defect
from infra.audit.append import append_audit
from infra.audit.sequencer import sequence_all, sequence_batch
from infra.campaigns import change_campaign, create_campaign
from infra.tables import AuditFact, AuditHead, AuditLine, AuditQueued, Event
from tests.records.office import BRAND, Office

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _append(session: Session, office: Office, event: str = "role_changed", **data: Any) -> int:
    return append_audit(session, office.brand_id, "member", "member_2", event, BRAND, AT, data)


def _lines(sessions: sessionmaker[Session]) -> list[AuditLine]:
    with sessions() as session:
        return list(session.scalars(select(AuditLine).order_by(AuditLine.brand_id, AuditLine.sequence)))


def test_events_of_all_subjects_stand_in_one_chain_in_the_order_of_their_causes(office: Office) -> None:
    office.open()
    of = office.payable()
    with office.sessions.begin() as session:
        fact = _append(session, office, to="finance")
    other = office.invited()
    done = sequence_all(office.sessions)
    lines = _lines(office.sessions)
    with office.sessions() as session:
        events = session.scalar(select(func.count()).select_from(Event))
        assert session.scalar(select(func.count()).select_from(AuditQueued)) == 0
        head = session.get_one(AuditHead, office.brand_id)
    assert done == len(lines) == events + 1
    assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))
    assert [line.previous_hash for line in lines] == ["", *(line.hash for line in lines[:-1])]
    assert (head.sequence, head.hash) == (lines[-1].sequence, lines[-1].hash)
    of_one = [line.event_sequence for line in lines if line.collaboration_id == of]
    assert of_one == list(range(1, len(of_one) + 1))
    places = [line.fact_id or line.collaboration_id for line in lines]
    assert places.index(fact) > max(i for i, place in enumerate(places) if place == of)
    assert places.index(fact) < places.index(other)
    assert sequence_all(office.sessions) == 0, "nothing is chained twice"


def test_what_is_rolled_back_was_never_in_the_log(office: Office) -> None:
    office.open()
    with office.sessions() as session:
        _append(session, office)
        session.rollback()
    assert sequence_all(office.sessions) == 0


def test_an_event_that_commits_late_is_not_left_out(office: Office) -> None:
    """Its place in the queue is older than places that were chained before it was committed."""
    office.open()
    with office.sessions.begin() as slow:
        late = _append(slow, office, "added")
        with office.sessions.begin() as quick:
            soon = _append(quick, office, "removed")
        assert sequence_all(office.sessions) == 1
    assert sequence_all(office.sessions) == 1
    assert [line.fact_id for line in _lines(office.sessions)] == [soon, late]


def test_a_sequencer_that_dies_leaves_the_event_queued(office: Office) -> None:
    office.open()
    with office.sessions.begin() as session:
        _append(session, office)
    with office.sessions() as session:
        assert sequence_batch(session, office.brand_id, 10) == 1
        session.rollback()
    assert _lines(office.sessions) == []
    assert sequence_all(office.sessions) == 1


def test_several_sequencers_and_writers_at_once_chain_each_event_once(office: Office) -> None:
    office.open()
    writers, each = 4, 25

    def write() -> None:
        for _ in range(each):
            with office.sessions.begin() as session:
                _append(session, office)

    def sequence() -> None:
        for _ in range(60):
            sequence_all(office.sessions, most=7)

    threads = [Thread(target=write) for _ in range(writers)] + [Thread(target=sequence) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sequence_all(office.sessions)
    lines = _lines(office.sessions)
    assert sorted(line.fact_id for line in lines) == sorted({line.fact_id for line in lines})
    assert len(lines) == writers * each
    assert [line.previous_hash for line in lines] == ["", *(line.hash for line in lines[:-1])]


def test_an_event_written_by_hand_is_queued_too(office: Office) -> None:
    office.open()
    of = office.invited()
    sequence_all(office.sessions)
    with office.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO events SELECT collaboration_id, 99, 'x', name, stage, command, actor_kind,"
                " actor_id, at, data, previous_hash, hash FROM events WHERE collaboration_id = :of LIMIT 1"
            ),
            {"of": of},
        )
    assert sequence_all(office.sessions) == 1
    assert _lines(office.sessions)[-1].event_sequence == 99


@pytest.mark.parametrize(
    ("subject", "event", "data"),
    [
        ("member", "role_changed", {"mail": "ada@example.net"}),
        ("member", "role_changed", {"deep": [{"mail": "Ada <ada@example.net>"}]}),
        ("member", "role_changed", {"share": 0.5}),
        ("member", "role_changed", {"large": 2**53}),
        ("member", "role_changed", {"long": "x" * 501}),
        ("member", "role_changed", {"ünder": 1}),
        ("member", "role_changed", {"when": AT}),
        ("member", "Role changed", {}),
        ("collaboration", "invited", {}),
    ],
)
def test_what_must_not_stand_in_the_log_is_refused_and_changes_nothing(
    office: Office, subject: str, event: str, data: dict[str, Any]
) -> None:
    office.open()
    with pytest.raises(Defect) as caught, office.sessions.begin() as session:
        append_audit(session, office.brand_id, subject, "member_2", event, BRAND, AT, data)
    assert caught.value.code == "audit_unfit"
    assert "ada@" not in str(caught.value)
    assert sequence_all(office.sessions) == 0


def test_a_campaigns_terms_and_status_stand_in_the_log_with_who_set_them(office: Office) -> None:
    office.open()
    with office.sessions.begin() as session:
        new = NewCampaign.model_validate(
            {
                "name": "Autumn",
                "currency": "USD",
                "budget": 0,
                "brief": {"summary": "Show it."},
                "offer": {"type": "gifting", "deliverables": [{"platform": "tiktok", "format": "video"}]},
                "variants": ["S30"],
            }
        )
        campaign = create_campaign(session, office.brand_id, new, by=BRAND)
        change_campaign(session, campaign, {"name": "Late autumn"}, by=BRAND)
    with office.sessions() as session:
        facts = session.scalars(
            select(AuditFact).where(AuditFact.subject_id == campaign.id).order_by(AuditFact.id)
        ).all()
    assert [(one.event, one.actor_id) for one in facts] == [
        ("campaign_created", BRAND.id),
        ("campaign_changed", BRAND.id),
    ]
    assert facts[0].data["sha256"] != facts[1].data["sha256"]
