"""The API against its own document: no server error, no answer that the document does not name."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from sqlalchemy.orm import Session, sessionmaker

from domain.roles import Role
from tests.api.conftest import Tenant, campaign_body, creator_body, lamp
from tests.api.differences import found_difference

load_all_checks()
EXAMPLES = int(os.environ.get("HANDSEL_EXAMPLES", "3"))
"""Calls of each kind for each operation; more finds more and takes longer."""
NOT_HELD = {
    # Rules between fields (a fee belongs to a paying type) cannot stand in a JSON Schema.
    "positive_data_acceptance",
    # A key is given with every call by the tests; without one is tests/api/test_access.py.
    "ignored_auth",
}


@pytest.fixture(scope="session")
def api_schema(address: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", timeout=60)


@pytest.fixture
def things(brand: Tenant, sessions: sessionmaker[Session]) -> dict[str, str]:
    """Something real behind every address, so that calls get past "no such thing"."""
    product = brand.post("/products", lamp(cost=1450))
    campaign = brand.post("/campaigns", campaign_body())
    creator = brand.post("/creators", creator_body())
    path = f"/campaigns/{campaign['id']}/invitations"
    (collaboration,) = brand.post(path, {"creator_ids": [creator["id"]]}, status=200)["collaboration_ids"]
    return {
        "difference_id": found_difference(sessions, brand.id),
        "month": f"{datetime.now(UTC):%Y-%m}",
        "product_id": product["id"],
        "variant_id": product["variants"][0]["id"],
        "campaign_id": campaign["id"],
        "creator_id": creator["id"],
        "collaboration_id": collaboration,
        "member_id": brand.get("/members")["items"][0]["id"],
        "key_id": brand.post("/api-keys", {"name": "spare", "role": "viewer"})["id"],
    }


def test_every_answer_is_in_the_document(
    api_schema: schemathesis.BaseSchema, brand: Tenant, things: dict[str, str]
) -> None:
    held = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in NOT_HELD]
    headers = {"Authorization": f"Bearer {brand.keys[Role.OWNER]}"}
    failed, count = [], 0
    for found in api_schema.get_all_operations():
        operation = found.ok()
        count += 1
        for mode in GenerationMode:
            try:
                _hold(operation, mode, things, headers, held)
            except (FailureGroup, Failure) as error:
                failed.append(f"{operation.label}: {error}")
    assert count > 50
    assert not failed, "\n\n".join(failed)


def _hold(operation: Any, mode: GenerationMode, things: dict[str, str], headers: Any, held: Any) -> None:
    """Send this operation's examples of one mode (right or wrong by its schema) and check each answer."""

    @given(operation.as_strategy(generation_mode=mode))
    @bounds(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def one(case: schemathesis.Case) -> None:
        for name, value in (case.path_parameters or {}).items():
            if name in things and len(str(value)) == len(things[name]):
                case.path_parameters[name] = things[name]
        case.call_and_validate(headers=headers, checks=held, timeout=30)

    with suppress(Unsatisfiable):  # nothing can be wrong in an operation that takes nothing
        one()
