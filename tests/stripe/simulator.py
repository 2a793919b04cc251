"""A simulator in a process of its own, the official SDK pointed at it, and a receiver of webhooks.

Every answer that passes here is held to the SDK's types and to the OpenAPI document.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import stripe

from tests.stripe import document, sdk_types

stripe.enable_telemetry = False
KEY = "sk_test_simulator"
ROOT = Path(__file__).resolve().parents[2]
WEB = httpx.Client(timeout=10, trust_env=False)
"""One client for all plain requests: making one for each costs more than the request."""
ANSWERED: set[tuple[str, str]] = set()
"""The document's operations that have answered 200 in this process."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class CheckedClient(stripe.RequestsClient):
    """The SDK's own transport, which holds every answer against its types and the document."""

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        content, status, answered = super().request(method, url, headers, post_data)
        check_answer(method.upper(), urlsplit(url).path, status, content)
        return content, status, answered


def check_answer(method: str, path: str, status: int, content: Any) -> None:
    body = json.loads(content)
    if status == 200 and document.DOCUMENT and (template := document.operation_of(method, path)):
        ANSWERED.add((method, template))
    wrong = document.complaints(method, path, status, body) if status != 501 else []
    if status == 200:
        wrong += sdk_types.complaints(body)
    assert not wrong, f"{method} {path} {status}: {wrong}"


@dataclass
class Simulator:
    """One process, its file, and ways to talk to it."""

    state: Path
    port: int
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "infra.local.stripe", "--port", str(self.port)]
        command += ["--key", KEY, "--state", str(self.state), *self.options]
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        wait_for(self._answers, 15)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return WEB.get(self.base + "/_sim/health").status_code == 200
        return False

    def kill(self) -> None:
        """Kill the process as a crash would, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def client(self, timeout: float = 10, **options: Any) -> stripe.StripeClient:
        base: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), self.base)
        transport = CheckedClient(timeout=timeout)
        return stripe.StripeClient(KEY, base_addresses=base, http_client=transport, **options)

    def control(self, path: str, /, **body: Any) -> dict[str, Any]:
        answer = WEB.post(f"{self.base}/_sim/{path}", json=body, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {KEY}"}
        return dict(WEB.get(f"{self.base}/_sim/status", headers=headers).json())

    def raw(self, method: str, path: str, *, key: str | None = KEY, **options: Any) -> httpx.Response:
        """Send a request without the SDK; its answer is held to the document all the same."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        answer = WEB.request(method, self.base + path, headers=headers, **options)
        check_answer(method, path.partition("?")[0], answer.status_code, answer.content)
        return answer

    def fund(self, amount: int = 500_000, currency: str = "usd") -> None:
        self.control("fund", amount=amount, currency=currency)


def wait_for(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """Wait until the condition holds and return what it answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


RECIPIENT: Any = {
    "dashboard": "express",
    "identity": {"country": "us"},
    "configuration": {
        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    },
    "defaults": {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
}


@dataclass
class Hook:
    """One message that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    """A small web server that takes webhooks and answers what `answers` says, then 200."""

    def __init__(self) -> None:
        self.got: list[Hook] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(Hook(self.path, dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        found = [hook.event for hook in list(self.got)]
        return [event for event in found if kind in (None, event["type"])]

    def wait(self, count: int, seconds: float = 5, kind: str | None = None) -> list[dict[str, Any]]:
        wait_for(lambda: len(self.events(kind)) >= count, seconds)
        return self.events(kind)
