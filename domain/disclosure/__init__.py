"""The disclosure engine: is this post honestly marked, here, in this language, on this platform?

Use `check(CheckInput(...))`. It is pure and explainable; it is not legal advice, and it knows only what
the input says was seen. Rules are data: `packs/` per jurisdiction, `lexicons/` per language.
"""

from domain.disclosure.engine import check, packs_for
from domain.disclosure.models import (
    Brand,
    Change,
    CheckInput,
    Evidence,
    Finding,
    Outcome,
    Post,
    Reason,
    Relationship,
    Surface,
    Verdict,
    from_record,
    input_sha256,
)
from domain.disclosure.packs import Pack, available, load_pack
from domain.offer import Format, Platform

__all__ = [
    "Brand",
    "Change",
    "CheckInput",
    "Evidence",
    "Finding",
    "Format",
    "Outcome",
    "Pack",
    "Platform",
    "Post",
    "Reason",
    "Relationship",
    "Surface",
    "Verdict",
    "available",
    "check",
    "from_record",
    "input_sha256",
    "load_pack",
    "packs_for",
]
