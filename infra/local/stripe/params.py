"""Parameters: decode the form's brackets, then hold the result against an operation's table.

An operation lists each parameter with a kind. What is not listed is `parameter_unknown`, what is
required and absent `parameter_missing`; nothing is coerced that Stripe would refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.local.stripe import errors

Parse = Callable[[str, Any], Any]
_PART = re.compile(r"\[([^\]]*)\]")
_INTEGER = re.compile(r"-?\d{1,15}$")
_CODES = """
    aed afn all amd aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf
    gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp
    lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr
    pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl
    thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar
    zmw
"""
CURRENCIES = frozenset(_CODES.split())


@dataclass(frozen=True)
class Field:
    """One parameter: how it is read, whether it must be there, whether JSON's null unsets it."""

    parse: Parse
    required: bool = False
    nullable: bool = False


Spec = Mapping[str, Field]


def must(field: Field) -> Field:
    """Make a parameter required."""
    return Field(field.parse, required=True)


def decode_form(text: str) -> dict[str, Any]:
    """Turn `a[b]=1&c[0]=x&d[]=y` into nested dicts; lists stay dicts keyed by position."""
    tree: dict[str, Any] = {}
    for raw, value in parse_qsl(text, keep_blank_values=True):
        head, _, _ = raw.partition("[")
        keys = [head, *_PART.findall(raw[len(head) :])]
        node = tree
        for place, key in enumerate(keys):
            name = key or str(len(node))
            if place == len(keys) - 1:
                if name in node and place == 0:
                    node[name] = _together(node[name], value)
                else:
                    node[name] = value
            else:
                inner = node.setdefault(name, {})
                if not isinstance(inner, dict):
                    raise errors.invalid(head, f"Invalid {'hash' if key else 'array'}: {head}")
                node = inner
    return tree


def _together(earlier: Any, value: str) -> dict[str, Any]:
    items = list(earlier.values()) if isinstance(earlier, dict) else [earlier]
    return {str(i): v for i, v in enumerate([*items, value])}


def check(raw: Mapping[str, Any], spec: Spec, prefix: str = "") -> dict[str, Any]:
    """Return the parameters read by their kinds, or raise the refusal that Stripe would give."""
    for name in raw:
        if name not in spec:
            raise errors.unknown_parameter(_join(prefix, name))
    read: dict[str, Any] = {}
    for name, field in spec.items():
        path = _join(prefix, name)
        if raw.get(name) is None:
            if field.required:
                raise errors.missing_parameter(path)
            if name in raw and field.nullable:
                read[name] = None
            continue
        if raw[name] == "" and field.required:
            raise errors.empty_parameter(path)
        read[name] = field.parse(path, raw[name])
    return read


