"""Ledger and payouts.

The third step of an empty database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("may_go_negative", sa.Boolean(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("may_go_negative OR balance >= 0", name=op.f("ck_accounts_covered")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reverses_id"], ["entries.id"], name=op.f("fk_entries_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("key", name=op.f("uq_entries_key")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_entries_reverses_id")),
    )
    op.create_index(op.f("ix_entries_collaboration_id"), "entries", ["collaboration_id"], unique=False)
    op.create_table(
        "movements",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_movements_positive")),
        sa.CheckConstraint("source <> destination", name=op.f("ck_movements_moves")),
        sa.ForeignKeyConstraint(["destination"], ["accounts.name"], name=op.f("fk_movements_destination")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_movements_entry_id")),
        sa.ForeignKeyConstraint(["source"], ["accounts.name"], name=op.f("fk_movements_source")),
        sa.PrimaryKeyConstraint("entry_id", "line", name=op.f("pk_movements")),
    )
    op.create_index("ix_movements_destination", "movements", ["destination"], unique=False)
    op.create_index("ix_movements_source", "movements", ["source"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_payouts_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("collaboration_id", name=op.f("uq_payouts_collaboration_id")),
    )
    op.create_index("ix_payouts_brand_id_state_id", "payouts", ["brand_id", "state", "id"], unique=False)
    op.create_table(
        "payout_attempts",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("gates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stripe_transfer_id", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_attempts_payout_id")),
        sa.PrimaryKeyConstraint("payout_id", "number", name=op.f("pk_payout_attempts")),
        sa.UniqueConstraint("stripe_transfer_id", name=op.f("uq_payout_attempts_stripe_transfer_id")),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("payout_attempts")
    op.drop_index("ix_payouts_brand_id_state_id", table_name="payouts")
    op.drop_table("payouts")
    op.drop_index("ix_movements_source", table_name="movements")
    op.drop_index("ix_movements_destination", table_name="movements")
    op.drop_table("movements")
    op.drop_index(op.f("ix_entries_collaboration_id"), table_name="entries")
    op.drop_table("entries")
    op.drop_table("accounts")
