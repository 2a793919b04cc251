"""Every text of the console stands in its catalogue, is used, and can be found."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from typing import get_args

from api.console.access import DOORS
from api.console.home import NEEDS
from api.console.navigation import NAVIGATION
from api.console.staff_story import TOLD, words_of
from api.console.wording import catalogue, knows
from domain.ledger import EntryKind
from domain.sign_in import How, Result, Standing
from domain.stages import Attention

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates/console"


def code() -> str:
    files = [*(ROOT / "api/console").glob("*.py"), *TEMPLATES.glob("*.html")]
    return "\n".join(file.read_text() for file in files)


def test_everything_that_can_be_shown_has_its_words() -> None:
    wanted = [f"nav.{item.page}" for group in NAVIGATION for item in group.items]
    wanted += [f"nav.group.{group.name}" for group in NAVIGATION]
    wanted += [f"attention.{reason.value}" for reason in Attention]
    wanted += [f"sign_ins.by.{how.value}" for how in How]
    wanted += [f"sign_ins.result.{result.value}" for result in Result]
    passed = {Result.SIGNED_IN, Result.SIGNED_OUT, Result.ENDED}
    wanted += [f"sign_in.refused.{result.value}" for result in Result if result not in passed]
    wanted += [f"join.{standing.value}" for standing in Standing if standing is not Standing.OPEN]
    wanted += [
        f"done.{word}" for word in re.findall(r'view\.(?:go|let_in|let_out)\([^)]*, "(\w+)"\)', code())
    ]
    said = re.findall(r'_Said\(\s*"(\w+)"', (ROOT / "api/console/route.py").read_text())
    wanted += [f"problem.{name}.{part}" for name in said for part in ("heading", "text")]
    assert len(said) > 8
    assert [name for name in wanted if not knows(name)] == []
    assert DOORS
    assert NEEDS


def events_of_domain() -> set[str]:
    """Every event that a decision can write: given to `happen`, or to what passes it on to `happen`."""
    found: set[str] = set()
    for file in (ROOT / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
            if name in ("happen", "close", "_ask_person") and node.args:
                event = node.args[0 if name == "happen" else 1 :][:1]
                found |= {
                    one.value
                    for part in event
                    for one in ast.walk(part)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


def test_every_event_entry_and_fact_of_the_history_has_its_words() -> None:
    events = events_of_domain()
    assert {"withdrawn_by_brand", "disclosure_unsure", "transfer_sent", "payout_refused"} <= events
    assert [name for name in sorted(events) if not knows(f"story.{name}")] == []
    assert [kind for kind in get_args(EntryKind) if not knows(f"entry.{kind}")] == []
    assert [name for name in TOLD if not knows(f"story_fact.{name}")] == []
    assert [event for event in events if words_of(event) == event.replace("_", " ").capitalize()] == []


def test_texts_carry_no_markup_and_templates_no_texts() -> None:
    for name, text in catalogue().items():
        assert "<" not in text, name
        assert all(part[1] is None or part[1].isidentifier() for part in Formatter().parse(text)), name
    for file in TEMPLATES.glob("*.html"):
        bare = re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)
        bare = re.sub(r"\{[{%].*?[}%]\}", "", bare, flags=re.DOTALL)
        bare = re.sub(r"<code>handsel [a-z ]+</code>", "", bare)
        bare = re.sub(r"<[^>]*>|\s[a-z-]+=\"[^\"]*\"|&[a-z]+;", " ", bare)
        assert re.findall(r"[A-Za-z]{3,}", bare) == [], f"{file.name} has texts of its own"


def test_every_text_is_used() -> None:
    source = code()
    assert [name for name in catalogue() if not _used(name, source)] == []


def _used(name: str, source: str) -> bool:
    """By its whole name, or by a beginning to which a part is added: "attention." ~ reason."""
    if re.search(rf"[\"']{re.escape(name)}[\"']", source):
        return True
    parts = name.split(".")
    beginnings = [".".join(parts[:count]) + "." for count in range(1, len(parts))]
    return any(re.search(rf"[\"']{re.escape(start)}(?:[\"']|\{{)", source) for start in beginnings)
