"""Clawbacks, payments outside of Stripe, and their documents.

Adds tables and one column that may be empty; may run while Handsel serves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "payment_documents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_payment_documents_brand_id")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payment_documents_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_documents")),
    )
    op.create_index(op.f("ix_payment_documents_payout_id"), "payment_documents", ["payout_id"], unique=False)
    op.create_table(
        "off_platform_payments",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remark_id", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("decision_remark_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["payment_documents.id"], name=op.f("fk_off_platform_payments_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_off_platform_payments_payout_id")
        ),
        sa.ForeignKeyConstraint(
            ["remark_id"], ["remarks.id"], name=op.f("fk_off_platform_payments_remark_id")
        ),
        sa.ForeignKeyConstraint(
            ["decision_remark_id"], ["remarks.id"], name=op.f("fk_off_platform_payments_decision_remark_id")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_off_platform_payments")),
    )
    op.create_index(
        op.f("ix_off_platform_payments_payout_id"), "off_platform_payments", ["payout_id"], unique=False
    )
    op.create_table(
        "clawbacks",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark_id", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("decision_remark_id", sa.Text(), nullable=True),
        sa.Column("reversal_id", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_clawbacks_payout_id")),
        sa.ForeignKeyConstraint(["remark_id"], ["remarks.id"], name=op.f("fk_clawbacks_remark_id")),
        sa.ForeignKeyConstraint(
            ["decision_remark_id"], ["remarks.id"], name=op.f("fk_clawbacks_decision_remark_id")
        ),
        sa.PrimaryKeyConstraint("payout_id", "number", name=op.f("pk_clawbacks")),
        sa.UniqueConstraint("reversal_id", name=op.f("uq_clawbacks_reversal_id")),
    )
    op.add_column("payees", sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_documents "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )
    op.execute("ALTER TABLE payment_documents ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("payees", "ready_at")
    op.drop_table("clawbacks")
    op.drop_table("off_platform_payments")
    op.drop_table("payment_documents")
