"""Documents of payments outside of Stripe, downloaded as they were uploaded.

They are bank statements and receipts: for who decides about payments, never shown in the page, and never
given out when the stored bytes are not those that were recorded.
"""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import select

from api.auth import own
from api.console.frame import ViewOf
from api.console.route import console_router
from api.payment_documents import MEDIA_TYPES, Files, document_bytes
from domain.errors import NotFound
from infra.tables import PaymentDocument, Payout

router = console_router()


@router.get("/payouts/{payout_id}/documents/{document_id}")
def document_file(payout_id: str, document_id: str, view: ViewOf) -> Response:
    """The bytes of one document, to be saved and not to be shown."""
    own(view.session, view.person, Payout, payout_id)
    kept = view.session.scalar(
        select(PaymentDocument).where(
            PaymentDocument.id == document_id, PaymentDocument.payout_id == payout_id
        )
    )
    if kept is None:
        raise NotFound("no such document")
    name = f"{kept.id}.{MEDIA_TYPES[kept.media_type]}"
    return Response(
        document_bytes(view.session, Files(view.console.objects, view.console.vault), kept),
        media_type=kept.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
