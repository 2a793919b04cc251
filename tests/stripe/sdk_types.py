"""Holds plain JSON against the annotations of the official SDK's classes.

A key that a class does not annotate, a missing one that is not Optional, or a value of another
type is a complaint. Enums are open in the SDK, so their values are left to the OpenAPI document.
"""

import importlib
import types
import typing
from functools import cache
from typing import Any

import stripe
import stripe.v2
import stripe.v2.core
from stripe.events._event_classes import get_v2_event_class

CLASSES: dict[str, Any] = {
    "account": stripe.Account,
    "account_link": stripe.AccountLink,
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "bank_account": stripe.BankAccount,
    "capability": stripe.Capability,
    "event": stripe.Event,
    "login_link": stripe.LoginLink,
    "payout": stripe.Payout,
    "topup": stripe.Topup,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "v2.core.account": stripe.v2.core.Account,
    "v2.core.account_link": stripe.v2.core.AccountLink,
    "v2.core.event": stripe.v2.core.Event,
    "v2.core.event_destination": stripe.v2.core.EventDestination,
}
# Only in events of some types, or merged in from deleted objects: not annotated as Optional.
SOMETIMES = {"v2.core.event": {"related_object", "data"}, "event": set()}


class _Names(dict[str, Any]):
    """Names of an annotation; those that the SDK imports for type checkers only are loaded on demand."""

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(stripe, name)
        except AttributeError as unknown:
            raise KeyError(name) from unknown


@cache
def _hints(cls: type) -> dict[str, Any]:
    module = importlib.import_module(cls.__module__)
    names = _Names({**vars(typing), **vars(module)})
    names |= {"ListObject": stripe.ListObject, "StripeObject": stripe.StripeObject}
    for owner in _enclosing(cls):
        names |= {n: v for n, v in vars(owner).items() if isinstance(v, type)}
    names |= {n: v for n, v in vars(cls).items() if isinstance(v, type)}
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, hint in vars(base).get("__annotations__", {}).items():
            if name.startswith("_") or "ClassVar" in str(hint):
                continue
            found[name] = _resolve(hint, names)
    return found


def _enclosing(cls: type) -> list[type]:
    owner: Any = importlib.import_module(cls.__module__)
    owners: list[type] = []
    for part in cls.__qualname__.split(".")[:-1]:
        owner = getattr(owner, part)
        owners.append(owner)
    return owners


def _resolve(hint: Any, names: _Names) -> Any:
    try:
        text = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
        if isinstance(text, str):
            return _resolve(eval(text, {}, names), names)  # noqa: S307 - the SDK's own text
    except NameError:
        return Any
    if typing.get_origin(hint) is not None:
        args = tuple(_resolve(a, names) if _is_type(a) else a for a in typing.get_args(hint))
        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            return typing.Union[args]  # noqa: UP007 - built from a tuple
        if origin is typing.Literal:
            return hint
        return hint.copy_with(args) if hasattr(hint, "copy_with") else hint
    return hint


def _is_type(arg: Any) -> bool:
    return not isinstance(arg, (str, int, bool, type(None))) or isinstance(arg, typing.ForwardRef)


def complaints(body: Any) -> list[str]:
    """Return where an answer, or each item of a list, leaves the SDK's types."""
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        return [c for item in body["data"] for c in complaints(item)]
    kind = body.get("object") if isinstance(body, dict) else None
    if body.get("deleted") or kind not in CLASSES or set(body) == {"id", "object"}:
        return []
    cls = CLASSES[kind] if kind != "v2.core.event" else get_v2_event_class(body["type"])
    return _object(cls, body, str(kind))


def _object(cls: type, body: dict[str, Any], where: str) -> list[str]:
    hints = _hints(cls)
    found = [f"{where}.{key} is not in {cls.__qualname__}" for key in body if key not in hints]
    skipped = SOMETIMES.get(str(body.get("object")), set())
    for name, hint in hints.items():
        if name in body:
            found += _value(hint, body[name], f"{where}.{name}")
        elif not _optional(hint) and name not in skipped and name != "deleted":
            found.append(f"{where}.{name} is missing")
    return found


def _optional(hint: Any) -> bool:
    return hint is Any or type(None) in typing.get_args(hint)


def _value(hint: Any, value: Any, where: str) -> list[str]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or origin is typing.Literal or isinstance(hint, typing.TypeVar):
        return []
    if origin in (typing.Union, types.UnionType):
        tried = [_value(arg, value, where) for arg in args]
        return [] if not all(tried) else min(tried, key=len)
    if hint is type(None):
        return [] if value is None else [f"{where} is not null"]
    if origin in (list, typing.List):  # noqa: UP006 - the SDK spells it so
        if not isinstance(value, list):
            return [f"{where} is not a list"]
        return [c for i, item in enumerate(value) for c in _value(args[0], item, f"{where}[{i}]")]
    if origin is stripe.ListObject:
        return [c for i, item in enumerate(value["data"]) for c in _value(args[0], item, f"{where}[{i}]")]
    if isinstance(hint, type) and issubclass(hint, (str, bool, int, float)):
        same = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
        return [] if same else [f"{where} is {type(value).__name__}, not {hint.__name__}"]
    if isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        if not isinstance(value, dict):
            return [f"{where} is not an object"]
        return [] if not _hints(hint) else _object(hint, value, where)
    return []
