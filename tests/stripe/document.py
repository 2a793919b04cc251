"""Stripe's OpenAPI document, read strictly: a property that it does not list fails.

The document is not part of the project. Where it is absent, `DOCUMENT` is None and the tests that
need it are skipped by name.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

PATH = Path(__file__).resolve().parents[3] / "shared" / "stripe" / "openapi-connect.json"
DOCUMENT: dict[str, Any] | None = json.loads(PATH.read_text()) if PATH.exists() else None


def _strict(schema: Any) -> Any:
    """Return the schema in JSON Schema 2020: closed where it lists properties, nullable as a type."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties":
            out[name] = {key: _strict(inner) for key, inner in value.items()}
        elif name == "$ref":
            out[name] = "#/$defs/" + value.rsplit("/", 1)[-1]
        elif name in ("items", "anyOf", "allOf", "oneOf"):
            out[name] = _strict(value)
        elif name == "additionalProperties":
            out[name] = _strict(value) if value != {} else True
        elif name in ("type", "enum", "required", "maxLength"):
            out[name] = value
    if "properties" in schema and "additionalProperties" not in schema:
        out["additionalProperties"] = False
    return _or_null(out) if schema.get("nullable") else out


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


@cache
def _definitions() -> dict[str, Any]:
    assert DOCUMENT is not None
    return {name: _strict(s) for name, s in DOCUMENT["components"]["schemas"].items()}


@cache
def _validator(key: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(key), "$defs": _definitions()})


def _complaints(schema: dict[str, Any], body: Any) -> list[str]:
    found = _validator(json.dumps(schema)).iter_errors(body)
    return [f"{'/'.join(map(str, e.absolute_path))}: {_deepest(e)}" for e in found]


def _deepest(error: Any) -> str:
    while error.context:
        error = max(error.context, key=lambda e: len(e.absolute_path))
    return str(error.message)[:300]


def operations() -> list[tuple[str, str]]:
    """Return every (method, path) of the document."""
    assert DOCUMENT is not None
    verbs = ("get", "post", "delete")
    return [(v.upper(), p) for p, item in DOCUMENT["paths"].items() for v in verbs if v in item]


@cache
def operation_of(method: str, path: str) -> str | None:
    """Return the document's path for a request path, the most literal one first."""
    assert DOCUMENT is not None
    for template in sorted(DOCUMENT["paths"], key=lambda t: t.count("{")):
        pattern = re.sub(r"{\w+}", "[^/]+", template) + "$"
        if method.lower() in DOCUMENT["paths"][template] and re.match(pattern, path):
            return str(template)
    return None


def complaints(method: str, path: str, status: int, body: dict[str, Any]) -> list[str]:
    """Return where an answer leaves the document, empty if nowhere."""
    if DOCUMENT is None:
        return []
    template = operation_of(method, path)
    if template is None:
        return [] if status in (404, 401) else [f"{method} {path} is not in the document"]
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    chosen = responses["200" if status == 200 else "default"]
    schema = chosen["content"]["application/json"]["schema"]
    if "x-trimmed" in schema and status == 200:
        return _complaints({"$ref": f"#/$defs/{body['object']}"}, body)
    return _complaints(_strict(schema), body) + _inside_events(body)


def _inside_events(body: dict[str, Any]) -> list[str]:
    """Check the snapshot of each event against the schema that its own `object` names."""
    found: list[str] = []
    for event in [body, *body.get("data", [])] if isinstance(body.get("data"), list) else [body]:
        if isinstance(event, dict) and event.get("object") == "event":
            obj = event["data"]["object"]
            name = obj.get("object", "")
            if name in _definitions():
                found += [f"{event['type']} {c}" for c in _complaints({"$ref": f"#/$defs/{name}"}, obj)]
    return found
