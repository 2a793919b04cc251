"""The e-mails that a creator gets from a collaboration: one kind each, at most one per step.

A kind is the name of its template. `MUTABLE` kinds stay silent when they were overtaken (a reminder after
the answer) or when the address is suppressed; the others concern a running agreement and are sent while
the address works.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from domain.stages import Stage


class NoticeKind(StrEnum):
    """What the e-mail is about."""

    INVITATION = "invitation"
    INVITATION_REMINDER = "invitation_reminder"
    WAITLISTED = "waitlisted"
    WAITLIST_CLOSED = "waitlist_closed"
    ACCEPTED = "accepted"
    ADDRESS_PROBLEM = "address_problem"
    ADDRESS_REMINDER = "address_reminder"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CONTENT_REMINDER = "content_reminder"
    PARCEL_REPORT_RECEIVED = "parcel_report_received"
    PARCEL_REPLACED = "parcel_replaced"
    PARCEL_RETURNED = "parcel_returned"
    PARCEL_EXCUSED = "parcel_excused"
    DRAFT_APPROVED = "draft_approved"
    CHANGES_REQUESTED = "changes_requested"
    EXTENSION_GRANTED = "extension_granted"
    EXTENSION_REFUSED = "extension_refused"
    DISCLOSURE_FIX = "disclosure_fix"
    POST_PROBLEM = "post_problem"
    PROOF_WANTED = "proof_wanted"
    POST_CHANGED = "post_changed"
    POST_ACCEPTED = "post_accepted"
    POST_REJECTED = "post_rejected"
    PAYMENT_SETUP = "payment_setup"
    PAID = "paid"
    TAIL_WITHHELD = "tail_withheld"
    BANK_PAYOUT_FAILED = "bank_payout_failed"
    WITHDRAWN = "withdrawn"
    CLOSED_NO_POST = "closed_no_post"
    FRESH_LINK = "fresh_link"


# A queued notice of these kinds is dropped when the collaboration has left these stages meanwhile.
ONLY_AT: Final[dict[NoticeKind, frozenset[Stage]]] = {
    NoticeKind.INVITATION: frozenset({Stage.INVITED}),
    NoticeKind.INVITATION_REMINDER: frozenset({Stage.INVITED}),
    NoticeKind.ADDRESS_REMINDER: frozenset({Stage.ACCEPTED}),
    NoticeKind.CONTENT_REMINDER: frozenset(
        {Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED, Stage.APPROVED}
    ),
    NoticeKind.DISCLOSURE_FIX: frozenset({Stage.DISCLOSURE_CHECK}),
    NoticeKind.POST_PROBLEM: frozenset({Stage.DISCLOSURE_CHECK}),
    NoticeKind.PROOF_WANTED: frozenset({Stage.DISCLOSURE_CHECK}),
    NoticeKind.PAYMENT_SETUP: frozenset({Stage.PAYABLE}),
}

# Kinds that an unsubscribed creator still gets: they answer something the creator did or is owed.
TRANSACTIONAL: Final = frozenset(NoticeKind) - {
    NoticeKind.INVITATION,
    NoticeKind.INVITATION_REMINDER,
    NoticeKind.CONTENT_REMINDER,
    NoticeKind.ADDRESS_REMINDER,
}
