"""Approvals, holds and overrides; payouts by part; an attempt stands on its report by foreign key.

Adds columns that old rows can fill from what they have; may run while Handsel serves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("approval_rules", "remarks", "terms_authors", "payout_decisions", "gate_overrides")

_HOLD_STOPS_ATTEMPTS = """
CREATE FUNCTION refuse_attempt_while_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM payouts p JOIN payout_holds h ON h.collaboration_id = p.collaboration_id
        WHERE p.id = NEW.payout_id AND h.released_at IS NULL
    ) THEN
        RAISE EXCEPTION 'payout % is held', NEW.payout_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rules_and_remarks()
    _decisions()
    _parts_and_releases()
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
    op.execute(_HOLD_STOPS_ATTEMPTS)
    op.execute(
        "CREATE TRIGGER not_while_held BEFORE INSERT ON payout_attempts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_attempt_while_held()"
    )


def _rules_and_remarks() -> None:
    op.create_table(
        "approval_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_approval_rules_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_rules")),
        sa.UniqueConstraint("brand_id", "version", name=op.f("uq_approval_rules_brand_id_version")),
    )
    op.create_table(
        "remarks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_remarks_brand_id")),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_remarks_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remarks")),
    )
    op.create_index(op.f("ix_remarks_collaboration_id"), "remarks", ["collaboration_id"], unique=False)
    op.create_table(
        "terms_authors",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_terms_authors_brand_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_terms_authors_campaign_id")),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_terms_authors_collaboration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_authors")),
    )
    op.create_index("ix_terms_authors_campaign_id", "terms_authors", ["campaign_id"], unique=False)


def _decisions() -> None:
    op.create_table(
        "payout_decisions",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark_id", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_decisions_payout_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payout_decisions_member_id")),
        sa.ForeignKeyConstraint(["remark_id"], ["remarks.id"], name=op.f("fk_payout_decisions_remark_id")),
        sa.PrimaryKeyConstraint("payout_id", "round", "member_id", name=op.f("pk_payout_decisions")),
    )
    op.create_table(
        "payout_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=False),
        sa.Column("release_remark_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_payout_holds_brand_id")),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name=op.f("fk_payout_holds_collaboration_id")
        ),
        sa.ForeignKeyConstraint(["remark_id"], ["remarks.id"], name=op.f("fk_payout_holds_remark_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name=op.f("fk_payout_holds_owner_id")),
        sa.ForeignKeyConstraint(
            ["release_remark_id"], ["remarks.id"], name=op.f("fk_payout_holds_release_remark_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_holds")),
        sa.UniqueConstraint(
            "collaboration_id", "number", name=op.f("uq_payout_holds_collaboration_id_number")
        ),
    )
    op.create_index(
        "uq_payout_holds_open",
        "payout_holds",
        ["collaboration_id"],
        unique=True,
        postgresql_where="released_at IS NULL",
    )
    op.create_index("ix_payout_holds_brand_id_held_at", "payout_holds", ["brand_id", "held_at"], unique=False)
    op.create_table(
        "gate_overrides",
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark_id", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_gate_overrides_payout_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_gate_overrides_member_id")),
        sa.ForeignKeyConstraint(["remark_id"], ["remarks.id"], name=op.f("fk_gate_overrides_remark_id")),
        sa.PrimaryKeyConstraint("payout_id", "gate", name=op.f("pk_gate_overrides")),
    )


def _parts_and_releases() -> None:
    op.add_column("payouts", sa.Column("part", sa.Integer(), server_default="1", nullable=False))
    op.alter_column("payouts", "part", server_default=None)
    op.drop_constraint(op.f("uq_payouts_collaboration_id"), "payouts", type_="unique")
    op.create_unique_constraint(
        op.f("uq_payouts_collaboration_id_part"), "payouts", ["collaboration_id", "part"]
    )
    op.create_index("ix_payouts_creator_id", "payouts", ["creator_id"], unique=False)
    op.add_column("payees", sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True))
    # History refuses updates; the column is filled by its default instead, and old attempts are not checked.
    op.add_column("gate_reports", sa.Column("payout_id", sa.Text(), server_default="", nullable=False))
    op.alter_column("gate_reports", "payout_id", server_default=None)
    op.create_unique_constraint(
        "uq_gate_reports_release",
        "gate_reports",
        ["id", "payout_id", "all_pass", "amount", "currency", "destination"],
    )
    op.create_check_constraint(
        op.f("ck_gate_reports_all_pass_is_true"),
        "gate_reports",
        "NOT all_pass OR (jsonb_array_length(gates) > 0 AND NOT jsonb_path_exists("
        """gates, '$[*] ? (!(@.result == "pass" || @.result == "overridden"))'))""",
    )
    op.add_column(
        "payout_attempts",
        sa.Column("released", sa.Boolean(), sa.Computed("true", persisted=True), nullable=False),
    )
    op.create_foreign_key(
        "released_by_report",
        "payout_attempts",
        "gate_reports",
        ["report_id", "payout_id", "released", "amount", "currency", "destination"],
        ["id", "payout_id", "all_pass", "amount", "currency", "destination"],
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER not_while_held ON payout_attempts")
    op.execute("DROP FUNCTION refuse_attempt_while_held()")
    op.drop_constraint("released_by_report", "payout_attempts", type_="foreignkey")
    op.drop_column("payout_attempts", "released")
    op.drop_constraint(op.f("ck_gate_reports_all_pass_is_true"), "gate_reports", type_="check")
    op.drop_constraint("uq_gate_reports_release", "gate_reports", type_="unique")
    op.drop_column("gate_reports", "payout_id")
    op.drop_column("payees", "replaced_at")
    op.drop_index("ix_payouts_creator_id", table_name="payouts")
    op.drop_constraint(op.f("uq_payouts_collaboration_id_part"), "payouts", type_="unique")
    op.create_unique_constraint(op.f("uq_payouts_collaboration_id"), "payouts", ["collaboration_id"])
    op.drop_column("payouts", "part")
    for table in (
        "gate_overrides",
        "payout_holds",
        "payout_decisions",
        "terms_authors",
        "remarks",
        "approval_rules",
    ):
        op.drop_table(table)
