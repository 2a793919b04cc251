"""`handsel audit` and `handsel evidence` as people use them, with exit codes that a timer can act on."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, select, text

from domain import bundle_verifier
from domain.commands import ConfirmTransfer
from domain.ledger import payout_id
from infra.tables import Payout
from infra.vault import Vault
from tests.conftest import RunningStack
from tests.program import program
from tests.records.office import STRIPE, Office

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def office(office: Office, stack: RunningStack) -> Office:
    """An office with the vault of the stack, so that the program can open what it sealed."""
    office.vault = Vault(stack.variables["HANDSEL_VAULT_KEY"])
    return office


@pytest.fixture
def handsel(stack: RunningStack, own_database_url: str, tmp_path: Path) -> Run:
    own = {**stack.variables, "HANDSEL_DATABASE_URL": own_database_url}
    return lambda *words, **settings: program(own | settings, *words)


def _paid(office: Office) -> str:
    of = office.sent()
    office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of}"), STRIPE)
    with office.sessions() as session:
        return session.scalars(select(Payout.id).where(Payout.collaboration_id == of)).one()


def test_a_sound_log_a_root_and_a_cut_tail(
    office: Office, handsel: Run, owner: Engine, tmp_path: Path
) -> None:
    office.open()
    office.payable()
    root = handsel("audit", "root", office.brand_id, "--json")
    assert root.returncode == 0, root.stderr
    document = json.loads(root.stdout)
    assert document["public_key"] == handsel("audit", "key").stdout.split()[0]
    (tmp_path / "root.json").write_text(root.stdout)
    for against in ("store", str(tmp_path), str(tmp_path / "root.json")):
        good = handsel("audit", "verify", "--brand", office.brand_id, "--against", against)
        assert good.returncode == 0, good.stdout + good.stderr
        assert "All is as it was sealed." in good.stdout
        assert "against 1 roots" in good.stdout
    with owner.begin() as connection:
        for table in ("events", "audit_lines", "audit_roots"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM audit_roots"))
        last = "(SELECT max(sequence) FROM audit_lines)"
        connection.execute(text(f"DELETE FROM audit_lines WHERE sequence = {last}"))  # noqa: S608 - own words
    bad = handsel("audit", "verify", "--against", "store", "--brand", office.brand_id, "--json")
    assert bad.returncode == 1
    found = json.loads(bad.stdout)["problems"]
    assert document["sequence"] in {one["sequence"] for one in found}
    plain = handsel("audit", "verify")
    assert plain.returncode == 1
    assert "is in no line and not queued" in plain.stdout


def test_roots_that_are_none_or_nowhere_are_said_plainly(handsel: Run, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    for given, said in ((tmp_path / "x.json", "is not a root"), (tmp_path / "none", "there is no")):
        refused = handsel("audit", "verify", "--against", str(given))
        assert refused.returncode == 1
        assert said in refused.stderr
    nobody = handsel("audit", "root", "brand_x")
    assert nobody.returncode == 1
    assert "has no events" in nobody.stderr


def test_a_bundle_is_built_verified_offline_opened_and_exported_by_month(
    office: Office, handsel: Run, tmp_path: Path
) -> None:
    office.open()
    payout_id = _paid(office)
    built = handsel("evidence", "build", payout_id, "--out", str(tmp_path))
    assert built.returncode == 0, built.stderr
    file = tmp_path / f"{payout_id}-1.zip"
    offline = {"HANDSEL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HANDSEL_S3_ENDPOINT": ""}
    good = handsel("evidence", "verify", str(file), **offline)
    assert good.returncode == 0, good.stdout + good.stderr
    personal = tmp_path / "personal.json"
    assert handsel("evidence", "open", str(file), "--out", str(personal)).returncode == 0
    assert json.loads(personal.read_text())["consent"]["value"]["legal_name"] == "Ada Byron"
    assert personal.stat().st_mode & 0o077 == 0
    both = handsel("evidence", "verify", str(file), "--personal", str(personal))
    assert both.returncode == 0, both.stdout
    month = handsel(
        "evidence",
        "month",
        f"{office.clock:%Y-%m}",
        "--brand",
        office.brand_id,
        "--out",
        str(tmp_path),
        "--json",
    )
    assert [one["payout_id"] for one in json.loads(month.stdout)] == [payout_id]
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") - 4] ^= 1
    file.write_bytes(data)
    bad = handsel("evidence", "verify", str(file), "--json")
    assert bad.returncode == 1
    assert "verify.py" in {one["file"] for one in json.loads(bad.stdout)}


def test_what_cannot_be_built_is_said_plainly(handsel: Run, office: Office) -> None:
    office.open()
    nothing = handsel("evidence", "build", "payout_x")
    assert (nothing.returncode, nothing.stderr.strip()) == (1, "no such payout")
    month = handsel("evidence", "month", "spring", "--brand", office.brand_id)
    assert month.returncode == 1
    assert "is not a month" in month.stderr


def test_the_single_file_verifier_needs_nothing_but_python_3_9() -> None:
    source = Path(bundle_verifier.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    nodes = list(ast.walk(tree))
    imported = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    words = [sys.executable, "-I", bundle_verifier.__file__, os.devnull]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert "not a readable ZIP" in ran.stdout, ran.stderr


def test_another_installation_cannot_sign_for_this_one(office: Office, handsel: Run) -> None:
    office.open()
    office.invited()
    handsel("audit", "root", office.brand_id)
    stranger = handsel(
        "audit", "verify", "--brand", office.brand_id, "--against", "store",
        HANDSEL_VAULT_KEY=Fernet.generate_key().decode(),
    )  # fmt: skip
    assert stranger.returncode == 1
    assert "not of this installation" in stranger.stdout
