"""Who may import whom, and what may never be called where: the rules of docs/architecture.md, checked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("domain", "workflows", "activities", "api", "infra")
VENDORS = {"stripe", "boto3", "botocore", "smtplib", "httpx"}

# folder -> what it may import of our own folders
ALLOWED = {
    "domain": {"domain"},
    "workflows": {"workflows", "domain", "activities"},
    "activities": {"activities", "domain", "infra", "workflows"},
    "api": {"api", "domain", "infra", "workflows", "activities"},
    "infra": {"infra", "domain", "workflows", "activities", "api"},
}
# The few modules of another folder that may be imported, where the folder as a whole may not.
ONLY = {
    ("workflows", "activities"): {"activities.contracts"},
    ("activities", "workflows"): {"workflows.messages", "workflows.refusals"},
    ("api", "workflows"): {"workflows.messages", "workflows.refusals"},
}
# `handsel serve` names the application for uvicorn; nothing else of ours may import the front.
MAY_NAME_API = {"infra/cli/serve.py"}

BANNED_CALLS = {
    "datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic", "uuid.uuid4",
    "uuid.uuid1", "uuid4", "random.random", "random.choice", "random.randint", "secrets.token_hex",
    "os.urandom", "asyncio.wait", "asyncio.as_completed", "asyncio.sleep",
}  # fmt: skip


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def ours(folder: str) -> list[tuple[Path, str]]:
    return [
        (path, name) for path in sources(folder) for name in imports(path) if name.split(".")[0] in FOLDERS
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_import_only_what_they_may(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, name in ours(folder)
        if name.split(".")[0] not in ALLOWED[folder]
    ]
    assert wrong == []


@pytest.mark.parametrize(("folder", "other"), sorted(ONLY))
def test_only_named_modules_cross(folder: str, other: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, name in ours(folder)
        if name.split(".")[0] == other and name not in ONLY[folder, other]
    ]
    assert wrong == []


def test_nothing_imports_the_front() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for folder in ("domain", "workflows", "activities", "infra")
        for path, name in ours(folder)
        if name.split(".")[0] == "api" and str(path.relative_to(ROOT)) not in MAY_NAME_API
    ]
    assert wrong == []


def test_domain_is_pure() -> None:
    outside = {"sqlalchemy", "temporalio", "fastapi", "structlog", "typer", "rich", *VENDORS}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("domain")
        for name in imports(path)
        if name.split(".")[0] in outside
    ]
    assert wrong == []


def test_vendor_libraries_stay_in_adapters() -> None:
    at_home = (
        "activities/adapters/",
        "infra/local/",
        "infra/demo/",
        "infra/cli/",
        "infra/objects.py",
        "infra/doctor",
    )
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in ("activities", "api", "infra")
        for path in sources(folder)
        for name in imports(path)
        if name.split(".")[0] in VENDORS and not str(path.relative_to(ROOT)).startswith(at_home)
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["domain", "workflows"])
def test_no_clock_and_no_dice(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {ast.unparse(node.func)}"
        for path in sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BANNED_CALLS
    ]
    assert wrong == []


def test_workflows_import_through_the_sandbox_block() -> None:
    wrong = []
    for path in sources("workflows"):
        if "@workflow.defn" not in path.read_text():
            continue
        for node in ast.parse(path.read_text()).body:
            module = getattr(node, "module", None) if isinstance(node, ast.ImportFrom) else None
            if module and module.split(".")[0] in FOLDERS:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {module} outside the block")
    assert wrong == []


def test_no_floats_near_money() -> None:
    files = ["domain/money.py", "domain/ledger.py", "activities/ledger.py", "infra/tables/money.py"]
    wrong = []
    for name in files:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_call = isinstance(node, ast.Name) and node.id in ("float", "Float")
            if is_float or is_call or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
                wrong.append(f"{name}:{node.lineno}")
    assert wrong == []
