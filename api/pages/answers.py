"""Yes, no, and where to ship: the forms whose content is personal.

Each is stored sealed, exactly as sent and with where it came from, under an id that follows from the form's
mark; only then does a command name it. The same form sent twice is one row.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.pages.addresses import AddressRefused, read_address
from api.pages.dossier import Dossier
from api.pages.forms import FormRefused, Paper
from api.pages.wording import say
from domain.commands import (
    Accept,
    CorrectAddress,
    Decline,
    DeclineReason,
    ParcelProblem,
    ReportParcel,
)
from domain.ids import derived_id
from infra.tables import Answer, CampaignVariant
from infra.vault import AnswerForm, PostalAddress, key_of


def accept(session: Session, dossier: Dossier, paper: Paper) -> Accept:
    """Say yes. Raises `FormRefused` with everything that is missing, at once."""
    errors: dict[str, str] = {}
    legal_name, address = "", None
    try:
        legal_name = _legal_name(paper)
    except FormRefused as refused:
        errors |= refused.by_field
    variant_id = _variant(session, dossier, paper, errors)
    if dossier.state.type.ships:
        address = _address(dossier, paper, legal_name, errors)
    if paper.fields.get("consent") != "yes":
        errors["consent"] = say("error.consent")
    if errors:
        raise FormRefused(errors)
    form = AnswerForm(legal_name=legal_name, consent=True, address=address)
    answer_id = _keep(session, dossier, paper, "acceptance", form, variant_id)
    return Accept(answer_id=answer_id, offer_id=dossier.offer_row.id, variant_id=variant_id)


def decline(session: Session, dossier: Dossier, paper: Paper) -> Decline:
    """Say no, with a reason and perhaps a note."""
    try:
        reason = DeclineReason(paper.fields.get("reason", ""))
    except ValueError as error:
        raise FormRefused({"reason": say("error.reason")}) from error
    form = AnswerForm(note=paper.text("note", 2000))
    return Decline(reason=reason, answer_id=_keep(session, dossier, paper, "decline", form))


def correct_address(session: Session, dossier: Dossier, paper: Paper) -> CorrectAddress:
    """Another address for the parcel that has not left."""
    errors: dict[str, str] = {}
    fallback = dossier.told.legal_name if dossier.told else ""
    address = _address(dossier, paper, fallback, errors)
    if address is not None and not address.name:
        errors["recipient"] = say("error.legal_name")
    if errors:
        raise FormRefused(errors)
    form = AnswerForm(legal_name=fallback, address=address)
    return CorrectAddress(answer_id=_keep(session, dossier, paper, "address", form))


def report_parcel(session: Session, dossier: Dossier, paper: Paper) -> ReportParcel:
    """Something is wrong with the parcel."""
    try:
        problem = ParcelProblem(paper.fields.get("problem", ""))
    except ValueError as error:
        raise FormRefused({"problem": say("error.problem")}) from error
    note = paper.text("note", 2000)
    form = AnswerForm(note=note)
    answer_id = _keep(session, dossier, paper, "report", form) if note else None
    return ReportParcel(problem=problem, answer_id=answer_id)


def _legal_name(paper: Paper) -> str:
    name = paper.text("legal_name", 120)
    if not name:
        raise FormRefused({"legal_name": say("error.legal_name")})
    if "\n" in name or "\t" in name:
        raise FormRefused({"legal_name": say("error.strange_character")})
    return name


def _variant(session: Session, dossier: Dossier, paper: Paper, errors: dict[str, str]) -> str | None:
    if not dossier.state.type.ships:
        return None
    offered = select(CampaignVariant.variant_id).where(CampaignVariant.campaign_id == dossier.campaign.id)
    chosen = paper.fields.get("variant", "")
    if chosen not in set(session.scalars(offered)):
        errors["variant"] = say("error.variant")
        return None
    gone = {choice.variant_id for choice in dossier.choices if not choice.left}
    others = any(choice.left for choice in dossier.choices)
    if chosen in gone and others:
        errors["variant"] = say("error.variant_gone")
    return chosen


def _address(dossier: Dossier, paper: Paper, fallback: str, errors: dict[str, str]) -> PostalAddress | None:
    try:
        recipient = paper.text("recipient", 120).replace("\n", " ") or fallback
        return read_address(paper.fields, dossier.campaign.ships_to, recipient)
    except (AddressRefused, FormRefused) as refused:
        errors |= refused.by_field
        return None


def _keep(
    session: Session,
    dossier: Dossier,
    paper: Paper,
    kind: str,
    form: AnswerForm,
    variant_id: str | None = None,
) -> str:
    """Store the sealed form once; gives its id."""
    state = dossier.state
    answer_id = derived_id("answer", state.collaboration_id, paper.nonce.mark, kind)
    sourced = form.model_copy(update={"ip": paper.ip[:64], "browser": paper.browser[:400]})
    row = {
        "id": answer_id,
        "collaboration_id": state.collaboration_id,
        "creator_id": state.creator_id,
        "kind": kind,
        "offer_id": dossier.offer_row.id,
        "offer_sha256": dossier.offer_row.sha256,
        "variant_id": variant_id,
        "sealed": paper.vault.seal(key_of(session, state.creator_id), sourced),
        "country": form.address.country if form.address else "",
        "sent_at": paper.now,
    }
    session.execute(insert(Answer).values(row).on_conflict_do_nothing(index_elements=["id"]))
    return answer_id
