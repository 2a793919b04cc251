"""Tokens and budgets of the platforms' doors, on the real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from activities.adapters.platforms.reader import Token
from activities.posts_port import Whose
from infra.creators import NewAccount, NewCreator, add_creator
from infra.platforms import StoredBudget, StoredTokens, keep_token
from infra.tables import CreatorKey, PlatformToken
from tests.records.office import Office


def test_a_token_is_sealed_replaced_and_ends(office: Office, sessions: sessionmaker[Session]) -> None:
    office.open()
    vault = office.vault
    tokens = StoredTokens(sessions, vault)
    whose = Whose(brand_id=office.brand_id)
    assert tokens("instagram", whose) == Token()
    for secret in ("EAAO.first", "EAAO.second"):
        with sessions.begin() as session:
            keep_token(
                session, vault, brand_id=office.brand_id, platform="instagram", token=secret, account="178"
            )
    assert tokens("instagram", whose) == Token("178", "EAAO.second")
    with sessions() as session:
        (row,) = session.scalars(select(PlatformToken).where(PlatformToken.brand_id == office.brand_id))
    assert b"EAAO" not in row.sealed
    assert tokens("instagram", Whose(brand_id="brand_other")) == Token()
    over = datetime.now(UTC) - timedelta(minutes=1)
    with sessions.begin() as session:
        keep_token(session, vault, brand_id=office.brand_id, platform="instagram", token="x", expires_at=over)
    assert tokens("instagram", whose) == Token()


def test_a_creators_own_token_goes_first_and_is_erased_with_the_creator(
    office: Office, sessions: sessionmaker[Session]
) -> None:
    office.open()
    vault = office.vault
    with sessions.begin() as session:
        creator = add_creator(
            session,
            vault,
            office.brand_id,
            NewCreator(
                name="Lena Light",
                email="lena@mail.example",
                country="US",
                language="en",
                time_zone="America/New_York",
                accounts=[NewAccount(platform="tiktok", handle="lena.light", followers=9000)],
            ),
        ).id
        keep_token(session, vault, brand_id=office.brand_id, platform="tiktok", token="of-brand")
        keep_token(
            session, vault, brand_id=office.brand_id, platform="tiktok", token="act.own", creator_id=creator
        )
    tokens = StoredTokens(sessions, vault)
    whose = Whose(brand_id=office.brand_id, creator_id=creator)
    assert tokens("tiktok", whose).secret == "act.own"
    assert tokens("tiktok", Whose(brand_id=office.brand_id, creator_id="other")).secret == "of-brand"
    with sessions.begin() as session:
        session.execute(delete(CreatorKey).where(CreatorKey.creator_id == creator))
    assert tokens("tiktok", whose) == Token()


def test_a_budget_holds_over_all_workers(sessions: sessionmaker[Session]) -> None:
    spend = StoredBudget(sessions, {"youtube": 25})
    with ThreadPoolExecutor(8) as pool:
        let = list(pool.map(lambda _: spend("youtube", 1), range(60)))
    assert sum(let) == 25
    assert not spend("youtube", 1)
    assert not StoredBudget(sessions, {"tiktok": 3})("tiktok", 4)
    assert StoredBudget(sessions, {})("mastodon", 1)
