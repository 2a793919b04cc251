"""People come in: codes by mail, sessions, the log of signing in, invitations of members, their mails.

New tables, and an index on the few members that there are. May run while Handsel serves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sign_in_codes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email_digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=True),
        sa.Column("browser_digest", sa.Text(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_codes")),
    )
    op.create_index(
        "ix_sign_in_codes_browser_digest_created_at",
        "sign_in_codes",
        ["browser_digest", "created_at"],
        unique=False,
    )
    op.create_index("ix_sign_in_codes_created_at", "sign_in_codes", ["created_at"], unique=False)
    op.create_index(
        "ix_sign_in_codes_email_digest_created_at",
        "sign_in_codes",
        ["email_digest", "created_at"],
        unique=False,
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=True),
        sa.Column("member_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index("ix_sign_ins_at", "sign_ins", ["at"], unique=False)
    op.create_index("ix_sign_ins_brand_id_id", "sign_ins", ["brand_id", "id"], unique=False)
    op.create_table(
        "staff_mails",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_mails")),
    )
    op.create_index(
        "ix_staff_mails_due", "staff_mails", ["due_at"], unique=False, postgresql_where="state = 'queued'"
    )
    op.create_table(
        "invitations_of_members",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("member_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_invitations_of_members_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations_of_members")),
    )
    op.create_index(
        "ix_invitations_of_members_brand_id_id", "invitations_of_members", ["brand_id", "id"], unique=False
    )
    op.create_index(
        "uq_invitations_of_members_open",
        "invitations_of_members",
        ["brand_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where="accepted_at IS NULL AND revoked_at IS NULL",
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_sessions_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    op.create_index("ix_sessions_member_id_created_at", "sessions", ["member_id", "created_at"], unique=False)
    op.create_index("ix_members_email", "members", [sa.literal_column("lower(email)")], unique=False)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_members_email", table_name="members")
    op.drop_index("ix_sessions_member_id_created_at", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "uq_invitations_of_members_open",
        table_name="invitations_of_members",
        postgresql_where="accepted_at IS NULL AND revoked_at IS NULL",
    )
    op.drop_index("ix_invitations_of_members_brand_id_id", table_name="invitations_of_members")
    op.drop_table("invitations_of_members")
    op.drop_index("ix_staff_mails_due", table_name="staff_mails", postgresql_where="state = 'queued'")
    op.drop_table("staff_mails")
    op.drop_index("ix_sign_ins_brand_id_id", table_name="sign_ins")
    op.drop_index("ix_sign_ins_at", table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_index("ix_sign_in_codes_email_digest_created_at", table_name="sign_in_codes")
    op.drop_index("ix_sign_in_codes_created_at", table_name="sign_in_codes")
    op.drop_index("ix_sign_in_codes_browser_digest_created_at", table_name="sign_in_codes")
    op.drop_table("sign_in_codes")
