"""The API as a brand's own programs use it: a key, JSON in and out, an Idempotency-Key with every change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import uuid4

import httpx

TRIES: Final = 8
PAGE: Final = 200


class CallRefused(Exception):
    """The API said no. `code` is its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class Calls:
    """Calls with one API key, or as one member who is signed in (`scheme` Session)."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, secret: str, scheme: str = "Bearer") -> None:
        self._client = client
        self._base = f"{base_url}/api/v1"
        self._headers = {"authorization": f"{scheme} {secret}"}

    async def get(self, path: str, **query: str) -> Any:
        """What the API answers to a question. Raises `CallRefused`."""
        return (await self._call("GET", path, params=query)).json()

    async def text(self, path: str, **query: str) -> str:
        """The same for what is not JSON."""
        return (await self._call("GET", path, params=query)).text

    async def everything(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=str(PAGE), **query, **cursor)
            for item in page["items"]:
                yield item
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change something with JSON. Sent again under the same key until there is an answer."""
        return (await self._call("POST", path, json=dict(body))).json()

    async def post_csv(self, path: str, text: str) -> Any:
        """Change something with a CSV file."""
        return (await self._call("POST", path, kind="text/csv", content=text.encode())).json()

    async def _call(self, method: str, path: str, kind: str = "", **given: Any) -> httpx.Response:
        headers = self._headers | ({"content-type": kind} if kind else {})
        if method == "POST":
            headers |= {"idempotency-key": uuid4().hex}
        problem: Exception = CallRefused(0, "no_answer", "the API did not answer")
        for _ in range(TRIES):
            try:
                answer = await self._client.request(method, f"{self._base}{path}", headers=headers, **given)
            except httpx.HTTPError as error:
                problem = error
            else:
                if (
                    answer.status_code < httpx.codes.BAD_REQUEST
                    and answer.status_code != httpx.codes.ACCEPTED
                ):
                    return answer
                problem = _refusal(answer)
                if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    raise problem
            await asyncio.sleep(1.0)
        raise problem


def _refusal(answer: httpx.Response) -> CallRefused:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    detail = str(body.get("detail") or body.get("title") or answer.text[:200])
    return CallRefused(answer.status_code, str(body.get("code", "")), detail)
