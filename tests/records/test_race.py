"""Many creators want the last pieces at once: nobody is promised what is not there."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import select

from activities.record import record, write
from domain.campaign import CampaignStatus
from domain.offer import CampaignType
from domain.stages import Stage
from domain.state import Change
from infra.ledger_check import check
from infra.tables import Campaign, Collaboration, Variant
from tests.records.office import CREATOR, FEE, Office

CREATORS = 200
PLACES = 10


def _all_say_yes(office: Office, changes: list[Change]) -> Counter[str]:
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda change: record(office.sessions, change), changes))
    return Counter(answer.refused or "recorded" for answer in answers)


def _acceptances(office: Office, kind: CampaignType = CampaignType.GIFTING_PAID) -> list[Change]:
    return office.yes_of_all(office.invited_many(CREATORS, kind))


@pytest.mark.parametrize(
    ("stock", "fees", "refusal"),
    [(PLACES, CREATORS, "sold_out"), (CREATORS, PLACES, "budget_short")],
    ids=["stock", "budget"],
)
def test_the_last_ten_places_go_to_ten_creators(office: Office, stock: int, fees: int, refusal: str) -> None:
    office.open(stock=stock, budget=fees * FEE.amount)
    counts = _all_say_yes(office, _acceptances(office))
    assert counts == {"recorded": PLACES, refusal: CREATORS - PLACES}
    with office.sessions() as session:
        stages = Counter(session.scalars(select(Collaboration.stage)))
        assert stages == {Stage.PREPARING: PLACES, Stage.INVITED: CREATORS - PLACES}
        variant = session.get_one(Variant, office.variant_id)
        assert variant.reserved == PLACES
        assert check(session) == []
    assert office.balance(f"campaign:{office.campaign_id}:budget") == (fees - PLACES) * FEE.amount


def test_who_answers_while_the_campaign_is_being_closed_is_refused(office: Office) -> None:
    office.open(CampaignType.GIFTING, stock=CREATORS, budget=0)
    changes = office.yes_of_all(office.invited_many(8, CampaignType.GIFTING))
    with ThreadPoolExecutor(8) as crowd:
        with office.sessions.begin() as session:
            session.get_one(Campaign, office.campaign_id).status = CampaignStatus.CLOSED
            session.flush()
            answers = [crowd.submit(record, office.sessions, change) for change in changes]
            done, _ = wait(answers, timeout=0.5)
            assert not done, "an answer did not wait for the closing"
        assert {answer.result().refused for answer in answers} == {"campaign_closed"}


def test_closing_a_campaign_waits_for_who_is_accepting(office: Office) -> None:
    office.open(CampaignType.GIFTING, budget=0)
    of = office.invited(CampaignType.GIFTING)
    change = office.decided(of, office.yes(of), CREATOR)
    with ThreadPoolExecutor(1) as other:
        with office.sessions.begin() as session:
            write(session, change)
            closing = other.submit(office.set_campaign, CampaignStatus.CLOSED)
            assert not wait([closing], timeout=0.5).done, "the campaign closed across an acceptance"
        closing.result()
    assert office.state(of).stage is Stage.PREPARING


def test_one_change_sent_by_sixteen_workers_is_written_once(office: Office) -> None:
    office.open()
    of = office.invited()
    change = office.decided(of, office.yes(of), CREATOR)
    assert _all_say_yes(office, [change] * 16) == {"recorded": 16}
    with office.sessions() as session:
        assert session.get_one(Variant, office.variant_id).reserved == 1
        assert check(session) == []
    assert office.balance(f"collaboration:{of}:held") == FEE.amount
