"""Indexes for the list of payouts in the order of its pages, and for the sums above it.

The table is locked against writing while an index is made; on a large installation make them `CONCURRENTLY`
under the same names before this step, which then leaves them alone.
"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_payouts_brand_id_created_at_id": ["brand_id", "created_at", "id"],
    "ix_payouts_brand_id_state_created_at_id": ["brand_id", "state", "created_at", "id"],
}


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, columns in _INDEXES.items():
        op.create_index(name, "payouts", columns, if_not_exists=True)
    op.create_index(
        "ix_payouts_sums",
        "payouts",
        ["brand_id", "state", "currency"],
        postgresql_include=["amount"],
        if_not_exists=True,
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("ix_payouts_sums", *_INDEXES):
        op.drop_index(name, table_name="payouts")
