"""`handsel evidence`: bundles that explain payouts, built here, verified anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.api import AsJson, console, fail, show_json
from infra.cli.serve import checked_settings

if TYPE_CHECKING:
    from infra.evidence.keep import Evidence

app = typer.Typer(help="Evidence bundles of payouts.", no_args_is_help=True)
Out = Annotated[Path, typer.Option(help="Folder that the files are written to.", file_okay=False)]


@app.callback()
def _evidence() -> None:
    """Evidence bundles of payouts."""


@contextmanager
def _evidence_room() -> Iterator[Evidence]:
    from infra.audit.signing import Signer
    from infra.database import make_engine, make_sessions
    from infra.evidence.keep import Evidence
    from infra.objects import ObjectStore
    from infra.vault import Vault

    settings = checked_settings()
    engine = make_engine(settings)
    try:
        yield Evidence(
            make_sessions(engine),
            Vault(settings.vault_key),
            ObjectStore(settings),
            Signer(settings.vault_keys),
        )
    finally:
        engine.dispose()


@app.command()
def build(
    payout: Annotated[str, typer.Argument(help="Which payout.")],
    out: Out = Path(),
) -> None:
    """Build the bundle of one payout as the record stands now, without waiting for the day's root."""
    from domain.errors import Refused

    with _evidence_room() as evidence:
        try:
            bundle = evidence.build(payout, datetime.now(UTC))
        except Refused as refused:
            fail(refused.message)
        path = _write(out, payout, bundle.number, evidence.content(bundle))
    console.print(f"{path}: {bundle.size:,} bytes, SHA-256 {bundle.sha256}", highlight=False, soft_wrap=True)


@app.command()
def month(
    month: Annotated[str, typer.Argument(help="For example 2026-11; by the day of the confirmation, UTC.")],
    brand: Annotated[str, typer.Option(help="Whose payouts.")],
    out: Out = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the bundles of every payout of a month; one that is there already stays as it is."""
    written: list[dict[str, Any]] = []
    with _evidence_room() as evidence:
        try:
            for bundle in evidence.month(brand, month, datetime.now(UTC)):
                path = _write(out, bundle.payout_id, bundle.number, evidence.content(bundle))
                written.append({"payout_id": bundle.payout_id, "file": str(path), "sha256": bundle.sha256})
        except ValueError:
            fail(f"{month!r} is not a month; write for example 2026-11")
    if as_json:
        show_json(written)
        return
    for one in written:
        console.print(f"{one['file']}  {one['sha256']}", highlight=False, soft_wrap=True)
    console.print(f"{len(written)} bundles.")


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle.", exists=True, dir_okay=False)],
    root: Annotated[
        Path | None, typer.Option(help="A root of the audit log that you keep.", exists=True)
    ] = None,
    personal: Annotated[
        Path | None, typer.Option(help="The personal annex that you were given.", exists=True)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle, offline; exits with 1 and names each file that differs."""
    from domain.bundle_verifier import verify as verify_bundle

    documents = [None if path is None else _document(path) for path in (root, personal)]
    problems = verify_bundle(bundle.read_bytes(), *documents)
    if as_json:
        show_json([{"file": name, "problem": what} for name, what in problems])
    else:
        for name, what in problems:
            console.print(f"[red]{name}[/red]: {what}", highlight=False, soft_wrap=True)
        console.print("Every file is as it was sealed." if not problems else f"{len(problems)} problems.")
    raise typer.Exit(1 if problems else 0)


@app.command("open")
def open_personal(
    bundle: Annotated[Path, typer.Argument(help="A bundle.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="File that the personal part is written to.", dir_okay=False)],
) -> None:
    """Open the personal part of a bundle, for who may see it; it is gone once the creator was erased."""
    from domain.bundle_verifier import verify as verify_bundle
    from domain.errors import Refused

    data = bundle.read_bytes()
    if problems := verify_bundle(data):
        fail(f"{problems[0][0]}: {problems[0][1]}")
    with _evidence_room() as evidence:
        try:
            parts = evidence.personal(data, _creator_of(data))
        except Refused as refused:
            fail(refused.message)
    out.write_text(json.dumps(parts, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    out.chmod(0o600)
    console.print(f"{out}: personal data, for who may see it", highlight=False, soft_wrap=True)


def _creator_of(data: bytes) -> str:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return str(json.loads(archive.read("facts.json"))["creator_id"])


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        fail(f"{path} is not JSON")


def _write(folder: Path, payout_id: str, number: int, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{payout_id}-{number}.zip"
    path.write_bytes(data)
    return path
