"""Checks of drafts, of live posts and of the watch are told apart.

May run while Handsel serves: a column with a constant default is added without touching rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("disclosure_checks", sa.Column("kind", sa.Text(), nullable=False, server_default="live"))


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("disclosure_checks", "kind")
