"""Erasure of creators: its record, addresses that go in time, and what append-only tables may forget.

Two append-only tables hold words that can name a person: what was seen of a post, and remarks of members. A
row of theirs may change in one way only: these columns become empty, once the creator's key is destroyed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_FORGETS = {
    "disclosure_checks": '{"input": [], "findings": []}',
    "remarks": '{"text": ""}',
}

_FUNCTION = """
CREATE FUNCTION allow_only_redaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) = to_jsonb(OLD) || TG_ARGV[0]::jsonb AND EXISTS (
        SELECT FROM collaborations c
        WHERE c.id = OLD.collaboration_id
            AND NOT EXISTS (SELECT FROM creator_keys k WHERE k.creator_id = c.creator_id)
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Only what names an erased creator may be emptied.';
END
$$
"""


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("certificate", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("certified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_erasures_brand_id")),
        sa.ForeignKeyConstraint(["creator_id"], ["creators.id"], name=op.f("fk_erasures_creator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("creator_id", name=op.f("uq_erasures_creator_id")),
    )
    op.create_index("ix_erasures_open", "erasures", ["id"], postgresql_where="swept_at IS NULL")
    op.add_column("answers", sa.Column("address_purged_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_FUNCTION)
    for table, blank in _FORGETS.items():
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OF id, collaboration_id OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
        op.execute(
            f"CREATE TRIGGER only_redaction BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION allow_only_redaction('{blank}')"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_redaction")


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _FORGETS:
        op.execute(f"DROP TRIGGER only_redaction ON {table}")
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
    op.execute("DROP FUNCTION allow_only_redaction()")
    op.drop_column("answers", "address_purged_at")
    op.drop_index("ix_erasures_open", table_name="erasures")
    op.drop_table("erasures")
