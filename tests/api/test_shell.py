"""The same from the shell: a brand, a campaign from its file, creators from theirs, and what became of it."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli import COMMANDS
from infra.cli.api import KEY_FILE, KEY_VARIABLE
from infra.settings import Settings
from tests.api.live import until, working
from tests.api.shell import Shell, shell_with
from tests.program import program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module", autouse=True)
def workers(settings: Settings) -> Iterator[None]:
    with working(settings):
        yield


@pytest.fixture
def shell(settings: Settings, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """`handsel ...` in a fresh state folder, over the running server."""
    for name, value in {
        "HANDSEL_MODE": "local",
        "HANDSEL_STATE_DIR": str(tmp_path / "state"),
        "HANDSEL_DATABASE_URL": settings.database_url,
        "HANDSEL_PUBLIC_URL": address,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return shell_with({})


def read(shell: Shell, *words: str | Path) -> Any:
    return json.loads(shell(*words, "--json").stdout)


def test_a_campaign_from_the_examples(shell: Shell, tmp_path: Path) -> None:
    made = read(shell, "brand", "create", "Lumen & Oak", "--owner-email", "olga@lumen.example")
    key_file = tmp_path / "state" / KEY_FILE
    assert json.loads(key_file.read_text())["key"] == made["key"]
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert read(shell, "brand", "show")["id"] == made["brand_id"]

    shell("product", "add", "--file", EXAMPLES / "products.yaml")
    assert read(shell, "product", "stock", "DUSK-OAK", "20")["stock"] == 20
    report = read(shell, "creators", "import", EXAMPLES / "creators.csv")
    assert (report["imported"], report["refused"], report["unknown_columns"]) == (40, 0, [])
    again = shell("creators", "import", EXAMPLES / "creators.csv", "--dry-run").stdout
    assert "0 of 40 rows would be imported, 40 refused" in again

    campaign = read(shell, "campaign", "create", EXAMPLES / "campaign.yaml")
    name = campaign["name"]
    assert "40 invited" in shell("campaign", "invite", name, "--all").stdout
    assert "draft" in shell("campaign", "list").stdout
    assert "live" in shell("campaign", "launch", name).stdout
    until(lambda: read(shell, "campaign", "status", name)["counts"] == {"invited": 40})

    rows = read(shell, "collaboration", "list", "--campaign", name, "--stage", "invited")
    assert len(rows) == 40
    shown = shell("collaboration", "show", rows[0]["id"]).stdout
    for words in ("invited", "The offer is out", "invitation_sent", "22000 USD", "SHA-256"):
        assert words in shown
    assert shell("shipment", "export", name).stdout.startswith("shipment_id,")
    assert "paused" in shell("campaign", "pause", name).stdout
    assert "wrong_status" in shell("campaign", "pause", name, ends=1).stderr
    assert "cancelled" in shell("campaign", "cancel", name).stdout


def test_a_list_of_whom_to_invite(shell: Shell, tmp_path: Path) -> None:
    shell("brand", "create", "Few", "--owner-email", "olga@lumen.example")
    shell("product", "add", "--file", EXAMPLES / "products.yaml")
    shell("creators", "import", EXAMPLES / "creators.csv")
    shell("campaign", "create", EXAMPLES / "campaign.yaml")
    chosen = tmp_path / "chosen.csv"
    chosen.write_text("email\nMaren.Holt@creators.example\nwren.castillo@creators.example\n")
    assert "2 invited" in shell("campaign", "invite", "Light for dark evenings", "--csv", chosen).stdout
    chosen.write_text("email\nnobody@creators.example\n")
    refused = shell("campaign", "invite", "Light for dark evenings", "--csv", chosen, ends=1)
    assert "line 2" in refused.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("currency: USD\nbudget", "currency: dollars\nbudget"), "line 4: currency"),
        (("type: gifting_paid", "type: gift"), "line 20: offer.type"),
        (("format: reel", "format: real"), "line 24: offer.deliverables.0.format"),
        (("needs_draft: true", "needs_draft: true\n  needs_drafts: true"), "policy.needs_drafts"),
        (("name: Light", "name: Lamp\nname: Light"), "line 4: name: stands twice"),
        (("brief:", "brief: ["), "line "),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(
    shell: Shell, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = (EXAMPLES / "campaign.yaml").read_text()
    assert change[0] in text
    broken = tmp_path / "campaign.yaml"
    broken.write_text(text.replace(*change))
    shell("brand", "create", "Few", "--owner-email", "olga@lumen.example")
    assert said in shell("campaign", "create", broken, ends=1).stderr
    assert read(shell, "campaign", "list") == []


def test_what_is_missing_is_said_in_plain_words(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "handsel brand create" in shell("campaign", "list", ends=1).stderr
    monkeypatch.setenv(KEY_VARIABLE, "hs_local_wrong")
    assert "wrong_key" in shell("campaign", "list", ends=1).stderr
    monkeypatch.setenv("HANDSEL_PUBLIC_URL", "http://127.0.0.1:9")
    assert "Nobody answers" in shell("campaign", "list", ends=1).stderr
    assert "cannot be read" in shell("creators", "import", tmp_path / "none.csv", ends=2).stderr
    mistaken = shell("brand", "create", "X", "--owner-email", "nobody", ends=1)
    assert "owner_email" in mistaken.stderr


def test_every_command_of_the_front_explains_itself() -> None:
    for name in ("brand", "product", "creators", "campaign", "collaboration", "shipment"):
        assert name in COMMANDS
        explained = program({}, name, "--help")
        assert explained.returncode == 0
        assert "Commands" in explained.stdout


def test_the_books_from_the_shell(shell: Shell, tmp_path: Path) -> None:
    """Stock, its value in the books, files of them, months and differences."""
    zone = ("--zone", "Europe/Berlin")
    shell("brand", "create", "Book & Keeper", "--owner-email", "olga@keeper.example", *zone)
    (made,) = read(shell, "product", "add", "Dusk lamp", "--sku", "DUSK", "--stock", "10", "--cost", "1450")
    account = f"variant:{made['variants'][0]['id']}:stock:USD"
    assert "145.00 USD" in shell("ledger", "balance", account).stdout
    assert "0.00 USD" in shell("ledger", "balance", account, "--at", "2020-01-31").stdout
    trial = read(shell, "ledger", "trial-balance", "--accounts")
    assert [line["balance"] for line in trial["items"]] == [14_500, -14_500]
    assert "together" in shell("ledger", "trial-balance").stdout
    shell("product", "stock", "DUSK", "8")
    statement = read(shell, "ledger", "statement", account, "--from", "2020-01-01")
    assert [line["balance"] for line in statement["items"]] == [14_500, 11_600]
    assert "closing" in shell("ledger", "statement", account).stdout
    file = tmp_path / "ledger.csv"
    assert "2 rows in" in shell("export", "ledger", "-o", file).stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "variant:stock" in shell("export", "journal", ends=1).stderr
    for kind, code in (("variant:stock", "1400"), ("world", "9999")):
        shell("export", "code", kind, code)
    journal = tmp_path / "journal.parquet"
    assert "4 rows in" in shell("export", "journal", "--format", "parquet", "-o", journal).stdout
    (month,) = read(shell, "period", "list")
    assert month["state"] == "open"
    assert "period_running" in shell("period", "show", month["month"]).stdout
    assert "needs_person" in shell("period", "close", month["month"], ends=1).stderr
    assert "compared up to" in shell("reconcile", "run").stdout
    assert "0 open." in shell("reconcile", "list").stdout
    assert "neither a day" in shell("ledger", "balance", account, "--at", "soon", ends=2).stderr
