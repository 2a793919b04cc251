"""Products and stock in the audit log: what was added and changed, by whom, and nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from infra.tables import AuditFact
from tests.api.conftest import Tenant

LAMP = {"name": "Oak", "sku": "OAK", "stock": 14, "retail_amount": 4800, "cost_amount": 1900}


def told(sessions: sessionmaker[Session], brand: Tenant) -> list[tuple[str, str, dict[str, Any]]]:
    events = ("product_added", "variant_added", "variant_changed")
    with sessions() as session:
        facts = session.scalars(
            select(AuditFact)
            .where(AuditFact.brand_id == brand.id, AuditFact.event.in_(events))
            .order_by(AuditFact.id)
        )
        return [(one.event, one.subject_id, one.data) for one in facts]


def test_products_and_stock_are_told_with_before_and_after(
    brand: Tenant, sessions: sessionmaker[Session]
) -> None:
    new = {"name": "Dusk lamp of Ada", "description": "For Ada.", "variants": [LAMP]}
    product = brand.post("/products", new)
    variant = product["variants"][0]["id"]
    path = f"/products/{product['id']}/variants/{variant}"
    assert brand.call("PATCH", path, json={"stock": 9, "cost_amount": 1900}).status_code == 200
    assert brand.call("PATCH", path, json={"stock": 9}).status_code == 200  # nothing changed, nothing told
    figures = {"stock": 14, "retail_amount": 4800, "cost_amount": 1900}
    assert told(sessions, brand) == [
        ("product_added", product["id"], {}),
        ("variant_added", variant, {"product_id": product["id"]} | figures),
        ("variant_changed", variant, {"product_id": product["id"], "stock_before": 14, "stock": 9}),
    ]


def test_what_is_refused_is_not_told(brand: Tenant, sessions: sessionmaker[Session]) -> None:
    product = brand.post("/products", {"name": "Lamp", "variants": [LAMP]})
    before = told(sessions, brand)
    path = f"/products/{product['id']}"
    variant = f"{path}/variants/{product['variants'][0]['id']}"
    assert brand.call("PATCH", variant, Role.VIEWER, json={"stock": 1}).status_code == 403
    assert brand.call("PATCH", variant, json={"stock": -1}).status_code == 422
    assert brand.call("POST", f"{path}/variants", json=LAMP).status_code == 409
    assert told(sessions, brand) == before
