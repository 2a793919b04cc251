"""`handsel payout clawback`, `off-platform` and `reversal`: money that comes back, or goes another way.

One person asks and another decides; each is named with `--as` (`infra/cli/persons.py`). Amounts are typed as
they are written, in the payment's currency, and never rounded. Nothing is decided here.
"""

from __future__ import annotations

from decimal import InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from domain.money import from_major
from infra.cli.api import Api, console, fail
from infra.cli.persons import As, PayoutId, Reason, Remark, amount_text, as_person, decide, say_outcome

clawback = typer.Typer(help="Take back what was paid: ask, approve, refuse.", no_args_is_help=True)
off_platform = typer.Typer(help="Paid outside of Stripe, with a document.", no_args_is_help=True)
reversal = typer.Typer(help="What Stripe reversed by itself.", no_args_is_help=True)

Then = Annotated[
    str, typer.Option(help="keep: it is the campaign's again; pay_again: the creator gets it once more.")
]
_Number = Annotated[
    int | None, typer.Option(help="Which clawback of the payout; the newest where none is named.")
]
_MEDIA_TYPES: Final = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@clawback.command("ask")
def ask_clawback(
    payout_id: PayoutId,
    amount: Annotated[str, typer.Option(help="As it is written, in the payment's currency: 100.00.")],
    reason: Reason,
    remark: Annotated[str, typer.Option(help="In your own words; needed.")],
    who: As = "",
) -> None:
    """Ask to take back a part of what was transferred. Another person decides."""
    with as_person(who) as api:
        minor = _minor_units(amount, api.get(f"/payouts/{payout_id}")["currency"])
        body = {"amount": minor, "reason": reason, "remark": remark}
        say_outcome(api.post(f"/payouts/{payout_id}/clawback", body))


@clawback.command("approve")
def approve_clawback(payout_id: PayoutId, number: _Number = None, who: As = "") -> None:
    """Stripe is told to reverse so much of the transfer."""
    with as_person(who) as api:
        body = {"number": number or _newest(api, payout_id)["number"]}
        say_outcome(api.post(f"/payouts/{payout_id}/clawback/approve", body))


@clawback.command("refuse")
def refuse_clawback(
    payout_id: PayoutId, reason: Reason, number: _Number = None, remark: Remark = "", who: As = ""
) -> None:
    """Nothing is taken back."""
    with as_person(who) as api:
        body = {"number": number or _newest(api, payout_id)["number"], "reason": reason, "remark": remark}
        say_outcome(api.post(f"/payouts/{payout_id}/clawback/refuse", body))


@clawback.command("settle")
def settle_clawback(payout_id: PayoutId, reason: Reason, number: _Number = None, who: As = "") -> None:
    """Say that a clawback of unknown outcome was never made, after a look at Stripe."""
    with as_person(who) as api:
        of = api.get(f"/payouts/{payout_id}")["collaboration_id"]
        chosen = number or _newest(api, payout_id)["number"]
        body = {"number": chosen, "result": "refused", "reason": reason}
        say_outcome(api.post(f"/collaborations/{of}/commands/settle_clawback", body))


@clawback.command("list")
def list_clawbacks(payout_id: PayoutId) -> None:
    """Every clawback of one payment, and what came of it."""
    found = Api().get(f"/payouts/{payout_id}")
    for one in found["clawbacks"]:
        amount = amount_text(one | {"currency": found["currency"]})
        console.print(
            f"{one['number']}. {one['asked_at'][:16]} {amount} {one['state']} ({one['reason']}) "
            f"asked by {one['asked_by']} {one['failure_code']}".rstrip(),
            highlight=False,
            markup=False,
        )


@off_platform.command("record")
def record_off_platform(
    payout_id: PayoutId,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="PDF, JPEG or PNG, up to 10 MB."),
    ],
    method: Annotated[str, typer.Option(help="A short code: bank_transfer, paypal, cash.")],
    who: As = "",
    remark: Remark = "",
) -> None:
    """Report, with a document, that it was paid outside of Stripe. Another person decides."""
    media_type = _MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        fail(f"{file.name} is no PDF, JPEG or PNG file.", 2)
    with as_person(who) as api:
        path = f"/payouts/{payout_id}"
        document = api.post(f"{path}/documents", content=file.read_bytes(), media_type=media_type)
        console.print(f"{document['id']} {document['file_name']} {document['sha256']}", highlight=False)
        body = {"document_id": document["id"], "method": method, "remark": remark}
        say_outcome(api.post(f"{path}/off-platform", body))


@off_platform.command("approve")
def approve_off_platform(payout_id: PayoutId, who: As = "") -> None:
    """The payment is closed as paid elsewhere, and no transfer is ever made for it."""
    decide(who, f"/payouts/{payout_id}/off-platform/approve")


@off_platform.command("refuse")
def refuse_off_platform(payout_id: PayoutId, reason: Reason, who: As = "", remark: Remark = "") -> None:
    """It was not paid elsewhere; the payment goes on as before."""
    decide(who, f"/payouts/{payout_id}/off-platform/refuse", {"reason": reason, "remark": remark})


@reversal.command("settle")
def settle_reversal(
    payout_id: PayoutId, reason: Reason, then: Then = "keep", who: As = "", remark: Remark = ""
) -> None:
    """What Stripe reversed by itself belongs to the campaign again, or is paid to the creator once more."""
    given = {"then": then, "reason": reason, "remark": remark}
    decide(who, f"/payouts/{payout_id}/reversal/settle", given)


def _minor_units(typed: str, currency: str) -> int:
    try:
        return from_major(typed.replace(",", ""), currency).amount
    except (ValueError, InvalidOperation):
        fail(f"{typed!r} is no amount of {currency}; write it like 100.00, without the currency.", 2)


def _newest(api: Api, payout_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = api.get(f"/payouts/{payout_id}")["clawbacks"]
    if not found:
        fail("Nothing was asked back of this payment; see `handsel payout clawback ask`.")
    return max(found, key=lambda one: one["number"])
