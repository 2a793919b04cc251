"""Before the curtain: a brand with its keys, products, creators from the CSV file, and campaigns.

The brand is founded as the shell does it, since no key can exist before; everything else goes over the API.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from sqlalchemy.orm import Session, sessionmaker

from domain.campaign import NewCampaign
from domain.roles import HANDSEL, Role
from infra.brands import NewBrand, found_brand
from infra.demo.calls import Calls
from infra.demo.cast import AT_HOME, Person
from infra.members import add_member
from infra.persons import act_as
from infra.settings import Settings
from infra.yaml_file import read_yaml

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
FILES: Final = ("demo-campaign.yaml", "demo-gift.yaml")
"""The first takes every creator whom no other one claims by the creator's main platform."""
BRAND: Final = NewBrand(
    name="Lumen & Oak",
    sender_name="Lumen & Oak",
    sender_email="hello@lumen-and-oak.example",
    currency="USD",
    postal_address="Lumen & Oak, 3 Turner's Yard, Asheville, NC 28801, USA",
    owner_name="Robin Ash",
    owner_email="robin@lumen-and-oak.example",
)
FINANCE: Final = {"name": "Sasha Reed", "email": "sasha@lumen-and-oak.example"}
RULES: Final = {"tiers": {"USD": [{"above": 0, "approvals": 0}, {"above": 10_000, "approvals": 1}]}}
"""Fees above 100.00 need one approval."""

STAFF: Final = (
    ("Olive Tran", "olive@lumen-and-oak.example", Role.OPS),
    ("Fred Maurer", "fred@lumen-and-oak.example", Role.FINANCE),
)
"""Who works for the brand beside its owner and `FINANCE`, so that four eyes can be tried."""


@dataclass(frozen=True)
class Production:
    """One campaign that is ready to be launched, with the people in it."""

    campaign_id: str
    file: NewCampaign
    people: list[Person]


@dataclass(frozen=True)
class Opened:
    """What the demo begins with."""

    brand_id: str
    owner_key: str
    ops: Calls
    finance: Calls
    """A member of the role finance, signed in: keys approve nothing."""
    productions: list[Production]


async def prepare(
    client: httpx.AsyncClient, settings: Settings, sessions: sessionmaker[Session], creators: int
) -> Opened:
    """Found the brand and set everything up, with so many creators of the file (0: all)."""
    brand_id, owner_key = await asyncio.to_thread(_found, sessions, settings.mode)
    owner = Calls(client, settings.public_url, owner_key)
    made = await owner.post("/api-keys", {"name": "ops of the demo", "role": Role.OPS.value})
    ops = Calls(client, settings.public_url, made["secret"])
    member = await owner.post("/members", FINANCE | {"role": Role.FINANCE.value})
    await owner.post("/approval-rules", RULES)
    secret = await asyncio.to_thread(_signed_in, sessions, settings, brand_id, member["id"])
    finance = Calls(client, settings.public_url, secret, "Session")
    for product in yaml.safe_load((EXAMPLES / "products.yaml").read_text())["products"]:
        await ops.post("/products", product)
    report = await ops.post_csv("/creators/import", _sheet(creators))
    if report["refused"]:
        raise ValueError(f"the CSV file has {report['refused']} rows that are refused: {report['problems']}")
    known = [one async for one in ops.everything("/creators")]
    files = [read_yaml(EXAMPLES / name, NewCampaign) for name in FILES]
    productions = []
    for file, people in _companies(files, known):
        campaign = await ops.post("/campaigns", file.model_dump(mode="json"))
        given = {"creator_ids": [person.creator_id for person in people]}
        await ops.post(f"/campaigns/{campaign['id']}/invitations", given)
        productions.append(Production(campaign["id"], file, people))
    return Opened(brand_id, owner_key, ops, finance, productions)


def _found(sessions: sessionmaker[Session], mode: str) -> tuple[str, str]:
    with sessions.begin() as session:
        founded = found_brand(session, BRAND, mode=mode)
        for name, email, role in STAFF:
            add_member(session, founded.brand.id, name, email, role, by=HANDSEL)
        return founded.brand.id, founded.key.secret


def _signed_in(sessions: sessionmaker[Session], settings: Settings, brand_id: str, member_id: str) -> str:
    """Open a session as the shell does it."""
    with sessions.begin() as session:
        return act_as(session, settings, brand_id, member_id, datetime.now(UTC)).secret


def _sheet(creators: int) -> str:
    """The CSV file, or so many of its rows: those at home first, half at most."""
    text = (EXAMPLES / "creators.csv").read_text(encoding="utf-8")
    if creators <= 0:
        return text
    reader = csv.DictReader(io.StringIO(text))
    rows = list(reader)
    home = [row for row in rows if row["country"] == AT_HOME][: creators // 2]
    others = [row for row in rows if row not in home]
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, reader.fieldnames or [])
    writer.writeheader()
    writer.writerows([*home, *others][:creators])
    return sheet.getvalue()


def _companies(
    files: Sequence[NewCampaign], known: Sequence[dict[str, Any]]
) -> list[tuple[NewCampaign, list[Person]]]:
    """Who goes into which campaign: by the main platform, else into the first."""
    people: list[list[Person]] = [[] for _ in files]
    wanted = [file.offer.deliverables[0].platform.value for file in files]
    for creator in known:
        accounts = {account["platform"]: account["handle"] for account in creator["accounts"]}
        main = next(iter(accounts))
        place = wanted.index(main) if main in wanted else 0
        platform = wanted[place]
        if platform in accounts:
            profile = creator["profile"]
            people[place].append(
                Person(
                    creator_id=creator["id"],
                    name=profile["name"],
                    email=profile["email"],
                    country=creator["country"],
                    platform=platform,
                    handle=accounts[platform],
                )
            )
    return [(file, company) for file, company in zip(files, people, strict=True) if company]
