"""What a person waits for: the accept button, page to page, and the pages and lists that read."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import text

from benchmarks.yard import Yard, client_of, launched, until
from infra.links import issue, url_of

FORM = {
    "legal_name": "A Creator",
    "country": "US",
    "street_address": "1 Main St",
    "city": "Austin",
    "country_area": "TX",
    "postal_code": "78701",
    "consent": "yes",
}


def percentiles(took: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, milliseconds."""
    cuts = statistics.quantiles(sorted(took), n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000


async def measure_accepts(place: Yard, rate: int, seconds: int) -> list[dict[str, Any]]:
    """POST of the accept form until the page after it, at a fixed rate of arrivals."""
    count = rate * seconds
    client = await client_of(place)
    campaign_id, collaboration_ids = place.campaign(await asyncio.to_thread(place.creators, count))
    before = place.mails()
    await launched(place, client, campaign_id)
    await until(lambda: place.mails() - before >= count, 120)  # the invitations are out, as in life
    addresses = _links(place, collaboration_ids)
    took: list[float] = []
    refused: list[int] = []
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=200)) as web:
        pages = [await web.get(address) for address in addresses]
        nonces = [_nonce(page.text) for page in pages]
        began = time.perf_counter() + 0.2

        async def one(number: int) -> None:
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            start = time.perf_counter()
            form = FORM | {"nonce": nonces[number], "variant": place.variant_id}
            async with httpx.AsyncClient(timeout=60, follow_redirects=True) as own:
                answer = await own.post(addresses[number] + "/accept", data=form)
            took.append(time.perf_counter() - start)
            if answer.status_code != 200:
                refused.append(answer.status_code)

        await asyncio.gather(*(one(number) for number in range(count)))
    accepted = place.count(campaign_id, "preparing")
    median, slowest = percentiles(took)
    return [
        {"what": f"accept, page to page, at {rate}/s for {seconds} s: median", "value": median, "unit": "ms",
         "goal": "below 60 ms", "accepted": accepted, "sent": count, "not 200": len(refused)},
        {"what": "accept, page to page: p99", "value": slowest, "unit": "ms", "goal": "below 250 ms"},
    ]  # fmt: skip


def _links(place: Yard, collaboration_ids: list[str]) -> list[str]:
    now = datetime.now(UTC)
    with place.sessions.begin() as session:
        creators = dict(
            session.execute(
                text("select id, creator_id from collaborations where id = any(:ids)"),
                {"ids": collaboration_ids},
            ).all()
        )
        links = [
            issue(session, collaboration_id=each, creator_id=creators[each], now=now)
            for each in collaboration_ids
        ]
    return [url_of(place.settings, link.id) for link in links]


def _nonce(page: str) -> str:
    section = page[page.index('id="accept"') :]
    found = re.search(r'name="nonce" value="([^"]+)"', section)
    if found is None:
        raise RuntimeError("the page has no accept form")
    return found.group(1)


async def measure_reads(place: Yard, rows: int) -> list[dict[str, Any]]:
    """Lists and one collaboration's page, with many collaborations in the database."""
    creator_ids = await asyncio.to_thread(place.creators, rows // 10)
    campaigns = [await asyncio.to_thread(place.campaign, creator_ids) for _ in range(10)]
    with place.sessions.begin() as session:
        session.execute(text("analyze"))
    campaign_id, collaboration_ids = campaigns[4]
    page = _links(place, collaboration_ids[:1])[0]
    base = f"{place.settings.public_url}/api/v1"
    middle = collaboration_ids[len(collaboration_ids) // 2]
    asked = {
        "list of collaborations, first page": f"{base}/collaborations?campaign_id={campaign_id}&limit=50",
        "list by stage": f"{base}/collaborations?campaign_id={campaign_id}&stage=queued&limit=50",
        "one collaboration": f"{base}/collaborations/{middle}",
        "its events": f"{base}/collaborations/{middle}/events",
        "campaign with counts by stage": f"{base}/campaigns/{campaign_id}",
        "the creator's page": page,
    }
    found = []
    async with httpx.AsyncClient(timeout=60) as web:
        for what, url in asked.items():
            took = []
            for _ in range(120):
                start = time.perf_counter()
                answer = await web.get(url, headers={"Authorization": f"Bearer {place.api_key}"})
                took.append(time.perf_counter() - start)
                answer.raise_for_status()
            median, slowest = percentiles(took)
            found.append(
                {"what": f"{what}, {rows} collaborations stored: p99", "value": slowest, "unit": "ms",
                 "median": median, "goal": "p99 below 50 ms"}
            )  # fmt: skip
    return found
