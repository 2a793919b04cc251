"""One API request from its key to its committed answer.

The order of checks is Stripe's as far as it is known: path, key, account, limits, idempotency,
parameters, work. The answer and the effect are committed together, or neither is.
"""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.stripe import accounts, calls, errors, faults, idempotency, params
from infra.local.stripe.calls import Call, Operation
from infra.local.stripe.errors import Refusal
from infra.local.stripe.expand import expand
from infra.local.stripe.limits import Locks, RateLimit
from infra.local.stripe.store import Json, Store, new_id
from infra.local.stripe.wire import Answer, Request

_OBJECT_ID = re.compile(r"(?:acct|tr|trr|po|tu|ba|we|ed_test)_\w+")
BEFORE_COMMIT = {"http_500", "http_409", "http_429", "reset_before_commit"}


@dataclass
class Done:
    """What a request came to: its answer, the events it caused, and what the wire must break."""

    answer: Answer
    events: list[str]
    broken: str | None = None


class Desk:
    """Takes API requests for one store."""

    def __init__(self, store: Store, key: str, base: str) -> None:
        self.store, self._key, self._base = store, key, base
        self._rate, self._locks = RateLimit(), Locks()

    def call(self, owner: str | None = None) -> Call:
        """Return the context of a call that no API request caused."""
        platform = self.store.fact("platform")
        return Call(self.store, platform, owner or platform, request_id="", base=self._base)

    def check_key(self, request: Request) -> None:
        """Refuse any key but the simulator's."""
        if request.key != self._key:
            raise errors.bad_key(request.key)

    async def serve(self, request: Request) -> Done:
        """Answer one request of `/v1` or `/v2`; whatever goes wrong is an answer too."""
        request_id = new_id("req", 14)
        try:
            done = await self._serve(request, request_id)
        except Refusal as refusal:
            if refusal.status == 501:
                sys.stderr.write(f"stripe simulator: {refusal.message}\n")
            done = Done(_refusal_answer(refusal, request_id), [])
        self._echo(request, done.answer, request_id)
        return done

    def _echo(self, request: Request, answer: Answer, request_id: str) -> None:
        answer.headers.setdefault("Request-Id", request_id)
        for name in ("Idempotency-Key", "Stripe-Account", "Stripe-Version"):
            if name.lower() in request.headers:
                answer.headers.setdefault(name, request.headers[name.lower()])

    async def _serve(self, request: Request, request_id: str) -> Done:
        found = calls.route(request.method, request.path)
        if found is None:
            raise errors.unknown_path(request.method, request.path)
        operation, path = found
        self.check_key(request)
        call = self._call(request, request_id, path)
        self._rate.take(int(self.store.fact("rate_per_second", 0)))
        if operation.handler is None:
            raise errors.not_built(request.method, operation.template)
        fault = faults.take(self.store, request.method, request.path, request.body.decode("utf-8", "replace"))
        if fault is not None and fault.action == "account_due":
            return await self._fall_due_first(fault.options["account"], call, operation, request)
        if fault is not None and fault.action in BEFORE_COMMIT:
            return _fail_before(fault, request, request_id)
        done = await self._once(call, operation, request)
        if fault is not None and done.broken is None:
            done.broken = fault.action if fault.action != "http_500_after_commit" else None
            if fault.action == "http_500_after_commit":
                self._save_failure(call, request, done)
        return done

    async def _fall_due_first(
        self, account_id: str, call: Call, operation: Operation, request: Request
    ) -> Done:
        """Something becomes due on an account in the moment before the work."""
        mine = self.call()
        account = self.store.find("account", account_id)
        if account is not None:
            with self.store.transaction():
                accounts.onboard(mine, account, "due")
        done = await self._once(call, operation, request)
        done.events = [*mine.events, *done.events]
        return done

    def _call(self, request: Request, request_id: str, path: Mapping[str, str]) -> Call:
        call = self.call()
        account = request.headers.get("stripe-account") or request.headers.get("stripe-context")
        if account and account != call.platform:
            if self.store.find("account", account) is None:
                raise errors.unknown_account(account)
            call.owner = account
        writes = request.method == "POST" or (request.is_v2 and request.method == "DELETE")
        key = request.headers.get("idempotency-key") if writes else None
        if key is not None and not 0 < len(key) <= idempotency.LONGEST_KEY:
            message = f"Idempotency keys must have 1 to {idempotency.LONGEST_KEY} characters."
            raise errors.Refusal(400, message, type="idempotency_error")
        call.request_id, call.idempotency_key, call.path = request_id, key, dict(path)
        return call

    def _scope(self, call: Call, request: Request) -> str:
        key = call.idempotency_key or ""
        return idempotency.scope(key, call.owner, request.method, request.path)

    async def _once(self, call: Call, operation: Operation, request: Request) -> Done:
        if call.idempotency_key is None:
            return await self._locked(call, operation, request, None)
        where = self._scope(call, request)
        mark = idempotency.fingerprint(request.body, request.headers.get("content-type", ""))
        saved = idempotency.find(self.store, where)
        if saved is not None:
            if saved.fingerprint != mark:
                raise errors.key_reused(call.idempotency_key)
            headers = {**saved.headers, "Idempotent-Replayed": "true"}
            return Done(Answer(saved.status, saved.body, headers), [])
        return await self._locked(call, operation, request, (where, mark))

    async def _locked(
        self, call: Call, operation: Operation, request: Request, keep: tuple[str, str] | None
    ) -> Done:
        seconds = int(self.store.fact("work_ms", 0)) / 1000
        writes = request.method != "GET"
        objects = _objects_of(request) if writes else set()
        key = (keep[0], call.idempotency_key or "") if keep else None
        with self._locks.holding(key, objects):
            if seconds and writes:
                await asyncio.sleep(seconds)
            return self._work(call, operation, request, keep)

    def _work(self, call: Call, operation: Operation, request: Request, keep: tuple[str, str] | None) -> Done:
        """Do the work and remember its answer in one transaction."""
        call.params = params.check(_parameters(request), operation.spec)
        assert operation.handler is not None  # noqa: S101 - the caller answered 501 for None
        try:
            with self.store.transaction():
                body = expand(call, operation.handler(call), call.params.get("expand") or [])
                answer = Answer.of(200, body)
                self._keep(call, request, answer, keep)
        except Refusal as refusal:
            answer = _refusal_answer(refusal, call.request_id)
            if refusal.began and keep and not request.is_v2:
                with self.store.transaction():
                    self._keep(call, request, answer, keep)
            return Done(answer, [])
        return Done(answer, call.events)

    def _keep(self, call: Call, request: Request, answer: Answer, keep: tuple[str, str] | None) -> None:
        if keep is None:
            return
        where, mark = keep
        headers = {"Original-Request": call.request_id}
        headers |= {k: v for k, v in answer.headers.items() if k.startswith("Stripe-Should")}
        saved = idempotency.Saved(mark, answer.status, headers, answer.body)
        idempotency.save(self.store, where, saved, v2=request.is_v2)

    def _save_failure(self, call: Call, request: Request, done: Done) -> None:
        """Answer 500 for work that was done, and go on doing so for its key."""
        failure = errors.server_error()
        done.answer = _refusal_answer(failure, call.request_id)
        done.answer.headers["Stripe-Should-Retry"] = "false"
        if call.idempotency_key is not None:
            mark = idempotency.fingerprint(request.body, request.headers.get("content-type", ""))
            with self.store.transaction():
                self._keep(call, request, done.answer, (self._scope(call, request), mark))


