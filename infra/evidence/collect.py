"""Collects what explains one payout, from the offer to the transfer, and keeps personal data apart.

What is personal (names, addresses of posts, captions, tracking numbers, free texts) goes into one sealed part
under the creator's key; the readable files hold a salted commitment of each part. So a bundle verifies for
ever, and is anonymous for ever once the key is destroyed. Reads only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import Session

from domain.bundle_verifier import canonical, readable
from domain.chain import event_body
from domain.errors import NotFound, Refused
from infra.tables import (
    Answer,
    Collaboration,
    CreatorKey,
    DisclosureCheck,
    Entry,
    Event,
    GateReport,
    Movement,
    OfferRow,
    Payout,
    PayoutAttempt,
    Post,
    Shipment,
    ShipmentEvent,
    Submission,
    Table,
    TransferReceipt,
)
from infra.vault import Annex, AnswerForm, SealedPart, Vault

Json = dict[str, Any]
FREE_TEXT: Final = frozenset(
    {
        "note",
        "comment",
        "text",
        "feedback",
        "caption",
        "url",
        "document",
        "explanation",
        "file_name",
    }
)
"""Columns of other parts' tables in which somebody may have typed anything."""
_ELSEWHERE: Final = frozenset({"payouts", "payout_attempts", "transfer_receipts", "evidence_bundles"})
"""Tables about a payout that have a file of their own, or are no evidence."""
_BY_COLLABORATION: Final = frozenset({"payout_holds", "remarks", "terms_authors"})
"""Tables of people's decisions that name the collaboration instead of the payout."""


class Collected(NamedTuple):
    """What explains a payout."""

    payout_id: str
    collaboration_id: str
    brand_id: str
    head: str
    events: int
    documents: dict[str, Any]
    """File name to document, without personal data."""
    terms: bytes
    annex: bytes
    """The personal part, sealed; empty once the creator was erased."""

    def files(self) -> dict[str, bytes]:
        """Every file with data, by its name in the bundle."""
        written = {name: readable(document) for name, document in self.documents.items()}
        return written | {"terms.txt": self.terms, "sealed/personal.bin": self.annex}

    @property
    def inputs_sha256(self) -> str:
        """Of all of it: the same record gives the same."""
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files().items()}
        return hashlib.sha256(canonical(digests)).hexdigest()


def collect(session: Session, vault: Vault, payout_id: str) -> Collected:
    """Everything about one payout. Raises `NotFound`, or `Refused` (code `evidence_incomplete`)."""
    payout = session.get(Payout, payout_id)
    if payout is None:
        raise NotFound("no such payout")
    collaboration = session.get_one(Collaboration, payout.collaboration_id)
    acceptance = _acceptance(session, collaboration.id)
    offer = session.get_one(OfferRow, acceptance.offer_id)
    personal: Json = {}
    documents = {
        "consent.json": _consent(acceptance),
        "terms.json": _row(offer, leave=("text",)),
        "rights.json": _rights(offer, acceptance),
        "events.json": _events(session, collaboration.id),
        "shipments.json": _shipments(session, collaboration.id, personal),
        "posts.json": _posts(session, collaboration.id, personal),
        "disclosure.json": _checks(session, collaboration.id, personal),
        "gates.json": _rows(session, GateReport, GateReport.collaboration_id == collaboration.id),
        "payout.json": _payout(session, payout),
        "approvals.json": _approvals(session, payout, personal),
        "ledger.json": _ledger(session, collaboration.id),
        "facts.json": _facts(payout, collaboration),
    }
    wrapped = session.scalar(select(CreatorKey.wrapped).where(CreatorKey.creator_id == payout.creator_id))
    parts: dict[str, SealedPart] = {}
    if wrapped is not None:
        personal["consent"] = _who(vault.open(wrapped, acceptance.sealed, AnswerForm))
        parts = {
            name: SealedPart(salt=vault.salt(wrapped, "evidence", payout.id, name).hex(), value=value)
            for name, value in sorted(personal.items())
        }
    documents["commitments.json"] = {name: commitment(part) for name, part in parts.items()}
    return Collected(
        payout_id=payout.id,
        collaboration_id=collaboration.id,
        brand_id=payout.brand_id,
        head=collaboration.head,
        events=collaboration.sequence,
        documents=documents,
        terms=offer.text.encode(),
        annex=b"" if wrapped is None else vault.seal_alike(wrapped, Annex(parts=parts)),
    )


