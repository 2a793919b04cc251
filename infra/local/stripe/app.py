"""The simulator as an ASGI application: the API, the control plane, the onboarding page.

It never answers 200 to what it does not know.
"""

import asyncio
import json
import sys
import traceback

from infra.local.stripe import (
    account_links,
    accounts_v1,
    accounts_v2,
    balance,
    control,
    deliveries,
    errors,
    events,
    jobs,
    onboarding_page,
    payouts,
    topups,
    transfers,
    webhook_endpoints,
)
from infra.local.stripe.errors import Refusal
from infra.local.stripe.sender import Sender
from infra.local.stripe.store import Json, Store, new_id
from infra.local.stripe.wire import (
    Answer,
    Receive,
    Request,
    Scope,
    Send,
    read_request,
    reset_connection,
    stay_silent,
)
from infra.local.stripe.work import Desk

# Importing these fills the table of operations.
BUILT = (
    account_links, accounts_v1, accounts_v2, balance, events, payouts, topups, transfers,
    webhook_endpoints,
)  # fmt: skip


class Simulator:
    """One process's worth of Stripe."""

    def __init__(self, store: Store, key: str, base: str, defaults: Json) -> None:
        self._store = store
        self._desk = Desk(store, key, base)
        self._sender: Sender | None = None
        self._timer: asyncio.Task[None] | None = None
        self._plan_changed: asyncio.Event | None = None
        with store.transaction():
            fresh = store.fact("platform") is None
            if fresh:
                store.set_fact("platform", new_id("acct", 16))
            call = self._desk.call()
            control.set_defaults(call, defaults)
            if fresh:
                control.found_platform(call)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._sender = Sender(self._store)
                self._sender.start()
                self._plan_changed = asyncio.Event()
                self._timer = asyncio.create_task(self._run_jobs())
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._timer is not None:
                    self._timer.cancel()
                if self._sender is not None:
                    await self._sender.stop()
                self._store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _run_jobs(self) -> None:
        """Run jobs when they fall due; sleep in between."""
        assert self._plan_changed is not None  # noqa: S101 - set just before this task starts
        while True:
            self._plan_changed.clear()
            self._catch_up()
            due = jobs.next_due(self._store)
            wait = None if due is None else max(0.01, due - self._store.clock())
            try:
                await asyncio.wait_for(self._plan_changed.wait(), wait)
            except TimeoutError:
                continue

    def _catch_up(self) -> None:
        if jobs.run_due(self._store, self._store.fact("platform")):
            self._changed()

    def _changed(self) -> None:
        """Let sender and timer look at their plans again."""
        if self._sender is not None:
            self._sender.wake()
        if self._plan_changed is not None:
            self._plan_changed.set()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        if request is None:
            return await Answer(413, b"").send(send)
        self._catch_up()
        try:
            if request.path.startswith(("/v1/", "/v2/")):
                return await self._api(request, receive, send)
            if request.path.startswith("/_sim/"):
                answer = self._control(request)
            elif request.path.startswith("/setup/"):
                answer = self._page(request)
            else:
                answer = _refused(errors.unknown_path(request.method, request.path))
        except Exception:  # noqa: BLE001 - a defect is an answer of 500 and a trace, not a hang
            traceback.print_exc(file=sys.stderr)
            answer = _refused(errors.server_error())
        return await answer.send(send)

    async def _api(self, request: Request, receive: Receive, send: Send) -> None:
        done = await self._desk.serve(request)
        if done.events:
            self._changed()
            if "before_answer" in deliveries.modes(self._store) and self._sender is not None:
                await self._sender.deliver_now(done.events)
        elif request.method != "GET":
            self._changed()
        if done.broken in ("reset_before_commit", "reset_after_commit"):
            await reset_connection(send)
        elif done.broken == "timeout_after_commit":
            await stay_silent(receive)
        else:
            await done.answer.send(send)

    def _control(self, request: Request) -> Answer:
        if request.path == "/_sim/health" and request.method == "GET":
            return Answer.of(200, {"ok": True})
        try:
            self._desk.check_key(request)
            found = control.route(request.method, request.path)
            if found is None:
                raise errors.unknown_path(request.method, request.path)
            call = self._desk.call()
            call.params, call.path = _json_object(request.body), found[1]
            with self._store.transaction():
                body = found[0](call)
        except Refusal as refusal:
            return _refused(refusal)
        self._catch_up()
        self._changed()
        return Answer.of(200, body)

    def _page(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        if len(parts) != 4 or request.method not in ("GET", "POST"):
            return _refused(errors.unknown_path(request.method, request.path))
        call, (account, token) = self._desk.call(), parts[2:]
        try:
            with self._store.transaction():
                if request.method == "GET":
                    shown = onboarding_page.open_page(call, account, token)
                else:
                    form = request.body.decode("utf-8", "replace")
                    shown = onboarding_page.finish(call, account, token, form)
        except Refusal as refusal:
            return _refused(refusal)
        self._changed()
        headers = {"Location": shown.location} if shown.location else {}
        headers["Referrer-Policy"] = "no-referrer"
        return Answer(shown.status, shown.page.encode(), headers, "text/html; charset=utf-8")


def _refused(refusal: Refusal) -> Answer:
    request_id = new_id("req", 14)
    headers = {**refusal.headers, "Request-Id": request_id}
    return Answer.of(refusal.status, refusal.body(request_id), headers)


def _json_object(body: bytes) -> Json:
    try:
        value = json.loads(body or b"{}")
    except ValueError as problem:
        raise Refusal(400, "Invalid JSON in the request body.") from problem
    if not isinstance(value, dict):
        raise Refusal(400, "The request body must be a JSON object.")
    return value
