"""Payout runs, their payments, and the paying balance as it was last seen.

Adds tables, and an index on `payout_attempts`, which is locked against writing while it is made; on a large
installation make it `CONCURRENTLY` under the same name before this step, which then leaves it alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "paying_balances",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("currency", name=op.f("pk_paying_balances")),
    )
    op.create_table(
        "payout_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_count", sa.Integer(), nullable=False),
        sa.Column("due_total", sa.BigInteger(), nullable=False),
        sa.Column("paid_count", sa.Integer(), nullable=False),
        sa.Column("paid_total", sa.BigInteger(), nullable=False),
        sa.Column("parked_count", sa.Integer(), nullable=False),
        sa.Column("shortage", sa.BigInteger(), nullable=False),
        sa.Column("balance_seen", sa.BigInteger(), nullable=True),
        sa.Column("balance_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'finished') = (ended_at IS NOT NULL)", name=op.f("ck_payout_runs_ends_once")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_payout_runs_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_runs")),
    )
    op.create_index("ix_payout_runs_brand_id_id", "payout_runs", ["brand_id", "id"])
    op.create_index(
        "uq_payout_runs_open",
        "payout_runs",
        ["brand_id", "currency"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "payout_run_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_run_items_payout_id")),
        sa.ForeignKeyConstraint(["run_id"], ["payout_runs.id"], name=op.f("fk_payout_run_items_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_run_items")),
    )
    op.create_index("ix_payout_run_items_run_id", "payout_run_items", ["run_id", "pay_by"])
    op.create_index(
        "ix_payout_run_items_line",
        "payout_run_items",
        ["currency", "due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_payout_run_items_waiting",
        "payout_run_items",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_payout_attempts_not_in_balance",
        "payout_attempts",
        ["currency", "finished_at", "opened_at"],
        if_not_exists=True,
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_payout_attempts_not_in_balance", table_name="payout_attempts")
    op.drop_table("payout_run_items")
    op.drop_table("payout_runs")
    op.drop_table("paying_balances")
