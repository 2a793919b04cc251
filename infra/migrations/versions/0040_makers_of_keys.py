"""Who made an API key: what the key does counts as done by that person, for four eyes and for money.

Keys that are there already get the maker that the audit log names; a key made by a key has that key's maker.
Keys from the shell were made by nobody, and stay so: who needs one that may close a month makes a new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None

_MAKERS = """
    WITH RECURSIVE made AS (
        SELECT DISTINCT ON (subject_id) subject_id AS key_id, actor_id AS maker
        FROM audit_facts WHERE subject_kind = 'api_key' AND event = 'key_created' ORDER BY subject_id, id
    ), by_whom AS (
        SELECT key_id, maker, 1 AS depth FROM made
        UNION ALL
        SELECT by_whom.key_id, made.maker, by_whom.depth + 1
        FROM by_whom JOIN made ON made.key_id = by_whom.maker WHERE by_whom.depth < 100
    )
    UPDATE api_keys SET made_by = members.id
    FROM by_whom JOIN members ON members.id = by_whom.maker
    WHERE by_whom.key_id = api_keys.id AND members.brand_id = api_keys.brand_id
"""


def upgrade() -> None:
    """Apply. A lock that is not free within five seconds fails the step instead of stopping everybody."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("api_keys", sa.Column("made_by", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_api_keys_made_by"), "api_keys", "members", ["made_by"], ["id"])
    op.create_index("ix_api_keys_made_by", "api_keys", ["made_by"])
    op.execute(_MAKERS)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_api_keys_made_by", table_name="api_keys")
    op.drop_constraint(op.f("fk_api_keys_made_by"), "api_keys", type_="foreignkey")
    op.drop_column("api_keys", "made_by")
