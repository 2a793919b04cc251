"""The edge to HTTP: reading a request, writing an answer, and breaking a connection on order."""

import asyncio
import base64
import binascii
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.stripe.store import Json, dump

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LARGEST_BODY = 1_000_000
JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Request:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_v2(self) -> bool:
        """Tell whether the request speaks the second API."""
        return self.path.startswith("/v2/")

    @property
    def key(self) -> str | None:
        """Return the API key, from Bearer or Basic authorization."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return value.strip()
        if kind.lower() == "basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                return base64.b64decode(value).decode().partition(":")[0]
        return None


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    @classmethod
    def of(cls, status: int, body: Json, headers: dict[str, str] | None = None) -> "Answer":
        """Return a JSON answer."""
        return cls(status, dump(body).encode(), dict(headers or {}))

    async def send(self, send: Send) -> None:
        """Write the answer."""
        headers = {
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            "Cache-Control": "no-cache, no-store",
            **self.headers,
        }
        raw = [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body})


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """Read a request; None if the client left or sent more than it may."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST_BODY:
            return None
        more = message.get("more_body", False)
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Request(scope["method"], scope["path"], query, headers, b"".join(chunks))


async def reset_connection(send: Send) -> None:
    """Break the connection with a TCP reset, as a failing network does.

    ASGI has no word for it: uvicorn's `send` is a method of an object that holds the transport.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("the server does not give access to its connection")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await asyncio.sleep(0.01)


async def stay_silent(receive: Receive, seconds: float = 120) -> None:
    """Answer nothing until the client gives up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
