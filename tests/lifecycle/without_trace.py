"""One creator of the run is erased at the end: no search finds them, and every sum and proof holds.

The last of all, since it changes what the others look at.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text

from domain.bundle_verifier import verify as verify_bundle
from infra.audit.signing import Signer
from infra.audit.verify import verify as verify_log
from infra.demo.calls import CallRefused
from infra.evidence.keep import Evidence
from infra.ledger_check import Balance, check, trial_balance
from infra.objects import ObjectStore
from infra.tables import AuditLine, Collaboration, Payout
from infra.vault import Vault
from tests.lifecycle.life import Life
from tests.lifecycle.playing import Playing
from tests.lifecycle.traces import _histories, _opened, played

__all__ = [
    "erased",
    "played",
    "test_certificate_history_and_bundle_prove_it",
    "test_no_search_finds_who_was_erased",
    "test_the_search_would_have_found_them_before",
    "test_the_sums_are_what_they_were",
]

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]
WHOSE = "test_a_paid_gift_ends_with_one_transfer_after_a_change_and_a_marked_post"
OUTSIDE = ("mail", "postgres", "social.db", "stripe.db", "carrier.db")
"""Of the stack's folder: the creator's own mailbox, other companies, and tables, which are read by row."""


@dataclass
class Erased:
    """A life, and what was found of its creator before and after the erasure."""

    life: Life
    certificate: dict[str, Any]
    bundle: bytes
    before: dict[str, set[str]]
    after: dict[str, set[str]]
    balances_before: list[Balance]
    balances_after: list[Balance]


@pytest.fixture(scope="module")
def erased(played: Playing) -> Erased:
    """The creator of one paid life, erased as an owner does it."""
    life = next((lives[0] for story, lives in played.lives.items() if story.name == WHOSE), None)
    if life is None:
        pytest.skip(f"needs the story {WHOSE}")
    settings = played.settings
    evidence = Evidence(
        played.sessions, Vault(settings.vault_key), ObjectStore(settings), Signer(settings.vault_keys)
    )
    with played.sessions() as session:
        payout_id = session.scalars(
            select(Payout.id).where(Payout.collaboration_id == life.collaboration_id)
        ).one()
        balances = trial_balance(session)
    bundle = evidence.content(evidence.build(payout_id, datetime.now(UTC)))
    before = _found(played, life)
    certificate = played.do(_erase(life))
    with played.sessions() as session:
        return Erased(
            life, certificate, bundle, before, _found(played, life), balances, trial_balance(session)
        )


async def _erase(life: Life) -> dict[str, Any]:
    """Ask, again while Stripe's confirmation is on its way, and wait for the certificate."""
    path, until = f"/creators/{life.creator_id}/erasure", time.monotonic() + 180
    while True:
        try:
            erasure = await life.place.owner.post(path, {"rule": "creator_asked"})
        except CallRefused:
            if time.monotonic() > until:
                raise
        else:
            if erasure["certificate"] is not None or time.monotonic() > until:
                return dict(erasure["certificate"])
        await asyncio.sleep(0.5)


def _seeds(life: Life) -> list[str]:
    """Everything that this creator is known by, in lower case."""
    return [*life.person.secrets(), life.person.handle]


def _found(played: Playing, life: Life) -> dict[str, set[str]]:
    """Where a seed stands: table, history, object, log or other file of the installation."""
    seeds = {seed: seed.encode() for seed in _seeds(life)}
    leaks: dict[str, set[str]] = {}
    for place, content in _everything(played):
        low = content.lower()
        if there := {seed for seed, raw in seeds.items() if raw in low}:
            leaks.setdefault(place, set()).update(there)
    return leaks


def _everything(played: Playing) -> Iterator[tuple[str, bytes]]:
    engine = create_engine(played.stack.env()["HANDSEL_DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        tables = connection.scalars(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all()
        for table in tables:
            for line in connection.scalars(text(f'select "{table}"::text from "{table}"')):  # noqa: S608 - own names
                yield f"table {table}", _opened(line)
    engine.dispose()
    for name, content in played.do(_histories(played)).items():
        yield f"history {name}", content
    folder: Path = played.stack.folder.path
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not parts[0].startswith(OUTSIDE):
            yield "/".join(parts), path.read_bytes()


def test_the_search_would_have_found_them_before(erased: Erased) -> None:
    handle = erased.life.person.handle
    places = {place for place, seeds in erased.before.items() if handle in seeds}
    assert {"table social_accounts", "table posts", "table disclosure_checks"} <= places
    assert any(place.startswith("objects/") and "evidence" in place for place in places)


def test_no_search_finds_who_was_erased(played: Playing, erased: Erased) -> None:
    assert erased.after == {}
    objects = [path.as_posix() for path in (played.stack.folder.path / "objects").rglob("*")]
    assert not [path for path in objects if f"/drafts/{erased.life.collaboration_id}/" in path]


def test_the_sums_are_what_they_were(played: Playing, erased: Erased) -> None:
    assert erased.balances_after == erased.balances_before
    totals: Counter[str] = Counter()
    for balance in erased.balances_after:
        totals[balance.currency] += balance.amount
    assert set(totals.values()) == {0}
    with played.sessions() as session:
        assert check(session) == []


def test_certificate_history_and_bundle_prove_it(played: Playing, erased: Erased) -> None:
    assert erased.certificate["destroyed"]["keys"] == 1
    assert erased.certificate["destroyed"]["objects"] >= 2
    assert erased.certificate["destroyed"]["looks_at_posts"] >= 1
    assert verify_bundle(erased.bundle) == []
    assert erased.life.person.surname.encode() not in erased.bundle
    report = verify_log(played.stack.env()["HANDSEL_DATABASE_URL"])
    assert report.problems == []
    with played.sessions() as session:
        chained = session.scalars(
            select(AuditLine.event_sequence)
            .where(AuditLine.collaboration_id == erased.life.collaboration_id)
            .order_by(AuditLine.sequence)
        ).all()
        events = session.get_one(Collaboration, erased.life.collaboration_id).sequence
    assert chained == list(range(1, events + 1))
    assert "quaxvitz" not in json.dumps(erased.certificate)
