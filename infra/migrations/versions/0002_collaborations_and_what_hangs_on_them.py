"""Collaborations and what hangs on them: offers, events, answers, parcels, content, checks, notices.

The second step of an empty database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("collaboration_id", "version", name=op.f("uq_offers_collaboration_id_version")),
    )
    op.create_index(op.f("ix_offers_collaboration_id"), "offers", ["collaboration_id"], unique=False)
    op.create_table(
        "shipment_events",
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("carrier", "external_id", name=op.f("pk_shipment_events")),
    )
    op.create_index(op.f("ix_shipment_events_shipment_id"), "shipment_events", ["shipment_id"], unique=False)
    op.create_table(
        "collaborations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attention", sa.Text(), nullable=True),
        sa.Column("attention_owner", sa.Text(), nullable=True),
        sa.Column("attention_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_collaborations_brand_id")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_collaborations_campaign_id")
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["creators.id"], name=op.f("fk_collaborations_creator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collaborations")),
        sa.UniqueConstraint(
            "campaign_id", "creator_id", name=op.f("uq_collaborations_campaign_id_creator_id")
        ),
    )
    op.create_index(
        "ix_collaborations_attention",
        "collaborations",
        ["brand_id", "attention_since"],
        unique=False,
        postgresql_where="attention IS NOT NULL",
    )
    op.create_index("ix_collaborations_brand_id_id", "collaborations", ["brand_id", "id"], unique=False)
    op.create_index("ix_collaborations_campaign_id_id", "collaborations", ["campaign_id", "id"], unique=False)
    op.create_index(
        "ix_collaborations_campaign_id_stage_id",
        "collaborations",
        ["campaign_id", "stage", "id"],
        unique=False,
    )
    op.create_index("ix_collaborations_creator_id", "collaborations", ["creator_id"], unique=False)
    op.create_table(
        "answers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=True),
        sa.Column("offer_sha256", sa.Text(), nullable=True),
        sa.Column("variant_id", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_answers_collaboration_id")
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["creators.id"], name=op.f("fk_answers_creator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_collaboration_id"), "answers", ["collaboration_id"], unique=False)
    op.create_table(
        "disclosure_checks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("input", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("input_sha256", sa.Text(), nullable=False),
        sa.Column("evidence_key", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_disclosure_checks_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_checks")),
    )
    op.create_index(
        op.f("ix_disclosure_checks_collaboration_id"), "disclosure_checks", ["collaboration_id"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_events_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("collaboration_id", "sequence", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_collaboration_id_request_id", "events", ["collaboration_id", "request_id"], unique=False
    )
    op.create_table(
        "gate_reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("gates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("all_pass", sa.Boolean(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_gate_reports_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_reports")),
    )
    op.create_index(
        op.f("ix_gate_reports_collaboration_id"), "gate_reports", ["collaboration_id"], unique=False
    )
    op.create_table(
        "links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser_digest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_links_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_collaboration_id"), "links", ["collaboration_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event_sequence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_notices_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "collaboration_id", "kind", "step", name=op.f("uq_notices_collaboration_id_kind_step")
        ),
    )
    op.create_index(
        "ix_notices_due",
        "notices",
        ["due_at"],
        unique=False,
        postgresql_where="state IN ('queued', 'sending')",
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("answer_id", sa.Text(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("tracking_url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_shipments_collaboration_id")
        ),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_shipments_variant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("collaboration_id", "number", name=op.f("uq_shipments_collaboration_id_number")),
    )
    op.create_index("ix_shipments_brand_id_state_id", "shipments", ["brand_id", "state", "id"], unique=False)
    op.create_index(op.f("ix_shipments_tracking_number"), "shipments", ["tracking_number"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("creator_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_submissions_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
    )
    op.create_index(
        op.f("ix_submissions_collaboration_id"), "submissions", ["collaboration_id"], unique=False
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_assets_collaboration_id")
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("fk_assets_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("key", name=op.f("uq_assets_key")),
    )
    op.create_index(op.f("ix_assets_collaboration_id"), "assets", ["collaboration_id"], unique=False)
    op.create_index(op.f("ix_assets_submission_id"), "assets", ["submission_id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("deliverable", sa.Integer(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_posts_collaboration_id")
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("fk_posts_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("submission_id", "deliverable", name=op.f("uq_posts_submission_id_deliverable")),
    )
    op.create_index(op.f("ix_posts_collaboration_id"), "posts", ["collaboration_id"], unique=False)
    op.create_index(op.f("ix_posts_url"), "posts", ["url"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_posts_url"), table_name="posts")
    op.drop_index(op.f("ix_posts_collaboration_id"), table_name="posts")
    op.drop_table("posts")
    op.drop_index(op.f("ix_assets_submission_id"), table_name="assets")
    op.drop_index(op.f("ix_assets_collaboration_id"), table_name="assets")
    op.drop_table("assets")
    op.drop_index(op.f("ix_submissions_collaboration_id"), table_name="submissions")
    op.drop_table("submissions")
    op.drop_index(op.f("ix_shipments_tracking_number"), table_name="shipments")
    op.drop_index("ix_shipments_brand_id_state_id", table_name="shipments")
    op.drop_table("shipments")
    op.drop_index("ix_notices_due", table_name="notices", postgresql_where="state IN ('queued', 'sending')")
    op.drop_table("notices")
    op.drop_index(op.f("ix_links_collaboration_id"), table_name="links")
    op.drop_table("links")
    op.drop_index(op.f("ix_gate_reports_collaboration_id"), table_name="gate_reports")
    op.drop_table("gate_reports")
    op.drop_index("ix_events_collaboration_id_request_id", table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_disclosure_checks_collaboration_id"), table_name="disclosure_checks")
    op.drop_table("disclosure_checks")
    op.drop_index(op.f("ix_answers_collaboration_id"), table_name="answers")
    op.drop_table("answers")
    op.drop_index("ix_collaborations_creator_id", table_name="collaborations")
    op.drop_index("ix_collaborations_campaign_id_stage_id", table_name="collaborations")
    op.drop_index("ix_collaborations_campaign_id_id", table_name="collaborations")
    op.drop_index("ix_collaborations_brand_id_id", table_name="collaborations")
    op.drop_index(
        "ix_collaborations_attention", table_name="collaborations", postgresql_where="attention IS NOT NULL"
    )
    op.drop_table("collaborations")
    op.drop_index(op.f("ix_shipment_events_shipment_id"), table_name="shipment_events")
    op.drop_table("shipment_events")
    op.drop_index(op.f("ix_offers_collaboration_id"), table_name="offers")
    op.drop_table("offers")
