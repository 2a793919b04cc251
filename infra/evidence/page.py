"""The page of a bundle that a person reads and prints: one file, its own style, no script.

Rendered from the bundle's documents alone, so that the same documents give the same page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.money import Money, as_decimal

FOLDER: Final = Path(__file__).resolve().parents[2] / "templates" / "evidence"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"moment": _moment, "words": _words, "money": _money}
    return environment


def render_page(documents: dict[str, Any], terms: str, bundle: dict[str, Any]) -> bytes:
    """`index.html` of a bundle."""
    named = {name.removesuffix(".json"): document for name, document in documents.items()}
    page = (
        _environment()
        .get_template("index.html")
        .render(**named | {"terms": terms, "terms_row": documents["terms.json"], "bundle": bundle})
    )
    return page.encode()


def _moment(text: str | None) -> str:
    return "" if not text else f"{text[:10]} {text[11:19]} UTC"


def _words(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _money(amount: int, currency: str) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{as_decimal(Money(amount=abs(amount), currency=currency)):,f} {currency}"
