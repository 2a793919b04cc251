"""The audit log: facts of all subjects, a queue that no committed event can miss, the chain, its roots.

Events that were written before this step are queued in it, in their order. The two triggers are what makes
the log complete: whoever inserts an event or a fact, by whatever program, queues it in the same transaction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("audit_facts", "audit_lines", "audit_roots")

_QUEUE_EVENTS = """
CREATE FUNCTION queue_events_for_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_queue (brand_id, collaboration_id, event_sequence)
    SELECT c.brand_id, a.collaboration_id, a.sequence
    FROM added a JOIN collaborations c ON c.id = a.collaboration_id
    ORDER BY a.collaboration_id, a.sequence;
    RETURN NULL;
END
$$
"""
_QUEUE_FACTS = """
CREATE FUNCTION queue_facts_for_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_queue (brand_id, fact_id) SELECT brand_id, id FROM added ORDER BY id;
    RETURN NULL;
END
$$
"""
_EARLIER = """
INSERT INTO audit_queue (brand_id, collaboration_id, event_sequence)
SELECT c.brand_id, e.collaboration_id, e.sequence
FROM events e JOIN collaborations c ON c.id = e.collaboration_id
ORDER BY e.at, e.collaboration_id, e.sequence
"""


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _tables()
    op.execute(_QUEUE_EVENTS)
    op.execute(_QUEUE_FACTS)
    for table, function in (("events", "queue_events_for_audit"), ("audit_facts", "queue_facts_for_audit")):
        op.execute(
            f"CREATE TRIGGER queue_for_audit AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
        # ALWAYS: not switched off by session_replication_role either.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER queue_for_audit")
    op.execute(_EARLIER)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def _tables() -> None:
    op.create_table(
        "audit_facts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_audit_facts_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_facts")),
    )
    op.create_index("ix_audit_facts_subject", "audit_facts", ["brand_id", "subject_kind", "subject_id", "id"])
    op.create_table(
        "audit_queue",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("event_sequence", sa.Integer(), nullable=True),
        sa.Column("fact_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(fact_id IS NULL) <> (collaboration_id IS NULL)", name=op.f("ck_audit_queue_one_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_queue")),
    )
    op.create_index("ix_audit_queue_brand_id_id", "audit_queue", ["brand_id", "id"])
    op.create_table(
        "audit_lines",
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("event_sequence", sa.Integer(), nullable=True),
        sa.Column("fact_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(fact_id IS NULL) <> (collaboration_id IS NULL)", name=op.f("ck_audit_lines_one_source")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_audit_lines_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "sequence", name=op.f("pk_audit_lines")),
        sa.UniqueConstraint(
            "collaboration_id", "event_sequence", name=op.f("uq_audit_lines_collaboration_id_event_sequence")
        ),
        sa.UniqueConstraint("fact_id", name=op.f("uq_audit_lines_fact_id")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_audit_heads_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_roots",
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_audit_roots_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "sequence", name=op.f("pk_audit_roots")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_roots_id")),
    )
    op.create_table(
        "audit_copies",
        sa.Column("root_id", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("root_id", name=op.f("pk_audit_copies")),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER queue_for_audit ON events")
    for table in (
        "audit_copies", "audit_roots", "audit_heads", "audit_lines", "audit_queue", "audit_facts"
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DROP FUNCTION queue_events_for_audit()")
    op.execute("DROP FUNCTION queue_facts_for_audit()")
