"""How long an evidence bundle takes: collected, sealed, and verified again, after whole lives were lived."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from benchmarks.throughput import live_all
from benchmarks.yard import Yard
from domain.bundle_verifier import verify
from infra.audit.signing import Signer
from infra.evidence.keep import Evidence
from infra.objects import ObjectStore
from infra.tables import Payout


async def measure_evidence(place: Yard, count: int) -> list[dict[str, Any]]:
    """Bundles of `count` payouts, one by one as `build` does them, and what verifying one takes."""
    await live_all(place, count)
    evidence = Evidence(
        place.sessions, place.vault, ObjectStore(place.settings), Signer(place.settings.vault_keys)
    )
    with place.sessions() as session:
        payouts = session.scalars(select(Payout.id).order_by(Payout.id)).all()
    began = time.perf_counter()
    built = [evidence.build(payout_id, datetime.now(UTC)) for payout_id in payouts]
    each = (time.perf_counter() - began) / len(built) * 1000
    bundles = [evidence.content(bundle) for bundle in built]
    began = time.perf_counter()
    problems = [problem for bundle in bundles for problem in verify(bundle)]
    checked = (time.perf_counter() - began) / len(bundles) * 1000
    if problems:
        raise SystemExit(f"a bundle does not verify: {problems[0]}")
    return [
        {
            "what": f"evidence bundle, collected and sealed, of {len(built)}",
            "value": each,
            "unit": "ms",
            "bytes": sum(map(len, bundles)) // len(bundles),
        },
        {"what": "verifying one, standard library alone", "value": checked, "unit": "ms"},
    ]