def _join(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def text(limit: int = 5000) -> Field:
    """A string of at most `limit` characters."""

    def parse(path: str, raw: Any) -> str:
        if not isinstance(raw, str):
            raise errors.invalid(path, f"Invalid string: {raw}", "parameter_invalid_string")
        if len(raw) > limit:
            message = f"Invalid string: {raw[:20]}...; must be at most {limit} characters"
            raise errors.invalid(path, message, "parameter_invalid_string")
        return raw

    return Field(parse, nullable=True)


def integer(low: int | None = None, high: int | None = None) -> Field:
    """A whole number; `low` and `high` are inclusive."""

    def parse(path: str, raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, (str, int)) or not _INTEGER.match(str(raw)):
            raise errors.invalid(path, f"Invalid integer: {raw}", "parameter_invalid_integer")
        value = int(raw)
        if low is not None and value < low:
            message = f"This value must be greater than or equal to {low}."
            raise errors.invalid(path, message, "parameter_invalid_integer")
        if high is not None and value > high:
            message = f"This value must be less than or equal to {high}."
            raise errors.invalid(path, message, "parameter_invalid_integer")
        return value

    return Field(parse)


def boolean() -> Field:
    """`true` or `false`."""

    def parse(path: str, raw: Any) -> bool:
        if raw in (True, "true"):
            return True
        if raw in (False, "false"):
            return False
        raise errors.invalid(path, f"Invalid boolean: {raw}")

    return Field(parse)


def one_of(*values: str) -> Field:
    """One of a closed set of strings."""

    def parse(path: str, raw: Any) -> str:
        if raw not in values:
            allowed = ", ".join(values[:-1]) + f", or {values[-1]}" if values[1:] else values[0]
            raise errors.invalid(path, f"Invalid {path}: must be one of {allowed}")
        return str(raw)

    return Field(parse)


def currency() -> Field:
    """A three-letter currency code, answered in lower case."""

    def parse(path: str, raw: Any) -> str:
        value = str(raw).lower()
        if value not in CURRENCIES:
            raise errors.invalid(path, f"Invalid currency: {value}.")
        return value

    return Field(parse)


def items(of: Field) -> Field:
    """A list; in a form its keys are positions."""

    def parse(path: str, raw: Any) -> list[Any]:
        values = list(raw.values()) if isinstance(raw, dict) else raw
        if values == "":
            return []
        if not isinstance(values, list):
            raise errors.invalid(path, "Invalid array")
        return [of.parse(f"{path}[{i}]", v) for i, v in enumerate(values)]

    return Field(parse)


def group(spec: Spec) -> Field:
    """A nested hash with its own table."""

    def parse(path: str, raw: Any) -> Any:
        if raw == "":
            return None
        if not isinstance(raw, dict):
            raise errors.invalid(path, "Invalid object")
        return check(raw, spec, path)

    return Field(parse)


def either(first: Field, second: Field) -> Field:
    """A hash by the first kind, anything else by the second."""

    def parse(path: str, raw: Any) -> Any:
        return (first if isinstance(raw, dict) else second).parse(path, raw)

    return Field(parse)


def anything() -> Field:
    """A value that the simulator keeps as it came."""
    return Field(lambda _path, raw: raw, nullable=True)


def metadata() -> Field:
    """Stripe's metadata: 50 keys, key 40, value 500 characters, no square brackets in keys."""

    def parse(path: str, raw: Any) -> dict[str, str] | None:
        if raw == "":
            return None
        if not isinstance(raw, dict):
            raise errors.invalid(path, "Invalid object")
        for key, value in raw.items():
            if len(key) > 40:
                message = f"Metadata keys can be up to 40 characters long, '{key[:20]}...' is longer."
                raise errors.invalid(f"{path}[{key}]", message)
            if "[" in key or "]" in key:
                raise errors.invalid(path, "Metadata keys cannot contain square brackets.")
            if value is not None and (not isinstance(value, str) or len(value) > 500):
                message = "Metadata values can be up to 500 characters long."
                raise errors.invalid(f"{path}[{key}]", message)
        if len(raw) > 50:
            raise errors.invalid(path, "You can only have up to 50 metadata keys.")
        return dict(raw)

    return Field(parse, nullable=True)


def merge_metadata(old: dict[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata after an update: merged, an empty value unsets, all empty clears."""
    if "metadata" not in given:
        return old
    if given["metadata"] is None:
        return {}
    merged = {**old, **given["metadata"]}
    kept = {k: v for k, v in merged.items() if v not in ("", None)}
    if len(kept) > 50:
        raise errors.invalid("metadata", "You can only have up to 50 metadata keys.")
    return kept


def moment_range() -> Field:
    """A unix time, or a hash of gt, gte, lt, lte."""
    bounds = {name: integer() for name in ("gt", "gte", "lt", "lte")}
    return either(group(bounds), integer())


EXPAND: Spec = {"expand": items(text())}
PAGE: Spec = {
    **EXPAND,
    "limit": integer(1, 100),
    "starting_after": text(),
    "ending_before": text(),
}
