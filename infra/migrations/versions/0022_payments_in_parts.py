"""What each payment is for: the fee, a tail of it, a late fee, or what came back and is paid again.

Adds two columns, one with a constant default and one that may be empty; may run while Handsel serves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("payouts", sa.Column("kind", sa.Text(), server_default="fee", nullable=False))
    op.alter_column("payouts", "kind", server_default=None)
    op.add_column("payouts", sa.Column("of_part", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("payouts", "of_part")
    op.drop_column("payouts", "kind")
