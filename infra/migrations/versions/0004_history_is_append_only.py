"""History is append-only: UPDATE, DELETE and TRUNCATE are refused by trigger, for the owner too.

The list of tables is written out here, since a step must mean the same in a year; a test compares it with
`infra.tables.APPEND_ONLY`. May run while Handsel serves.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    "events",
    "entries",
    "movements",
    "offers",
    "shipment_events",
    "disclosure_checks",
    "gate_reports",
)

_FUNCTION = """
CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Write a correcting row instead.';
END
$$
"""


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
        # ALWAYS: not switched off by session_replication_role either.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _TABLES:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change_of_history()")
