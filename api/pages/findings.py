"""What the newest check of the live post found, as the creator has to know it: what to write, and where."""

from __future__ import annotations

from dataclasses import dataclass

from api.pages.dossier import Dossier
from api.pages.wording import knows, say
from domain.commands import CheckOutcome
from domain.stages import Stage


@dataclass(frozen=True)
class Fix:
    """One thing to change. `words` and `where` are empty when it is not the marking."""

    url: str
    text: str
    words: str
    where: str


def of(dossier: Dossier) -> list[Fix]:
    """What is to be changed now; empty when nothing is."""
    if dossier.check is None or dossier.stage is not Stage.DISCLOSURE_CHECK:
        return []
    wrong = [found for found in dossier.check.findings if found["outcome"] != CheckOutcome.PASS]
    return [_fix(found) for found in wrong]


def _fix(found: dict) -> Fix:  # type: ignore[type-arg] # JSON as it was stored
    change = (found.get("verdict") or {}).get("change")
    explanation = (found.get("verdict") or {}).get("explanation", "")
    if found["outcome"] == CheckOutcome.FAIL and change:
        text = " ".join(part for part in (explanation, change["sentence"]) if part)
        return Fix(found["url"], text, change["words"], change["where"])
    for name in (f"findings.{found['reason']}", f"findings.{found['outcome']}"):
        if knows(name):
            return Fix(found["url"], say(name), "", "")
    return Fix(found["url"], say("findings.other"), "", "")
