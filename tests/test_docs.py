"""The documents name what the code has: no stage, command, setting or route is added in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.command_table import COMMANDS
from domain.stages import STAGES, Attention
from infra.settings import Settings
from workflows import options

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text()


@pytest.mark.parametrize("stage", [stage.value for stage in STAGES])
def test_every_stage_is_documented(stage: str) -> None:
    assert f"| `{stage}` |" in text("product.md")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_documented_with_its_actors_stages_and_effect(name: str) -> None:
    rule = COMMANDS[name]
    actors = ", ".join(sorted(actor.value for actor in rule.actors))
    order = list(STAGES)
    stages = ", ".join(stage.value for stage in sorted(rule.stages, key=order.index))
    assert f"| `{name}` | {actors} | {stages} | {rule.effect} |" in text("product.md")


@pytest.mark.parametrize("reason", [reason.value for reason in Attention])
def test_every_attention_says_what_to_do(reason: str) -> None:
    assert f"| `{reason}` |" in text("product.md")


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_every_setting_is_documented(field: str) -> None:
    alias = Settings.model_fields[field].validation_alias
    choices = getattr(alias, "choices", [alias] if alias else [])
    names = [str(choice) for choice in choices if str(choice).isupper()] or [f"HANDSEL_{field.upper()}"]
    assert any(name in text("operations.md") for name in names)


def test_every_activity_option_is_documented() -> None:
    tables = [name for name in vars(options) if name.isupper() and isinstance(vars(options)[name], dict)]
    missing = [name for name in tables if f"`{name}`" not in text("operations.md")]
    assert missing == []


def test_links_inside_the_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "workflows" / "README.md", *DOCS.rglob("*.md")]
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in pages
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
