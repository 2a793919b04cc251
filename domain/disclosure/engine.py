"""Is this post honestly marked? One answer per jurisdiction, and the strictest of them for the post.

Pure and deterministic: the same input and packs give the same answer, to the letter. It reads no
clock, no network and no database, and it never passes a market that it has no rules for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from domain.disclosure.evidence import Found
from domain.disclosure.lexicons import languages, load_lexicon, read_data
from domain.disclosure.marks import DenialHit, Hit
from domain.disclosure.models import Change, CheckInput, Finding, Outcome, Reason, Verdict
from domain.disclosure.packs import Pack, fallback_pack, load_pack
from domain.disclosure.placement import platform_terms
from domain.disclosure.rules import SEVERITY, Ruling, rule_on

_LABEL_LENGTH = 120


def packs_for(check: CheckInput) -> dict[str, Pack]:
    """The packs that this package has for the jurisdictions of an input, or that stand in for theirs."""
    found = {code: load_pack(code) or fallback_pack(code) for code in check.jurisdictions}
    return {code: pack for code, pack in found.items() if pack is not None}


def check(post: CheckInput, packs: Mapping[str, Pack] | None = None) -> Verdict:
    """Judge a post under the packs given (by code), or under those of this package.

    Every jurisdiction of the post must pass; the strictest finding is the verdict. A jurisdiction
    without a pack is `needs_review` with reason `no_rule_pack`. Raises nothing on any valid input.
    """
    known = packs_for(post) if packs is None else packs
    codes = dict.fromkeys(post.jurisdictions)
    findings = tuple(_finding(post, code, known.get(code)) for code in codes)
    worst = max(findings, key=lambda finding: SEVERITY[finding.verdict])
    return Verdict(
        verdict=worst.verdict,
        reason=worst.reason,
        jurisdiction=worst.jurisdiction,
        rule=worst.rule,
        pack_version=worst.pack_version,
        explanation=worst.explanation,
        change=worst.change,
        evidence=worst.evidence,
        warnings=_warnings(post),
        findings=findings,
    )


def _finding(post: CheckInput, code: str, pack: Pack | None) -> Finding:
    if pack is None:
        return Finding(
            jurisdiction=code,
            verdict=Outcome.NEEDS_REVIEW,
            reason=Reason.NO_RULE_PACK,
            rule=f"{code}/none",
            pack_version=None,
            confidence="general",
            explanation=_messages()["explain"]["no_rule_pack"].format(jurisdiction=code),
            change=None,
            evidence=(),
        )
    found = Found(post, pack)
    ruling = rule_on(found)
    if pack.code != code and ruling.outcome is Outcome.PASS:
        ruling = replace(ruling, outcome=Outcome.NEEDS_REVIEW, reason=Reason.NO_RULE_PACK, message="stand_in")
    hit = ruling.hit
    return Finding(
        jurisdiction=code,
        verdict=ruling.outcome,
        reason=ruling.reason,
        rule=ruling.rule,
        pack_version=pack.version,
        confidence=ruling.confidence,
        explanation=_explanation(post, code, ruling),
        change=_change(post, pack, ruling, found),
        evidence=() if hit is None else (found.evidence(hit),),
    )


@lru_cache(maxsize=1)
def _messages() -> dict[str, Any]:
    file = resources.files("domain.disclosure").joinpath("messages", "en.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _advice_messages(language: str | None) -> dict[str, Any]:
    """What to change and where, in the language of the post where we have it, else in English."""
    own = None if language is None else read_data("messages", language)
    return own or _messages()


def _label(hit: Hit | DenialHit | None) -> str:
    if hit is None:
        return ""
    text = " ".join(hit.text.split())
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"


def _explanation(post: CheckInput, code: str, ruling: Ruling) -> str:
    template: str = _messages()["explain"][ruling.message]
    return template.format(
        label=_label(ruling.hit),
        why=ruling.why or _messages()["why"].get(ruling.kind, _messages()["why"]["other"]),
        brand=post.brand.name,
        jurisdiction=code,
    )


def _change(post: CheckInput, pack: Pack, ruling: Ruling, found: Found) -> Change | None:
    if ruling.outcome is Outcome.PASS:
        return None
    messages = _advice_messages(found.language)
    words = _words(post, pack, found)
    hit = ruling.hit
    kind = "default"
    if ruling.reason is Reason.DENIAL:
        kind = "denial"
    elif ruling.reason is Reason.WRONG_LANGUAGE:
        kind = "wrong_language"
    elif (
        isinstance(hit, Hit)
        and hit.rule.standing == "accepted"
        and found.column in hit.rule.columns
        and not hit.odd
        and ruling.reason in _MOVES
    ):
        kind, words = "move", _label(hit)
    where: str = messages["where"][post.format.value]
    sentence = messages["change"][kind].format(words=words, where=where, label=_label(hit))
    return Change(words=words, where=where, sentence=sentence)


_MOVES = frozenset({Reason.BELOW_FOLD, Reason.END_OF_CAPTION})


def _words(post: CheckInput, pack: Pack, found: Found) -> str:
    """The words to write: the pack's advice, or the plain word for advertising in the post's language."""
    language, file = found.language, pack.file
    texts = file.advice_in.get(language or "", file.advice)
    advice: str = getattr(texts, found.column)
    others_do = file.language.abroad_same is Outcome.PASS and language != file.language.own[0]
    if texts is file.advice and others_do and language in languages() and language != "en":
        return f"{load_lexicon(language).label}:"
    handle = post.brand.handles[0] if post.brand.handles else post.brand.name
    name = f"@{handle.lstrip('@')}" if post.brand.handles else handle
    return advice.replace("{brand}", name)


def _warnings(post: CheckInput) -> tuple[str, ...]:
    if post.platform_label is not False:
        return ()
    return _missing_platform_label(post.platform.value, post.relationship.value)


@lru_cache(maxsize=32)
def _missing_platform_label(platform: str, relationship: str) -> tuple[str, ...]:
    terms = platform_terms(platform)
    if relationship not in terms["asked_for"]:
        return ()
    text: str = _messages()["warnings"]["platform_label_missing"]
    return (text.format(platform=platform.title(), tool=terms["name"]),)