def commitment(part: SealedPart) -> str:
    """What the readable files say of a personal part: a hash that tells nothing without the salt."""
    return hashlib.sha256(bytes.fromhex(part.salt) + canonical(part.value)).hexdigest()


# --- the story, file by file ------------------------------------------------------------------------


def _acceptance(session: Session, collaboration_id: str) -> Answer:
    found = session.scalar(
        select(Answer)
        .where(
            Answer.collaboration_id == collaboration_id,
            Answer.kind == "acceptance",
            Answer.used_at.is_not(None),
        )
        .order_by(Answer.used_at.desc(), Answer.id.desc())
        .limit(1)
    )
    if found is None or found.offer_id is None:
        raise Refused("nobody accepted an offer for this payout", code="evidence_incomplete")
    return found


def _consent(acceptance: Answer) -> Json:
    return _row(acceptance, leave=("sealed", "creator_id"))


def _who(form: AnswerForm) -> Json:
    """Who consented, from where. The address of the parcel is no evidence of the consent, and stays out."""
    return {
        "browser": form.browser,
        "consent": form.consent,
        "ip": form.ip,
        "legal_name": form.legal_name,
        "note": form.note,
    }


def _rights(offer: OfferRow, acceptance: Answer) -> Json:
    return {
        "deliverables": offer.terms.get("deliverables", []),
        "granted_at": _plain(acceptance.used_at),
        "rights": offer.terms.get("rights"),
    }


def _events(session: Session, collaboration_id: str) -> list[Json]:
    query = select(Event).where(Event.collaboration_id == collaboration_id).order_by(Event.sequence)
    return [
        event_body(
            collaboration_id=row.collaboration_id,
            sequence=row.sequence,
            request_id=row.request_id,
            name=row.name,
            stage=row.stage,
            command=row.command,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            at=row.at,
            data=row.data,
        )
        | {"previous_hash": row.previous_hash, "hash": row.hash}
        for row in session.scalars(query)
    ]


def _shipments(session: Session, collaboration_id: str, personal: Json) -> list[Json]:
    shipments = session.scalars(
        select(Shipment).where(Shipment.collaboration_id == collaboration_id).order_by(Shipment.number)
    ).all()
    if shipments:
        personal["tracking"] = [
            _row(one, only=("id", "tracking_number", "tracking_url")) for one in shipments
        ]
    return [
        _row(one, leave=("tracking_number", "tracking_url", "creator_id"))
        | {"events": _rows(session, ShipmentEvent, ShipmentEvent.shipment_id == one.id)}
        for one in shipments
    ]


def _posts(session: Session, collaboration_id: str, personal: Json) -> Json:
    submissions = session.scalars(
        select(Submission).where(Submission.collaboration_id == collaboration_id).order_by(Submission.id)
    ).all()
    posts = session.scalars(
        select(Post).where(Post.collaboration_id == collaboration_id).order_by(Post.id)
    ).all()
    personal["content"] = [_row(one, only=("id", "caption", "feedback")) for one in submissions]
    personal["posts"] = [_row(one, only=("id", "url")) for one in posts]
    return {
        "posts": [_row(one, leave=("url",)) for one in posts],
        "submissions": [_row(one, leave=("caption", "feedback", "creator_id")) for one in submissions],
    }


