"""The creator's own proof where a platform does not tell enough: a file kept with the live post.

It decides nothing; a person looks at it on the review page and accepts or rejects the post.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from api.pages.dossier import Dossier
from domain.proof import PROOF_NEEDED
from domain.stages import Stage
from domain.state import State
from infra.tables import Asset


def wanted(dossier: Dossier) -> bool:
    """Whether the newest look waits for a proof."""
    check = dossier.check
    return dossier.stage is Stage.DISCLOSURE_CHECK and check is not None and check.reason == PROOF_NEEDED


def given(dossier: Dossier) -> list[Asset]:
    """What was sent so far."""
    of = dossier.state.post_id
    return [one for one in dossier.assets if one.submission_id == of and one.state == "stored"]


def keep(session: Session, state: State, asset_ids: Sequence[str]) -> None:
    """Put stored files of this collaboration that belong nowhere yet to its live post."""
    session.execute(
        update(Asset)
        .where(
            Asset.collaboration_id == state.collaboration_id,
            Asset.id.in_(asset_ids),
            Asset.state == "stored",
            Asset.submission_id.is_(None),
        )
        .values(submission_id=state.post_id)
    )
