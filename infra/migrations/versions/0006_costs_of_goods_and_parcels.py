"""Goods at cost, freight and duty, the order of entries, and the zone of a brand's months.

May run while Handsel serves; `entries` is written anew once, for its numbers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("brands", sa.Column("zone", sa.Text(), server_default="UTC", nullable=False))
    op.add_column("shipments", sa.Column("cost_amount", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("shipments", sa.Column("cost_currency", sa.Text(), server_default="", nullable=False))
    op.execute(
        "UPDATE shipments SET cost_currency = b.currency FROM brands b WHERE b.id = shipments.brand_id"
    )
    op.add_column("entries", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint(op.f("uq_entries_number"), "entries", ["number"])
    op.create_index("ix_entries_brand_id_at", "entries", ["brand_id", "at", "number"], unique=False)
    op.create_table(
        "shipment_costs",
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("sort", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_costs_shipment_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", "sort", name=op.f("pk_shipment_costs")),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("shipment_costs")
    op.drop_index("ix_entries_brand_id_at", table_name="entries")
    op.drop_constraint(op.f("uq_entries_number"), "entries", type_="unique")
    op.drop_column("entries", "number")
    op.drop_column("shipments", "cost_currency")
    op.drop_column("shipments", "cost_amount")
    op.drop_column("brands", "zone")
