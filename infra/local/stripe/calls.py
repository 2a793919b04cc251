"""What an operation is given, and the table of operations.

An operation is a plain function that takes a `Call` and returns the body of its answer. It runs
inside one transaction; it must never wait, and it must reach the outside only by what it returns
and the events it records.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.stripe.params import Spec
from infra.local.stripe.store import Json, Record, Store


@dataclass
class Call:
    """One request that passed key, limits and parameters.

    `owner` is the account whose data it sees: the platform, or the one of `Stripe-Account`.
    """

    store: Store
    platform: str
    owner: str
    request_id: str
    base: str
    idempotency_key: str | None = None
    params: Json = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Simulated time in whole seconds."""
        return self.store.now()


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Operation:
    """One method and path of Stripe's API, its parameters and the function that answers."""

    method: str
    template: str
    spec: Spec
    handler: Handler | None
    pattern: re.Pattern[str]


OPERATIONS: list[Operation] = []


def operation(method: str, template: str, spec: Spec) -> Callable[[Handler], Handler]:
    """Register a function as the answer to a method and a path such as `/v1/transfers/{id}`."""

    def register(handler: Handler) -> Handler:
        OPERATIONS.append(Operation(method, template, spec, handler, _pattern(template)))
        return handler

    return register


def not_built(method: str, template: str) -> None:
    """Name an operation that Stripe has and the simulator answers with 501."""
    OPERATIONS.append(Operation(method, template, {}, None, _pattern(template)))


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template) + "$")


def route(method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    """Return the operation for a request and the values in its path, or None."""
    for known in OPERATIONS:
        if known.method == method and (match := known.pattern.match(path)):
            return known, match.groupdict()
    return None


def view(record: Record | None) -> Any:
    """Return what the API shows of a record."""
    return None if record is None else record.body
