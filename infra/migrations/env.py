"""How Alembic runs here: on the connection that `infra/migrate.py` opened, one transaction a step."""

from __future__ import annotations

from alembic import context

from infra.tables import Table


def run() -> None:
    """Run the asked migrations on the connection handed over. There is no other way to run them."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        include_object=context.config.attributes.get("include_object"),
    )
    with context.begin_transaction():
        context.run_migrations()


run()
