"""The commands that each workflow issues, read from its source in order.

A change of this list can break running workflows. `python -m tests.workflows.fingerprint` writes it anew;
do that only after gating the change by a dated patch (workflows/README.md) or when nothing runs yet.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASELINE = Path(__file__).with_name("fingerprints.json")
SOURCES = ("collaboration.py", "paying.py", "campaign.py", "pump.py", "watch.py", "reconciliation.py")
ISSUES_COMMANDS = {
    "execute_activity",
    "start_activity",
    "wait_condition",
    "sleep",
    "continue_as_new",
    "execute_child_workflow",
    "start_child_workflow",
    "patched",
    "upsert_search_attributes",
    "uuid4",
    "random",
}


def fingerprint(source: str) -> list[str]:
    """Each call that issues a command, as `function: call(first argument)`, in source order."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.extend(f"{node.name}: {line}" for line in _commands(node))
    return found


def _commands(function: ast.AST) -> list[str]:
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "workflow"
        and node.func.attr in ISSUES_COMMANDS
    ]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    return [_line(call) for call in calls]


def _line(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    first = ast.unparse(call.args[0]) if call.args else ""
    timed = "timeout" in [keyword.arg for keyword in call.keywords]
    return f"{call.func.attr}({first}{', timeout' if timed else ''})"


def current() -> dict[str, list[str]]:
    """Fingerprints of all workflow files as they are now."""
    return {name: fingerprint((ROOT / "workflows" / name).read_text()) for name in SOURCES}


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(current(), indent=2) + "\n")
