"""The program `handsel`: one entry point, subcommands in modules of their own.

Commands are listed here by name and loaded when they are called, so `handsel --help` answers at
once however much a command needs. A command must never be loaded to print the list.
"""

from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("infra.cli.up:up", "Start the local stack and stay; Ctrl-C ends it."),
    "down": ("infra.cli.up:down", "End the local stack that runs in this folder."),
    "demo": ("infra.cli.demo:demo", "Run a whole campaign on the local stack, in two minutes."),
    "doctor": ("infra.cli.doctor:doctor", "Say what is wrong here and how to mend it."),
    "serve": ("infra.cli.serve:serve", "Run the pages and the API."),
    "worker": ("infra.cli.serve:worker", "Run a Temporal worker of one queue."),
    "migrate": ("infra.cli.serve:migrate", "Bring the database to the newest schema."),
    "local": ("infra.cli.local:app", "Single parts of the local stack."),
    "setup": ("infra.cli.setup:setup", "Set up a fresh installation: its first brand and owner."),
    "brand": ("infra.cli.brand:app", "The brand of this installation."),
    "product": ("infra.cli.product:app", "Products and their stock."),
    "creators": ("infra.cli.creators:app", "Creators, one by one or from a file."),
    "creator": ("infra.cli.creator:app", "Erase a creator; after a restore, erase again."),
    "campaign": ("infra.cli.campaign:app", "Create, launch, watch and end campaigns."),
    "collaboration": ("infra.cli.collaboration:app", "One creator in one campaign."),
    "shipment": ("infra.cli.shipment:app", "Pick lists out, tracking in."),
    "payout": ("infra.cli.payout:app", "Payments: look, approve, hold, release."),
    "audit": ("infra.cli.audit:app", "Prove the audit log."),
    "ledger": ("infra.cli.ledger:app", "Read the books; prove them and the histories."),
    "reconcile": ("infra.cli.reconcile:app", "Stripe's rows beside ours, and what differs."),
    "export": ("infra.cli.export:app", "Files of the books, and account codes."),
    "period": ("infra.cli.period:app", "Months of the books: close one, open it again."),
    "evidence": ("infra.cli.evidence:app", "Bundles that explain payouts."),
    "disclosure": ("infra.cli.disclosure:app", "Check posts for honest disclosure."),
    "platforms": ("infra.cli.platforms:app", "Connect the platforms that posts are read from."),
    "mail": ("infra.cli.mail:app", "Look at the e-mails."),
}
"""Name to where it is (`module:name` of a function or of a `typer.Typer`) and one line of help."""


class LazyGroup(TyperGroup):
    """A group that knows its commands by `COMMANDS` and loads one when it is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # noqa: ARG002 - typer's context is click's
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override] # noqa: ARG002 - the same
        """A stand-in with the name and the line of help."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - types of typer's private click
        """The real command, loaded now."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest


def load(name: str) -> TyperCommand | TyperGroup:
    """Load the command called `name`."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command(name)(found)
        found = app
    command = typer.main.get_command(found)
    command.name = name
    return command  # type: ignore[return-value] # typer makes its own commands and groups


app = typer.Typer(
    cls=LazyGroup,
    name="handsel",
    help="Gifting and paid creator collaborations, from invitation to a proven payment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _program() -> None:
    """Gifting and paid creator collaborations, from invitation to a proven payment."""


def main() -> None:
    """Run the program."""
    app()
