"""Money stays whole: minor units, exact conversion, no float anywhere."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.ledger import Deal, Line, NewEntry, attempt_refused, budget_declared, fee_held, fee_voided
from domain.money import EXPONENTS, Money, as_decimal, exponent, from_major

PROJECT = Path(__file__).resolve().parents[2]
currencies = st.sampled_from([*EXPONENTS, "USD", "EUR", "GBP"])


@given(st.integers(0, 10**15), currencies)
def test_there_and_back_is_exact(amount: int, currency: str) -> None:
    money = Money(amount=amount, currency=currency)
    assert from_major(as_decimal(money), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("220.00", "USD", 22000), ("220", "JPY", 220), ("1.234", "KWD", 1234), ("0.1", "EUR", 10)],
)
def test_amounts_are_read_in_the_currencys_own_decimals(text: str, currency: str, amount: int) -> None:
    assert from_major(text, currency).amount == amount


@pytest.mark.parametrize(("text", "currency"), [("1.005", "USD"), ("1.5", "JPY"), ("1.2345", "KWD")])
def test_too_many_decimals_are_refused_and_never_rounded(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=f"{currency} has {exponent(currency)} decimals"):
        from_major(text, currency)


def test_no_fractions_no_negatives_no_odd_currency() -> None:
    for wrong in ({"amount": 1.5}, {"amount": -1}, {"currency": "usd"}, {"amount": 10**16}):
        with pytest.raises(ValidationError):
            Money.model_validate({"amount": 1, "currency": "USD"} | wrong)
    assert isinstance(as_decimal(Money(amount=1, currency="USD")), Decimal)


@pytest.mark.parametrize("file", ["domain/money.py", "domain/ledger.py", "activities/ledger.py"])
def test_money_is_never_a_float(file: str) -> None:
    tree = ast.parse((PROJECT / file).read_text())
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Name) and node.id == "float"), file
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), file
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), file


DEAL = Deal("campaign_1", "collab_1", "creator_1")
FEE = Money(amount=22_000, currency="USD")


@given(st.integers(1, 10**12), currencies)
def test_every_entry_moves_as_much_out_as_in(amount: int, currency: str) -> None:
    money = Money(amount=amount, currency=currency)
    for entry in (budget_declared("campaign_1", money), fee_held(DEAL, money), fee_voided(DEAL, money)):
        assert sum(entry.changes().values()) == 0
        assert entry.accounts == sorted(entry.changes())


def test_an_entrys_hash_is_its_content() -> None:
    assert fee_held(DEAL, FEE).input_hash == fee_held(DEAL, FEE).input_hash
    others = [
        fee_held(DEAL, Money(amount=22_001, currency="USD")),
        fee_held(DEAL, Money(amount=22_000, currency="EUR")),
        fee_held(Deal("campaign_2", "collab_1", "creator_1"), FEE),
    ]
    assert len({fee_held(DEAL, FEE).input_hash, *(entry.input_hash for entry in others)}) == 4
    assert {entry.key for entry in others} == {"held/collab_1"}


def test_what_takes_something_back_says_what() -> None:
    assert fee_voided(DEAL, FEE).reverses_id == fee_held(DEAL, FEE).id
    refused = attempt_refused(DEAL, 2, FEE, "payee")
    assert refused.key == f"refused/{DEAL.payout_id}/2"
    assert refused.reverses == f"opened/{DEAL.payout_id}/2"


@pytest.mark.parametrize("amount", [0, -1])
def test_a_line_moves_more_than_nothing(amount: int) -> None:
    with pytest.raises(ValidationError):
        Line(source="a", destination="b", amount=amount, currency="USD")
    with pytest.raises(ValidationError):
        NewEntry(key="k", kind="fee_held", lines=())
