"""`handsel mail`: look at the e-mails without sending any."""

from pathlib import Path
from typing import Annotated

import typer

from activities.letters import render
from domain.notices import NoticeKind
from infra.cli.mail_samples import samples

app = typer.Typer(help="The e-mails that creators get.", no_args_is_help=True)


@app.callback()
def _mail() -> None:
    """The e-mails that creators get."""


@app.command()
def preview(
    out: Annotated[Path, typer.Option(help="Folder for the files; made when it is not there.")],
    kind: Annotated[list[NoticeKind] | None, typer.Option(help="Only this kind; may be repeated.")] = None,
) -> None:
    """Write every e-mail, for every type of campaign, as HTML and as plain text, with made-up data."""
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for one in kind or list(NoticeKind):
        for type_, context in samples(one):
            letter = render(one, context)
            name = f"{one}.{type_}"
            (out / f"{name}.html").write_text(letter.html, encoding="utf-8")
            (out / f"{name}.txt").write_text(f"Subject: {letter.subject}\n\n{letter.text}", encoding="utf-8")
            count += 1
    typer.echo(f"{count} e-mails in {out}")
