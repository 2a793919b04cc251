"""The doctor says what is wrong and how to mend it, when the thing is really broken."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from infra import doctor
from infra.doctor import Check, Finding, Patient
from infra.local.folder import StackFolder
from infra.local.part import is_setting
from infra.local.stack import Stack
from infra.settings import Settings, settings_from


def now() -> datetime:
    return datetime.now(UTC)


def found(check: Check, settings: Settings, folder: Path) -> list[Finding]:
    return list(check(Patient(settings, StackFolder(folder), now)))


def only(check: Check, settings: Settings, folder: Path) -> Finding:
    findings = found(check, settings, folder)
    assert len(findings) == 1, findings
    return findings[0]


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update=values)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    parts = ("postgres", "temporal", "objects", "mail", "stripe", "migrate")
    with Stack(tmp_path_factory.mktemp("doctor") / ".handsel", parts, environ={}) as stack:
        yield stack


@pytest.fixture
def own(healthy: Stack) -> Settings:
    return settings_from(healthy.env())


@pytest.fixture
def folder(healthy: Stack) -> Path:
    return healthy.folder.path


def program(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`handsel doctor` itself."""
    clean = {name: value for name, value in os.environ.items() if not is_setting(name)}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", "doctor", "--state-dir", str(folder), "--json"],
        capture_output=True,
        text=True,
        env=clean | variables,
    )


def test_a_healthy_stack_has_no_findings(folder: Path) -> None:
    answer = program(folder)
    assert (answer.returncode, json.loads(answer.stdout)) == (0, [])


def test_a_dead_database_makes_the_doctor_exit_with_1(folder: Path) -> None:
    url = "postgresql+psycopg://handsel:very-secret-word@127.0.0.1:1/handsel"
    answer = program(folder, HANDSEL_DATABASE_URL=url)
    wrong = [one for one in json.loads(answer.stdout) if one["weight"] == "wrong"]
    assert answer.returncode == 1
    assert [one["about"] for one in wrong] == ["PostgreSQL"]
    assert "127.0.0.1:1 does not answer" in wrong[0]["words"]
    assert "HANDSEL_DATABASE_URL" in wrong[0]["mend"]
    assert "very-secret-word" not in answer.stdout


def test_a_setting_that_cannot_be_read_is_named(folder: Path) -> None:
    answer = program(folder, HANDSEL_API_PORT="eighty")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)[0]["about"] == "HANDSEL_API_PORT"


@pytest.mark.parametrize(
    ("check", "field", "address", "setting"),
    [
        (doctor.temporal, "temporal_address", "127.0.0.1:1", "TEMPORAL_ADDRESS"),
        (doctor.objects, "s3_endpoint", "http://127.0.0.1:1", "HANDSEL_S3_ENDPOINT"),
        (doctor.mail, "smtp_url", "smtp://127.0.0.1:1", "HANDSEL_SMTP_URL"),
        (doctor.money, "stripe_api_base", "http://127.0.0.1:1", "STRIPE_API_BASE"),
    ],
)
def test_a_server_that_does_not_answer_is_named_with_its_setting(
    own: Settings, folder: Path, check: Check, field: str, address: str, setting: str
) -> None:
    finding = only(check, changed(own, **{field: address}), folder)
    assert "127.0.0.1:1 does not answer" in finding.words
    assert setting in finding.mend
    assert found(check, own, folder) == []


def test_wrong_keys_of_s3_are_told_from_a_dead_server(own: Settings, folder: Path) -> None:
    finding = only(doctor.objects, changed(own, s3_secret_key="wrong"), folder)
    assert "refuses the bucket handsel" in finding.words


def test_a_missing_migration(own: Settings, folder: Path) -> None:
    server = own.migration_url.replace("+psycopg", "").rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("create database empty_one")
    finding = only(doctor.database, changed(own, database_url=f"{server}/empty_one"), folder)
    assert "is at migration none" in finding.words
    assert "handsel migrate" in finding.mend


def test_a_database_of_a_newer_handsel(own: Settings, folder: Path) -> None:
    server, _, _ = own.migration_url.replace("+psycopg", "").rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("create database newer_one")
    with psycopg.connect(f"{server}/newer_one") as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('9999')")
    finding = only(doctor.database, changed(own, database_url=f"{server}/newer_one"), folder)
    assert "9999" in finding.words
    assert "newer" in finding.mend


