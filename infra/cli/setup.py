"""`handsel setup`: the first brand of an installation, from the shell or by the address of its page.

Safe to run twice and from two terminals at once: there is one first brand.
"""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from infra.cli.api import console, fail


def setup(
    brand: Annotated[str, typer.Option(help="Name of the brand; empty: print the set-up page.")] = "",
    owner_email: Annotated[str, typer.Option(help="E-mail address of the first owner.")] = "",
    owner_name: Annotated[str, typer.Option(help="Name of the first owner.")] = "Owner",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    sender_name: Annotated[str, typer.Option(help="Who e-mails are from; empty: the brand.")] = "",
    sender_email: Annotated[str, typer.Option(help="Sender of e-mails; empty: the owner.")] = "",
    postal_address: Annotated[str, typer.Option(help="Printed at the foot of e-mails.")] = "",
) -> None:
    """Set up this installation: make its first brand, or say where its page is."""
    from domain.errors import Refused
    from infra.brands import NewBrand
    from infra.database import make_sessions
    from infra.settings import get_settings
    from infra.setup import is_set_up, set_up, setup_address

    settings = get_settings()
    if not (settings.database_url and settings.secret_key):
        fail("HANDSEL_DATABASE_URL or HANDSEL_SECRET_KEY is not set; run `handsel up` or set it.", 2)
    sign_in = f"{settings.public_url.rstrip('/')}/console"
    with make_sessions(settings).begin() as session:
        if is_set_up(session):
            _say(f"This installation is set up already. Sign in: {sign_in}")
            return
        if not brand:
            _say("Open this page to set up (whoever has its address can):")
            _say(setup_address(settings))
            return
        try:
            new = NewBrand(
                name=brand,
                sender_name=sender_name or brand,
                sender_email=sender_email or owner_email,
                currency=currency,
                postal_address=postal_address,
                owner_name=owner_name,
                owner_email=owner_email,
            )
            made, owner = set_up(session, new)
        except ValidationError as error:
            fail("\n".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()))
        except Refused:
            _say(f"This installation was set up a moment ago. Sign in: {sign_in}")
            return
    _say(f"{made.name} is {made.id}. {owner.name} can sign in: {sign_in}")


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
