"""Deciding from the shell: as a named member, for whom a session is opened and ended again.

A key is never a person, so `--as` has to say who decides. The session is opened in the database of the
installation, and the sign-in log says that it came from a shell; where the database is out of reach, the
console is the place to decide, and the refusal says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.exc import OperationalError

from domain.errors import NotFound
from domain.money import Money, as_decimal
from infra.cli.api import Api, console, fail
from infra.cli.serve import checked_settings
from infra.database import make_engine, make_sessions
from infra.persons import act_as
from infra.sessions import end_session
from infra.settings import Settings

PayoutId = Annotated[str, typer.Argument(help="Id of the payout.")]
As = Annotated[str, typer.Option("--as", help="The member who decides: id or e-mail address. Needed.")]
Reason = Annotated[str, typer.Option(help="A short code, for example amount_unclear.")]
Remark = Annotated[str, typer.Option(help="In your own words.")]


@contextmanager
def as_person(who: str) -> Iterator[Api]:
    """The API as this member, for as long as the command runs. Ends the program when nobody is named."""
    settings = checked_settings()
    if not who.strip():
        fail(f"A person has to decide this, and an API key is none: say who with --as. {_or_there(settings)}")
    brand_id = str(Api(settings).get("/brand")["id"])
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    try:
        try:
            with sessions.begin() as session:
                opened = act_as(session, settings, brand_id, who, datetime.now(UTC))
        except NotFound as error:
            fail(f"{error.message}. {_or_there(settings)}")
        except OperationalError:
            fail(f"No session can be opened: this shell does not reach the database. {_or_there(settings)}")
        try:
            yield Api(settings, session=opened.secret)
        finally:
            with sessions.begin() as session:
                end_session(session, opened.session_id, datetime.now(UTC))
    finally:
        engine.dispose()


def decide(who: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Give one decision as this member, and say where the collaboration stands then."""
    with as_person(who) as api:
        say_outcome(api.post(path, body))


def say_outcome(outcome: dict[str, Any]) -> None:
    """What a decision came to."""
    console.print(f"{outcome['outcome']}; the collaboration is {outcome['stage']}.", highlight=False)


def amount_text(row: dict[str, Any]) -> str:
    """An amount with its currency, in major units."""
    amount = Money(amount=row["amount"], currency=row["currency"])
    return f"{as_decimal(amount):,f} {amount.currency}"


def _or_there(settings: Settings) -> str:
    return f"Or sign in to the console and decide there: {settings.public_url.rstrip('/')}/console/payouts"
