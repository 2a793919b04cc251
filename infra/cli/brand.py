"""`handsel brand`: the tenant of this installation. Works on the database, since no key can exist before."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from infra.cli.api import KEY_FILE, Api, AsJson, console, fail, keep_key, show_json
from infra.settings import get_settings

app = typer.Typer(help="The brand.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the brand.")],
    owner_email: Annotated[str, typer.Option(help="E-mail address of the first owner.")],
    owner_name: Annotated[str, typer.Option(help="Name of the first owner.")] = "Owner",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    sender_name: Annotated[str, typer.Option(help="Who e-mails are from; empty: the brand.")] = "",
    sender_email: Annotated[str, typer.Option(help="Sender of e-mails; empty: the owner.")] = "",
    postal_address: Annotated[str, typer.Option(help="Printed at the foot of e-mails.")] = "",
    zone: Annotated[str, typer.Option(help="IANA time zone of the books' months.")] = "UTC",
    as_json: AsJson = False,
) -> None:
    """Make a brand with its first owner and first API key. The key is shown this once."""
    from infra.brands import NewBrand, found_brand
    from infra.database import make_sessions

    settings = get_settings()
    if not settings.database_url:
        fail("HANDSEL_DATABASE_URL is not set; run `handsel up` or set it.", 2)
    try:
        new = NewBrand(
            name=name,
            sender_name=sender_name or name,
            sender_email=sender_email or owner_email,
            currency=currency,
            postal_address=postal_address,
            zone=zone,
            owner_name=owner_name,
            owner_email=owner_email,
        )
    except ValidationError as error:
        fail("\n".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()))
    with make_sessions(settings).begin() as session:
        founded = found_brand(session, new, mode=settings.mode)
    secret = founded.key.secret
    path = keep_key(settings, founded.brand.id, new.name, secret)
    if as_json:
        show_json({"brand_id": founded.brand.id, "owner_id": founded.owner.id, "key": secret})
        return
    console.print(f"[bold]{new.name}[/] is {founded.brand.id}", highlight=False)
    console.print(f"API key (shown this once): [bold]{secret}[/]", highlight=False, soft_wrap=True)
    console.print(f"The shell keeps it in {path}.", highlight=False, soft_wrap=True)


@app.command()
def show(as_json: AsJson = False) -> None:
    """The brand that this shell works for."""
    brand = Api().get("/brand")
    if as_json:
        show_json(brand)
        return
    for field in ("id", "name", "sender_name", "sender_email", "currency", "postal_address", "zone"):
        console.print(f"{field:<16}{brand[field]}", highlight=False, markup=False)
    console.print(f"key file        {KEY_FILE}", highlight=False)
