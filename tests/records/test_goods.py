"""Goods at cost: the value of a piece is where its parcel is, whatever happens on the way."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.parcel_costs import tell_cost
from activities.stock_value import Counted, count_stock
from domain.commands import CorrectAddress, Deliver, Excuse, Lose, ReportParcel, Return, Ship, Withdraw
from domain.decisions.fulfilment import current_shipment
from domain.goods import PLACE_OF, Parcel, Place, goods_moved, goods_reserved, stock_counted
from domain.ledger import Deal
from domain.money import Money
from domain.roles import HANDSEL
from domain.state import MarkParcel
from infra.books import balance_at, statement, trial_balance
from infra.ledger_check import check
from infra.tables import Entry, Shipment, Variant
from tests.records.office import BRAND, CARRIER, CREATOR, Office

COST = 1450


def _values(office: Office, of: str) -> dict[str, int]:
    """What stands at each place for one collaboration and its variant."""
    state = office.state(of)
    names = {
        "stock": f"variant:{office.variant_id}:stock:USD",
        "reserved": f"collaboration:{of}:goods:USD",
        "given": f"creator:{state.creator_id}:gifts:USD",
        "lost": f"collaboration:{of}:lost:USD",
    }
    parcels = [row.id for row in office.rows(Shipment, of)]
    values = {place: office.balance(name) for place, name in names.items()}
    values["under_way"] = sum(office.balance(f"shipment:{parcel}:under_way:USD") for parcel in parcels)
    return {place: value for place, value in values.items() if value}


def _sound(office: Office) -> None:
    with office.sessions() as session:
        assert check(session) == []


def _ship(office: Office, of: str) -> None:
    office.must(of, Ship(shipment_id=current_shipment(office.state(of))), BRAND)


def test_the_value_travels_with_the_parcel(office: Office) -> None:
    office.open(stock=3, cost=COST)
    of = office.accepted()
    assert _values(office, of) == {"stock": 2 * COST, "reserved": COST}
    _sound(office)
    _ship(office, of)
    assert _values(office, of) == {"stock": 2 * COST, "under_way": COST}
    _sound(office)
    office.must(of, Deliver(), CARRIER)
    assert _values(office, of) == {"stock": 2 * COST, "given": COST}
    _sound(office)


def test_a_lost_parcel_is_lost_and_its_replacement_is_another_piece(office: Office) -> None:
    office.open(stock=3, cost=COST)
    of = office.accepted()
    _ship(office, of)
    office.must(of, Lose(reason="lost"), CARRIER)
    assert _values(office, of) == {"stock": COST, "reserved": COST, "lost": COST}
    _ship(office, of)
    office.must(of, Deliver(), CARRIER)
    assert _values(office, of) == {"stock": COST, "given": COST, "lost": COST}
    _sound(office)


def test_a_disputed_delivery_is_under_way_again_until_it_is_settled(office: Office) -> None:
    office.open(stock=1, cost=COST)
    of = office.in_production()
    office.must(of, ReportParcel(problem="damaged"), CREATOR)
    assert _values(office, of) == {"under_way": COST}
    _sound(office)
    office.must(of, Deliver(), BRAND)
    assert _values(office, of) == {"given": COST}
    _sound(office)


def test_a_returned_parcel_is_sent_again_at_the_cost_it_was_set_aside_at(office: Office) -> None:
    office.open(stock=2, cost=COST)
    of = office.accepted()
    _ship(office, of)
    office.must(of, Return(), CARRIER)
    assert _values(office, of) == {"stock": COST, "reserved": COST}
    _sound(office)
    _recost(office, 2000)
    office.must(of, CorrectAddress(answer_id=office.answer(of, "address")), CREATOR)
    _ship(office, of)
    assert _values(office, of) == {"stock": 2000, "under_way": COST}
    _sound(office)


def test_what_comes_back_into_stock_counts_at_todays_cost(office: Office) -> None:
    office.open(stock=2, cost=COST)
    of = office.accepted()
    _recost(office, 1000)
    assert _values(office, of) == {"stock": 1000, "reserved": COST}
    office.must(of, Withdraw(), BRAND)
    assert _values(office, of) == {"stock": 2000}
    _sound(office)


def test_a_piece_that_cost_nothing_when_it_was_set_aside_comes_back_at_its_cost(office: Office) -> None:
    office.open(stock=2, cost=0)
    of = office.accepted()
    assert [entry.kind for entry in office.rows(Entry, of)] == ["fee_held"]
    _recost(office, 500)
    office.must(of, Withdraw(), BRAND)
    assert _values(office, of) == {"stock": 1000}
    _sound(office)


def test_an_excused_parcel_that_never_left_returns_to_stock(office: Office) -> None:
    office.open(stock=1, cost=COST)
    of = office.accepted()
    office.must(of, Excuse(reason="lost"), BRAND)
    assert _values(office, of) == {"stock": COST}
    _sound(office)


def _recost(office: Office, cost: int) -> None:
    with office.sessions.begin() as session:
        variant = session.get_one(Variant, office.variant_id, with_for_update=True)
        before = Counted(variant.stock, variant.reserved, variant.cost_amount)
        variant.cost_amount = cost
        session.flush()
        after = Counted(variant.stock, variant.reserved, cost)
        count_stock(
            session,
            variant.id,
            "USD",
            before,
            after,
            brand_id=office.brand_id,
            actor=HANDSEL,
            at=office.clock,
        )


# --- freight and duty -----------------------------------------------------------------------------


def _tell(office: Office, of: str, amount: int, currency: str = "USD") -> bool:
    with office.sessions.begin() as session:
        parcel = session.get_one(Shipment, current_shipment(office.state(of)), with_for_update=True)
        money = Money(amount=amount, currency=currency)
        return tell_cost(session, parcel, "freight", money, actor=BRAND, at=office.clock)


def test_freight_is_booked_once_and_corrected_by_taking_back(office: Office) -> None:
    office.open(cost=COST)
    of = office.accepted()
    parcel = current_shipment(office.state(of))
    assert [_tell(office, of, 640), _tell(office, of, 640)] == [True, False]
    assert office.balance(f"shipment:{parcel}:freight:USD") == 640
    assert _tell(office, of, 700)
    assert office.balance(f"shipment:{parcel}:freight:USD") == 700
    assert _tell(office, of, 90, "EUR")
    assert office.balance(f"shipment:{parcel}:freight:USD") == 0
    assert office.balance(f"shipment:{parcel}:freight:EUR") == 90
    assert _tell(office, of, 0, "EUR")
    assert not _tell(office, of, 0, "USD")
    kinds = [entry.kind for entry in office.rows(Entry, of) if entry.kind.endswith(("booked", "reversed"))]
    assert sorted(kinds) == ["cost_reversed"] * 3 + ["freight_booked"] * 3
    _sound(office)


# --- reading the books ----------------------------------------------------------------------------


def test_the_past_can_be_asked_like_the_present(office: Office) -> None:
    office.open(stock=3, cost=COST)
    of = office.accepted()
    before = office.clock
    office.later(days=1)
    _ship(office, of)
    stock, under_way = f"collaboration:{of}:goods:USD", current_shipment(office.state(of))
    with office.sessions() as session:
        assert balance_at(session, office.brand_id, stock, before) == (COST, "USD")
        assert balance_at(session, office.brand_id, stock) == (0, "USD")
        lines = {line.account: line.balance for line in trial_balance(session, office.brand_id, at=before)}
        assert lines["collaboration:goods"] == COST
        assert "shipment:under_way" not in lines
        now = trial_balance(session, office.brand_id, by="account")
        assert {line.account: line.balance for line in now}[f"shipment:{under_way}:under_way:USD"] == COST
        assert sum(line.balance for line in now) == 0


def test_a_statement_runs_from_its_opening_to_its_closing_balance_in_pages(office: Office) -> None:
    office.open(stock=5, cost=COST)
    for _ in range(3):
        office.later(days=1)
        office.accepted()
    account, brand = f"variant:{office.variant_id}:stock:USD", office.brand_id
    with office.sessions() as session:
        whole = statement(session, brand, account)
        assert (whole.opening, whole.closing) == (0, 2 * COST)
        assert [line.balance for line in whole.lines] == [5 * COST, 4 * COST, 3 * COST, 2 * COST]
        assert whole.lines[1].others[0].startswith("collaboration:")
        last = statement(session, brand, account, since=whole.lines[2].at)
        assert (last.opening, [line.amount for line in last.lines]) == (4 * COST, [-COST, -COST])
        until = statement(session, brand, account, until=whole.lines[2].at)
        assert (until.closing, len(until.lines)) == (4 * COST, 2)
        first = statement(session, brand, account, limit=3)
        assert first.more
        rest = statement(session, brand, account, after=first.lines[-1].entry_id, limit=3)
        assert [*first.lines, *rest.lines] == whole.lines
        assert not rest.more


# --- the rule itself --------------------------------------------------------------------------------

DEAL = Deal("campaign_1", "collab_1", "creator_1")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(set(PLACE_OF) - {"cancelled"})), max_size=8),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)
def test_value_is_never_made_nor_lost_on_the_way(states: list[str], cost: int, cost_now: int) -> None:
    """Whatever a parcel goes through, its value stands at one place; back in stock it is today's cost."""
    parcel = Parcel("ship_1", "variant_1", DEAL, Money(amount=cost, currency="USD"))
    balances: dict[str, int] = {}
    path = ["preparing", *states]
    moves = [goods_moved(parcel, a, b, step, cost_now=cost_now) for step, (a, b) in enumerate(pairwise(path))]
    for entry in [goods_reserved(parcel), *moves]:
        for name, change in (entry.changes() if entry else {}).items():
            balances[name] = balances.get(name, 0) + change
    here = parcel.account(PLACE_OF[path[-1]])
    assert balances.pop(parcel.account(Place.STOCK), 0) == -cost
    assert balances.pop(here, 0) == cost
    assert not any(balances.values())
    back = goods_moved(parcel, path[-1], "cancelled", 99, cost_now=cost_now)
    changes = back.changes() if back else {}
    assert changes.get(parcel.account(Place.STOCK), 0) == cost_now
    assert sum(changes.values()) == 0
    keys = [entry.key for entry in moves if entry]
    assert len(keys) == len(set(keys))


def test_every_state_of_a_parcel_has_its_place() -> None:
    assert set(get_args(MarkParcel.model_fields["state"].annotation)) == set(PLACE_OF)


@pytest.mark.parametrize("change", [-1, 0, 1])
def test_a_count_without_difference_posts_nothing(change: int) -> None:
    entry = stock_counted("variant_1", "USD", change, "x")
    assert (entry is None) == (change == 0)
