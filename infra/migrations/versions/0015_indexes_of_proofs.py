"""Indexes for what is looked for again and again: payouts that were confirmed lately, forms with an address.

The tables are locked against writing while an index is made; on a large installation make it `CONCURRENTLY`
under the same name before this step, which then leaves it alone.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_payouts_confirmed_at", "payouts", ["confirmed_at"], if_not_exists=True)
    op.create_index(
        "ix_answers_address",
        "answers",
        ["id"],
        postgresql_where="address_purged_at IS NULL",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_answers_address", table_name="answers")
    op.drop_index("ix_payouts_confirmed_at", table_name="payouts")
