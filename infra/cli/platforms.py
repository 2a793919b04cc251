"""`handsel platforms`: connect the doors through which posts are read.

A token is read from stdin, sealed, and never shown again.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer
from sqlalchemy import select

from infra.database import make_engine, make_sessions
from infra.platforms import keep_token
from infra.settings import get_settings
from infra.tables import Brand, Creator, PlatformToken
from infra.vault import Vault

app = typer.Typer(help="Connect the platforms that posts are read from.", no_args_is_help=True)
_WITH_TOKENS = ("instagram", "tiktok")


@app.command("connect")
def connect(
    platform: Annotated[str, typer.Argument(help="instagram (the brand's) or tiktok (a creator's)")],
    brand: Annotated[str, typer.Option(help="Id of the brand")],
    account: Annotated[str, typer.Option(help="Instagram: id of the brand's professional account")] = "",
    creator: Annotated[str, typer.Option(help="Id of the creator whose own token it is")] = "",
    expires: Annotated[str, typer.Option(help="Last moment, as 2026-12-31T23:59:59Z")] = "",
) -> None:
    """Keep a token, sealed, in the place of the one before: handsel platforms connect ... < token."""
    if platform not in _WITH_TOKENS:
        _refuse(f"platform: must be one of {', '.join(_WITH_TOKENS)}")
    token = sys.stdin.read().strip()
    if not token or len(token) > 4000 or not token.isprintable():
        _refuse("the token is read from stdin, one line")
    settings = get_settings()
    with make_sessions(make_engine(settings)).begin() as session:
        if session.get(Brand, brand) is None:
            _refuse("brand: there is none with this id")
        if (
            creator
            and session.scalar(select(Creator.id).where(Creator.id == creator, Creator.brand_id == brand))
            is None
        ):
            _refuse("creator: this brand has none with this id")
        keep_token(
            session,
            Vault(settings.vault_key),
            brand_id=brand,
            platform=platform,
            token=token,
            creator_id=creator or None,
            account=account,
            expires_at=_moment(expires),
        )
    typer.echo(f"{platform} is connected.")


@app.command("list")
def list_tokens() -> None:
    """Which doors are connected, and until when; never the tokens."""
    with make_sessions(make_engine(get_settings()))() as session:
        for row in session.scalars(select(PlatformToken).order_by(PlatformToken.id)):
            until = row.expires_at.isoformat() if row.expires_at else "no end"
            typer.echo(f"{row.platform}\t{row.brand_id}\t{row.creator_id or 'brand'}\t{until}")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        _refuse("expires: write it as 2026-12-31T23:59:59Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _refuse(sentence: str) -> NoReturn:
    typer.echo(f"Refused: {sentence}", err=True)
    raise typer.Exit(2)
