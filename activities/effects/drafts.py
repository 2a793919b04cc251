"""A draft is checked in the transaction that hands it in: advice for creator and brand, and no gate.

Only the text of the draft is judged; what its pictures show or say is not known. The check is kept like every
other, so that later rules can be tried on it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.effects.context import Context
from activities.looks import DRAFT_WITHOUT_TEXT, CheckOf, draft_looks, setting_of, store_check
from domain.ids import derived_id
from domain.offer import Offer
from domain.state import CheckDraft
from infra.tables import OfferRow, Submission


def check_draft(session: Session, effect: CheckDraft, context: Context) -> None:
    """Judge the text of the draft for every kind of piece that was agreed, and keep it."""
    state = context.before
    caption = session.scalar(select(Submission.caption).where(Submission.id == effect.submission_id)) or ""
    terms = session.scalar(select(OfferRow.terms).where(OfferRow.id == state.offer_id))
    agreed = Offer.model_validate(terms).deliverables
    pieces = list(dict.fromkeys((one.platform, one.format) for one in agreed))
    setting = setting_of(session, state.collaboration_id, effect.submission_id)
    of = CheckOf(
        id=derived_id("disclosure_check", state.collaboration_id, "draft", effect.submission_id),
        collaboration_id=state.collaboration_id,
        submission_id=effect.submission_id,
        kind="draft",
        number=context.after.drafts,
    )
    looks = draft_looks(setting, pieces, caption) if caption.strip() else [DRAFT_WITHOUT_TEXT]
    store_check(session, of, looks, at=context.change.at)
