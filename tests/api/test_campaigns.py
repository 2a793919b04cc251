"""Campaigns before their launch: what they take, what they refuse, and who is invited."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from domain.money import Money
from domain.state import State
from infra.tables import Collaboration, Creator, OfferRow, Suppression
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp

Sessions = sessionmaker[Session]


@pytest.fixture
def campaign(brand: Tenant) -> Any:
    brand.post("/products", lamp())
    return brand.post("/campaigns", campaign_body())


def add_creators(brand: Tenant, count: int, **changes: Any) -> list[str]:
    return [brand.post("/creators", creator_body(number, **changes))["id"] for number in range(count)]


def invite(brand: Tenant, campaign: Any, ids: list[str], **more: Any) -> Any:
    return brand.post(f"/campaigns/{campaign['id']}/invitations", {"creator_ids": ids, **more}, status=200)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "nul\x00"}, ""),
        ({"currency": "usd"}, "currency"),
        ({"budget": 100}, ""),
        ({"budget": -1}, "budget"),
        ({"variants": []}, ""),
        ({"variants": ["NO-SUCH"]}, "variants.0"),
        ({"variants": ["LAMP-OAK", "LAMP-OAK"]}, "variants.1"),
        ({"ships_to": ["Germany"]}, "ships_to.0"),
        ({"surprise": 1}, "surprise"),
        ({"policy": {"respond_within": "soon"}}, "policy.respond_within"),
        ({"policy": {"revisions": 9}}, "policy.revisions"),
        ({"offer": {"type": "gifting_paid", "deliverables": []}}, "offer.deliverables"),
        (
            {"offer": {"type": "gifting", "deliverables": [{"platform": "tiktok", "format": "reel"}]}},
            "offer.deliverables.0",
        ),
    ],
)
def test_a_campaign_that_does_not_fit_names_the_field(
    brand: Tenant, changes: dict[str, Any], field: str
) -> None:
    brand.post("/products", lamp())
    answer = brand.call("POST", "/campaigns", json=campaign_body(**changes))
    assert answer.status_code == 422, answer.text
    if field:
        assert field in [one["field"] for one in answer.json()["errors"]]
    assert brand.get("/campaigns")["items"] == []


def test_a_name_counts_once_in_a_brand(brand: Tenant, other: Tenant, campaign: Any) -> None:
    assert brand.call("POST", "/campaigns", json=campaign_body()).json()["code"] == "name_taken"
    other.post("/products", lamp())
    other.post("/campaigns", campaign_body())


def test_an_invitation_freezes_the_terms_that_are_shown(
    brand: Tenant, campaign: Any, sessions: Sessions
) -> None:
    (creator,) = add_creators(brand, 1)
    report = invite(brand, campaign, [creator], fee={"amount": 30_000, "currency": "USD"})
    found = brand.get(f"/collaborations/{report['collaboration_ids'][0]}")
    text = found["offer"]["text"]
    assert hashlib.sha256(text.encode()).hexdigest() == found["offer"]["sha256"]
    for words in ("USD 300.00", "the lamp is lit", "Lumen & Oak", "21 days", "30 days", "Lamp LAMP-OAK, Oak"):
        assert words in text
    for person in ("creator0", "Creator Number0"):
        assert person not in text
    with sessions() as session:
        row = session.get_one(Collaboration, found["id"])
        state = State.model_validate(row.state)
        assert session.get_one(OfferRow, row.offer_id).terms["fee"]["amount"] == 30_000
    assert (state.stage, state.offer_id, state.zone) == ("queued", row.offer_id, "Europe/Berlin")
    assert state.fee == Money(amount=30_000, currency="USD")
    assert (state.campaign_id, state.creator_id, state.brand_id) == (campaign["id"], creator, brand.id)


def test_who_must_not_be_contacted_is_left_out_with_the_reason(
    brand: Tenant, campaign: Any, sessions: Sessions
) -> None:
    good, blocked, unsubscribed, elsewhere, tiktoker = add_creators(brand, 5)
    brand.call("PATCH", f"/creators/{blocked}", json={"do_not_contact": "asked us"})
    brand.call("PATCH", f"/campaigns/{campaign['id']}", json={"ships_to": ["DE", "AT"]})
    with sessions.begin() as session:
        digest = session.get_one(Creator, unsubscribed).email_digest
        session.add(Suppression(brand_id=brand.id, email_digest=digest, reason="unsubscribed"))
        session.execute(update(Creator).where(Creator.id == elsewhere).values(country="JP"))
    other_account = [{"platform": "tiktok", "handle": "t", "followers": 5}]
    tiktoker = brand.post("/creators", creator_body(77, accounts=other_account))["id"]
    unknown = "creator_01k9z3v5e8fw0a2t4s6q8r0b1c"
    ids = [good, blocked, unsubscribed, elsewhere, tiktoker, unknown, good]
    report = invite(brand, campaign, ids)
    assert report["invited"] == 1
    assert {one["creator_id"]: one["reason"] for one in report["skipped"]} == {
        blocked: "do_not_contact",
        unsubscribed: "unsubscribed",
        elsewhere: "not_shipped_there",
        tiktoker: "no_account_there",
        unknown: "unknown",
    }
    again = invite(brand, campaign, [good])
    assert again["skipped"] == [{"creator_id": good, "reason": "already_invited"}]


def test_a_change_of_a_draft_makes_new_versions_of_its_offers(
    brand: Tenant, campaign: Any, sessions: Sessions
) -> None:
    ordinary, special = add_creators(brand, 2)
    first = invite(brand, campaign, [ordinary])["collaboration_ids"][0]
    second = invite(brand, campaign, [special], fee={"amount": 50_000, "currency": "USD"})
    second = second["collaboration_ids"][0]
    before = brand.get(f"/collaborations/{first}")["offer"]
    offer = campaign["offer"] | {"fee": {"amount": 25_000, "currency": "USD"}}
    changed = brand.call("PATCH", f"/campaigns/{campaign['id']}", json={"offer": offer, "name": "Summer"})
    assert changed.status_code == 200, changed.text
    after = brand.get(f"/collaborations/{first}")
    assert (after["offer"]["version"], after["fee"]["amount"]) == (2, 25_000)
    assert "USD 250.00" in after["offer"]["text"]
    assert '"Summer"' in after["offer"]["text"]
    kept = brand.get(f"/collaborations/{second}")
    assert (kept["offer"]["version"], kept["fee"]["amount"]) == (2, 50_000)
    with sessions() as session:
        old = session.get_one(OfferRow, before["id"])
        newest = session.scalars(select(Collaboration.state).where(Collaboration.id == first)).one()
    assert (old.text, old.sha256) == (before["text"], before["sha256"])
    assert State.model_validate(newest).offer_id == after["offer"]["id"]


def test_a_change_that_does_not_fit_changes_nothing(brand: Tenant, campaign: Any) -> None:
    path = f"/campaigns/{campaign['id']}"
    for changes in ({"budget": 1}, {"currency": "EUR"}, {"variants": ["NO"]}, {"variants": []}):
        assert brand.call("PATCH", path, json=changes).status_code == 422
    assert brand.get(path) == campaign


def test_a_fee_must_fit_the_campaign(brand: Tenant, campaign: Any) -> None:
    path = f"/campaigns/{campaign['id']}/invitations"
    ids = add_creators(brand, 1)
    for fee in ({"amount": 1, "currency": "EUR"}, {"amount": 0, "currency": "USD"}):
        answer = brand.call("POST", path, json={"creator_ids": ids, "fee": fee})
        assert answer.status_code == 422
    assert brand.get("/collaborations")["items"] == []


def test_a_fee_of_ones_own_must_have_room_for_the_tails(brand: Tenant) -> None:
    brand.post("/products", lamp())
    with_tail = campaign_body() | {
        "offer": campaign_body()["offer"] | {"tails": [{"percent": 20, "live_for": "30d"}]}
    }
    made = brand.post("/campaigns", with_tail)
    path = f"/campaigns/{made['id']}/invitations"
    ids = add_creators(brand, 1)
    small = {"creator_ids": ids, "fee": {"amount": 1, "currency": "USD"}}
    answer = brand.call("POST", path, json=small)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "fee.amount")
    assert brand.get("/collaborations")["items"] == []


def test_ten_thousand_creators_are_invited_in_one_call(
    brand: Tenant, campaign: Any, sessions: Sessions
) -> None:
    rows = "\n".join(f"c{n}@mail.example,C {n},DE,instagram,c{n},{n}" for n in range(10_000))
    header = "email,name,country,platform,handle,followers"
    brand.call(
        "POST", "/creators/import", content=f"{header}\n{rows}".encode(), headers={"Content-Type": "text/csv"}
    )
    with sessions() as session:
        ids = list(session.scalars(select(Creator.id).where(Creator.brand_id == brand.id)))
    report = invite(brand, campaign, ids)
    assert (report["invited"], report["skipped"]) == (10_000, [])
    assert brand.get(f"/campaigns/{campaign['id']}")["counts"] == {"queued": 10_000}


def test_stock_is_never_set_below_what_is_promised(brand: Tenant, sessions: Sessions) -> None:
    from infra.tables import Variant

    product = brand.post("/products", lamp(stock=10))
    variant = product["variants"][0]["id"]
    with sessions.begin() as session:
        session.execute(update(Variant).where(Variant.id == variant).values(reserved=4))
    path = f"/products/{product['id']}/variants/{variant}"
    refused = brand.call("PATCH", path, json={"stock": 3})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock_promised")
    assert brand.call("PATCH", path, json={"stock": 4}).json()["stock"] == 4
    assert brand.call("POST", "/products", json=lamp()).json()["code"] == "name_taken"
    assert brand.call("POST", "/products", json=lamp() | {"name": "Other"}).json()["code"] == "sku_taken"


def test_a_long_list_is_read_page_by_page(brand: Tenant) -> None:
    header = "email,name,country,platform,handle,followers"
    rows = "\n".join(f"c{n}@mail.example,C {n},DE,instagram,c{n},{n}" for n in range(25))
    brand.call(
        "POST", "/creators/import", content=f"{header}\n{rows}".encode(), headers={"Content-Type": "text/csv"}
    )
    seen, cursor, pages = [], None, 0
    while cursor is not None or pages == 0:
        page = brand.get("/creators", params={"limit": 10} | ({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (len(set(seen)), pages, seen) == (25, 3, sorted(seen))
    for wrong in ({"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "creator_\x00"}):
        assert brand.call("GET", "/creators", params=wrong).status_code == 422
