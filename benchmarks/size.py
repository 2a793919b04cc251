"""What it weighs: a worker's memory with a thousand lives in it, the first page, captions a second."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.yard import Yard, client_of, launched
from domain.disclosure.engine import check
from domain.disclosure.models import from_record
from infra.local.stack import Stack

CASES = Path(__file__).resolve().parents[1] / "tests" / "disclosure" / "us_cases.jsonl"


async def measure_memory(place: Yard, count: int) -> list[dict[str, Any]]:
    """Resident memory of the collaborations worker with `count` open workflows in its cache."""
    client = await client_of(place)
    campaign_id, _ = place.campaign(await asyncio.to_thread(place.creators, count))
    await launched(place, client, campaign_id)
    await asyncio.sleep(2)
    process = place.stack.process("worker-collaborations")
    if process is None:
        raise RuntimeError("the worker is not running")
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = int(status.split("VmRSS:")[1].split()[0])
    return [
        {"what": f"memory of a worker with {count} open collaborations", "value": kilobytes / 1024,
         "unit": "MB", "goal": "below 250 MB"}
    ]  # fmt: skip


def measure_first_page(folder: Path) -> list[dict[str, Any]]:
    """From nothing running to the first page, in a fresh folder."""
    stack = Stack(folder)
    began = time.perf_counter()
    try:
        stack.start()
        httpx.get(stack.url("api") + "/healthz", timeout=10).raise_for_status()
        took = time.perf_counter() - began
    finally:
        stack.stop()
    return [{"what": "first page, from nothing running", "value": took, "unit": "s", "goal": "below 10 s"}]


def measure_captions(seconds: float) -> list[dict[str, Any]]:
    """Disclosure checks a second on one core, over the project's own cases."""
    inputs = [from_record(json.loads(line)) for line in CASES.read_text().splitlines() if line.strip()]
    for each in inputs:
        check(each)
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for each in inputs:
            check(each)
        done += len(inputs)
    speed = done / (time.perf_counter() - began)
    return [{"what": "captions checked on one core", "value": speed, "unit": "1/s", "goal": "above 5,000"}]