def _checks(session: Session, collaboration_id: str, personal: Json) -> list[Json]:
    checks = session.scalars(
        select(DisclosureCheck)
        .where(DisclosureCheck.collaboration_id == collaboration_id)
        .order_by(DisclosureCheck.number, DisclosureCheck.id)
    ).all()
    personal["seen"] = [_row(one, only=("id", "input", "input_sha256", "findings")) for one in checks]
    return [
        _row(one, leave=("input", "input_sha256", "findings", "evidence_key"))
        | {"rules": [_verdict(found) for found in one.findings]}
        for one in checks
    ]


def _verdict(found: Any) -> Json:
    """What a rule said, without the words of the post."""
    verdict = found.get("verdict") or {}
    kept = ("jurisdiction", "rule", "pack_version", "verdict", "reason")
    return {name: found.get(name) for name in ("outcome", "reason")} | {
        "findings": [
            {name: one.get(name) for name in kept} for one in (verdict.get("findings") or [verdict]) if one
        ]
    }


def _payout(session: Session, payout: Payout) -> Json:
    return {
        "payout": _row(payout, move=FREE_TEXT),
        "attempts": _rows(session, PayoutAttempt, PayoutAttempt.payout_id == payout.id, move=FREE_TEXT),
        "receipts": _rows(session, TransferReceipt, TransferReceipt.payout_id == payout.id, move=FREE_TEXT),
    }


def _approvals(session: Session, payout: Payout, personal: Json) -> Json:
    """Approvals, holds, overrides, runs: every other table that names the payout."""
    found: Json = {}
    for mapper in sorted(Table.registry.mappers, key=lambda one: str(one.local_table)):
        table, columns = mapper.class_, mapper.columns
        if table.__tablename__ in _BY_COLLABORATION:
            which = columns["collaboration_id"] == payout.collaboration_id
        elif "payout_id" in columns and table.__tablename__ not in _ELSEWHERE:
            which = columns["payout_id"] == payout.id
        else:
            continue
        rows = session.scalars(select(table).where(which)).all()
        if rows:
            written = [_row(row, move=FREE_TEXT) for row in rows]
            found[table.__tablename__] = sorted(written, key=canonical)
            typed = [_row(row, only=tuple(FREE_TEXT & set(columns.keys()))) for row in rows]
            personal[f"texts of {table.__tablename__}"] = sorted(typed, key=canonical)
    return found


def _ledger(session: Session, collaboration_id: str) -> list[Json]:
    entries = session.scalars(
        select(Entry).where(Entry.collaboration_id == collaboration_id).order_by(Entry.at, Entry.key)
    ).all()
    return [
        _row(one, move=frozenset()) | {"movements": _rows(session, Movement, Movement.entry_id == one.id)}
        for one in entries
    ]


def _facts(payout: Payout, collaboration: Collaboration) -> Json:
    return {
        "brand_id": payout.brand_id,
        "campaign_id": collaboration.campaign_id,
        "collaboration_id": collaboration.id,
        "creator_id": payout.creator_id,
        "stage": collaboration.stage,
    }


# --- rows as documents ------------------------------------------------------------------------------


def _rows(session: Session, table: type[Table], which: ColumnElement[bool], **how: Any) -> list[Json]:
    found = session.scalars(select(table).where(which).order_by(*table.__table__.primary_key)).all()
    return [_row(one, **how) for one in found]


def _row(
    row: Table | Row[Any],
    *,
    leave: Iterable[str] = (),
    only: Iterable[str] = (),
    move: frozenset[str] = frozenset(),
) -> Json:
    """The row's columns as JSON, without those to leave, or only some. Bytes are never written."""
    names = [column.key for column in type(row).__table__.columns]  # type: ignore[union-attr] # a mapped row
    out = frozenset(leave) | move
    wanted = [name for name in names if (name in only if only else name not in out)]
    values = {name: getattr(row, name) for name in wanted}
    return {name: _plain(value) for name, value in values.items() if not isinstance(value, bytes)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
