"""What the world does at Stripe: money comes in, messages come twice, an answer is lost, a document is due.

The account that pays is topped up by Stripe's public API; the rest is the simulator's own control plane.
"""

from __future__ import annotations

from typing import Any

import httpx


class Bank:
    """The Stripe simulator, with the platform's key."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str) -> None:
        self._client = client
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._ordered = 0

    async def top_up(self, amount: int, currency: str) -> None:
        """Put money on the platform's balance. Minor units."""
        form = {"amount": str(amount), "currency": currency.lower(), "description": "Fees of the demo"}
        answer = await self._client.post(f"{self._url}/v1/topups", data=form, headers=self._headers)
        answer.raise_for_status()

    async def tell_badly(self) -> None:
        """From now on every message comes twice, and the newest first."""
        await self._sim("webhooks", {"mode": ["duplicate", "reorder"]})

    async def lose_an_answer(self) -> None:
        """The next transfer is made, and nobody hears that it was."""
        self._ordered += 1
        fault = {"action": "reset_after_commit", "method": "POST", "path": "/v1/transfers", "times": 1}
        await self._sim("faults", fault)

    async def ask_for_a_document(self, account_id: str) -> None:
        """In the moment of the next transfer to it the account needs a document, and may receive nothing."""
        fault = {"action": "account_due", "account": account_id, "method": "POST", "path": "/v1/transfers"}
        await self._sim("faults", fault)

    async def transfers(self) -> list[dict[str, Any]]:
        """Every transfer that Stripe knows of, by its public API."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            query = {"limit": "100"} | ({"starting_after": found[-1]["id"]} if found else {})
            answer = await self._client.get(f"{self._url}/v1/transfers", params=query, headers=self._headers)
            answer.raise_for_status()
            page = answer.json()
            found += page["data"]
            more = bool(page["has_more"])
        return found

    async def answers_lost(self) -> int:
        """How many answers were lost as ordered."""
        answer = await self._client.get(f"{self._url}/_sim/status", headers=self._headers)
        answer.raise_for_status()
        waiting = [one for one in answer.json()["faults"] if one["action"] != "account_due"]
        return self._ordered - len(waiting)

    async def _sim(self, path: str, body: dict[str, Any]) -> None:
        answer = await self._client.post(f"{self._url}/_sim/{path}", json=body, headers=self._headers)
        answer.raise_for_status()
