"""Evidence bundles of a payment: built on request, downloaded as they were sealed."""

from __future__ import annotations

from fastapi.responses import Response
from sqlalchemy import select

from api.auth import own
from api.console.frame import View, ViewOf
from api.console.payouts import PATH
from api.console.route import console_router
from domain.errors import NotFound, Refused
from infra.audit.signing import Signer
from infra.evidence.keep import Evidence
from infra.tables import EvidenceBundle, Payout

router = console_router()


@router.post("/payouts/{payout_id}/bundles")
def build_bundle_here(payout_id: str, view: ViewOf) -> Response:
    """Build the bundle as the record stands now; the same one again while nothing changed."""
    payout = own(view.session, view.person, Payout, payout_id)
    view.session.commit()  # the bundle is collected and sealed in transactions of its own
    bundle = _evidence(view).build(payout.id, view.now)
    return view.go(f"{PATH}/{payout_id}", "bundle_built" if bundle.sealed_at else "bundle_collected")


@router.get("/payouts/{payout_id}/bundles/{number}")
def bundle_file(payout_id: str, number: int, view: ViewOf) -> Response:
    """The bytes of a sealed bundle."""
    own(view.session, view.person, Payout, payout_id)
    bundle = view.session.scalar(
        select(EvidenceBundle).where(
            EvidenceBundle.payout_id == payout_id,
            EvidenceBundle.number == number,
            EvidenceBundle.sealed_at.is_not(None),
        )
    )
    if bundle is None:
        raise NotFound("no such bundle")
    name = f"{payout_id}-{bundle.number}.zip"
    return Response(
        _evidence(view).content(bundle),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _evidence(view: View) -> Evidence:
    console = view.console
    if console.objects is None:
        raise Refused("no object store is configured", code="no_store")
    return Evidence(console.sessions, console.vault, console.objects, Signer(view.settings.vault_keys))
