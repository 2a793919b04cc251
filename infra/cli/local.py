"""`handsel local ...`: single parts of the local stack, for who wants one without the rest.

The words after the part's name go to the part as they are.
"""

import runpy
import sys

import typer

PARTS = {
    "mail": "SMTP into a folder, with a page that shows it.",
    "stripe": "The Stripe simulator.",
    "social": "The social network that hosts the posts.",
    "carrier": "The carrier that sends tracking events.",
}

app = typer.Typer(help="Single parts of the local stack.", no_args_is_help=True)


def _mount(name: str, help_text: str) -> None:
    @app.command(
        name,
        help=help_text,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def run(context: typer.Context) -> None:
        sys.argv = [f"handsel local {name}", *context.args]
        runpy.run_module(f"infra.local.{name}", run_name="__main__", alter_sys=True)


for _name, _help_text in PARTS.items():
    _mount(_name, _help_text)
