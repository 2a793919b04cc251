"""Months that are closed, Stripe's rows beside ours, differences, and account codes.

A trigger refuses any entry that is dated in a closed month. It shares a lock with whoever closes one, so that
a posting is either in the totals of a month or dated after it. May run while Handsel serves.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Not an integrity error: a posting that met the closing of its month is simply tried again.
_FUNCTION = """
CREATE FUNCTION refuse_entry_of_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('period/' || NEW.brand_id, 0));
    IF EXISTS (
        SELECT FROM periods
        WHERE brand_id = NEW.brand_id AND state = 'closed' AND ends_at > NEW.at
    ) THEN
        RAISE EXCEPTION 'the month of this entry is closed'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Date it in the open month.';
    END IF;
    RETURN NEW;
END
$$
"""


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "periods",
        *_text("brand_id", "month", "zone"),
        _moment("starts_at"),
        _moment("ends_at"),
        *_text("state"),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *_text("digest"),
        _moment("changed_at"),
        *_text("changed_by", "reason"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_periods_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "month", name=op.f("pk_periods")),
    )
    op.create_table(
        "stripe_movements",
        *_text("id", "type", "category"),
        *_whole("amount", "fee", "net"),
        *_text("currency", "source", "transfer_group", "status"),
        _moment("created_at"),
        _moment("available_on"),
        _moment("copied_at"),
        *_text("matched_to"),
        _moment("matched_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_movements")),
    )
    op.create_index("ix_stripe_movements_source", "stripe_movements", ["source"])
    op.create_index("ix_stripe_movements_created_at", "stripe_movements", ["created_at", "id"])
    op.create_index(
        "ix_stripe_movements_unmatched", "stripe_movements", ["id"], postgresql_where="matched_at IS NULL"
    )
    op.create_table(
        "stripe_cursors",
        *_text("name", "newest_id", "oldest_id"),
        sa.Column("reached_begin", sa.Boolean(), nullable=False),
        _moment("complete_at", nullable=True),
        *_whole("rows"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stripe_cursors")),
    )
    op.create_table(
        "reconciliation_items",
        *_text("id", "brand_id", "list", "subject", "currency"),
        *_whole("our_amount", "their_amount", nullable=True),
        _moment("occurred_at"),
        _moment("first_seen_at"),
        _moment("last_seen_at"),
        *_text("state", "owner", "note", "reason"),
        _moment("ended_at", nullable=True),
        *_text("ended_by"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_reconciliation_items_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_items")),
    )
    op.create_index(
        "ix_reconciliation_items_brand_id_state_id", "reconciliation_items", ["brand_id", "state", "id"]
    )
    op.create_table(
        "account_codes",
        *_text("brand_id", "account", "code", "name"),
        _moment("changed_at"),
        *_text("changed_by"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_account_codes_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "account", name=op.f("pk_account_codes")),
    )
    op.execute(_FUNCTION)
    op.execute(
        "CREATE TRIGGER open_period BEFORE INSERT ON entries "
        "FOR EACH ROW EXECUTE FUNCTION refuse_entry_of_closed_period()"
    )
    # ALWAYS: not switched off by session_replication_role either.
    op.execute("ALTER TABLE entries ENABLE ALWAYS TRIGGER open_period")


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER open_period ON entries")
    op.execute("DROP FUNCTION refuse_entry_of_closed_period()")
    for table in ("account_codes", "reconciliation_items", "stripe_cursors", "stripe_movements", "periods"):
        op.drop_table(table)