@pytest.mark.parametrize(("hours", "word"), [(2, "ahead of"), (-2, "behind")])
def test_a_wrong_clock(own: Settings, folder: Path, hours: int, word: str) -> None:
    patient = Patient(own, StackFolder(folder), lambda: now() + timedelta(hours=hours))
    findings = list(doctor.clock(patient))
    assert {finding.weight for finding in findings} == {"wrong"}
    assert f"{word} the clock of PostgreSQL" in findings[0].words
    assert f"{word} the clock of S3" in findings[1].words
    assert found(doctor.clock, own, folder) == []


def test_a_part_that_does_not_run(healthy: Stack, own: Settings, folder: Path) -> None:
    healthy.kill("mail", down_for=3)
    while "mail" in StackFolder(folder).processes():
        pass
    finding = only(doctor.ports, own, folder)
    healthy.wait_for("mail")
    assert finding.about == "Mail"
    assert str(folder / "logs" / "mail.log") in finding.mend
    assert found(doctor.ports, own, folder) == []


def test_a_taken_port_is_told_with_its_owner(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        (tmp_path / "stack.json").write_text(json.dumps({"ports": {"mail.smtp": port}}))
        finding = only(doctor.ports, settings_from({}), tmp_path)
    assert (finding.about, finding.weight) == ("Mail", "note")
    assert f"port {port} is taken by" in finding.words
    assert str(os.getpid()) in finding.words


def test_a_mailbox_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"parts": ["mail"]}))
    (tmp_path / "mail").write_text("a file where a folder should be")
    finding = only(doctor.mailbox, settings_from({}), tmp_path)
    assert "cannot be written" in finding.words
    assert "folder" in finding.mend


def test_a_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".handsel").write_text("a file where a folder should be")
    findings = found(doctor.disk, settings_from({}), tmp_path / ".handsel")
    assert "cannot be written" in findings[-1].words


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/proc/mounts").exists(), reason="needs root to mount a small disk"
)
def test_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        with pytest.raises(OSError, match="No space left"):
            (folder / "filling").write_bytes(b"x" * 100_000)
        findings = found(doctor.disk, settings_from({}), folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert "0.0 GB left; the stack cannot work" in findings[0].words
    assert findings[0].weight == "wrong"
    assert "No space left on device" in findings[1].words


def test_data_of_another_postgres(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    finding = only(doctor.local_data, settings_from({}), tmp_path)
    assert "made by PostgreSQL 16; the installed server is 18" in finding.words


def test_a_package_of_another_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(doctor.PACKAGES, "temporalio", "9.")
    monkeypatch.setitem(doctor.PACKAGES, "no-such-package", "1.")
    findings = {one.about: one for one in found(doctor.versions, settings_from({}), tmp_path)}
    assert "Handsel needs 9.x" in findings["temporalio"].words
    assert "is not installed" in findings["no-such-package"].words
    assert findings["temporalio"].mend == "run `make setup`"


def test_servers_that_are_too_old(monkeypatch: pytest.MonkeyPatch, own: Settings, folder: Path) -> None:
    monkeypatch.setattr(doctor, "OLDEST_POSTGRES", 990_000)
    monkeypatch.setattr(doctor, "OLDEST_TEMPORAL", (9, 0))
    assert "is version 18" in found(doctor.database, own, folder)[0].words
    assert "is version 1." in only(doctor.temporal, own, folder).words


def test_secrets_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    path.chmod(0o644)
    finding = only(doctor.secrets_and_settings, settings_from({}), tmp_path)
    assert finding.mend == f"chmod 600 {path}"


def test_weak_secrets_are_named_and_never_shown(tmp_path: Path) -> None:
    settings = settings_from({"HANDSEL_MODE": "production", "HANDSEL_SECRET_KEY": "hunter2-hunter2"})
    findings = {one.about: one for one in found(doctor.secrets_and_settings, settings, tmp_path)}
    assert "is short" in findings["HANDSEL_SECRET_KEY"].words
    assert "hunter2" not in str(findings)


def test_a_stack_that_does_not_run_is_a_note_only(tmp_path: Path, folder: Path) -> None:
    asleep = tmp_path / ".handsel"
    asleep.mkdir()
    shutil.copy(folder / "env", asleep / "env")
    (asleep / "stack.json").write_text(json.dumps({"parts": ["postgres", "temporal", "objects", "mail"]}))
    answer = program(asleep)
    assert answer.returncode == 0
    assert [one["about"] for one in json.loads(answer.stdout)] == ["The local stack"]