def _fail_before(fault: faults.Fault, request: Request, request_id: str) -> Done:
    if fault.action == "reset_before_commit":
        return Done(Answer(500, b""), [], broken=fault.action)
    if fault.action == "http_429":
        raise errors.too_many(fault.options.get("limited_reason", "global-rate"))
    if fault.action == "http_409":
        raise errors.key_in_use(request.headers.get("idempotency-key"))
    return Done(_refusal_answer(errors.server_error(), request_id), [])


def _refusal_answer(refusal: Refusal, request_id: str) -> Answer:
    return Answer.of(refusal.status, refusal.body(request_id), refusal.headers)


def _objects_of(request: Request) -> set[str]:
    """Return the ids that a write touches, from its path and its body."""
    named = request.path + " " + request.body.decode("utf-8", "replace")
    return set(_OBJECT_ID.findall(named))


def _parameters(request: Request) -> Json:
    given: dict[str, Any] = params.decode_form(request.query)
    if not request.body:
        return given
    text = request.body.decode("utf-8", "replace")
    if not request.is_v2:
        return {**given, **params.decode_form(text)}
    try:
        body = json.loads(text)
    except ValueError as problem:
        raise Refusal(400, "Invalid JSON in the request body.") from problem
    if not isinstance(body, dict):
        raise Refusal(400, "The request body must be a JSON object.")
    return {**given, **body}
