"""What letters tell beside the collaboration itself: products, parcels, feedback, findings, payments.

Read in a few queries for a whole batch of notices, and only what some letter of the batch tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, select, tuple_
from sqlalchemy.orm import Session, aliased

from activities.envelopes import Envelope
from activities.letter_format import FORMAT_NAMES, PLATFORM_NAMES
from activities.letters import Fix, Parcel
from activities.notice_queue import Claimed
from domain.notices import NoticeKind
from domain.offer import Format, Platform
from infra.tables import (
    CampaignVariant,
    Collaboration,
    DisclosureCheck,
    Event,
    OfferRow,
    Payout,
    PayoutAttempt,
    Post,
    Product,
    Shipment,
    Submission,
    Variant,
)

_MOST_NAMED: Final = 3
_TELLS_BY_EVENT: Final = frozenset(
    {
        NoticeKind.DRAFT_APPROVED,
        NoticeKind.CHANGES_REQUESTED,
        NoticeKind.EXTENSION_GRANTED,
        NoticeKind.DISCLOSURE_FIX,
        NoticeKind.POST_PROBLEM,
        NoticeKind.POST_CHANGED,
        NoticeKind.POST_REJECTED,
        NoticeKind.PARCEL_REPORT_RECEIVED,
        NoticeKind.PARCEL_REPLACED,
    }
)


class Facts:
    """What hangs on the collaborations of one batch, loaded only where a letter of the batch tells it."""

    def __init__(self, session: Session, envelopes: Sequence[Envelope]) -> None:
        self._session = session
        self._notices = [one.notice for one in envelopes]
        self._chosen = self._variants({one.state.variant_id for one in envelopes} - {None})
        self._choices = self._campaign_variants(
            {one.row.campaign_id for one in envelopes if one.state.variant_id is None}
        )
        self._parcels = self._shipments(
            {one.notice.collaboration_id for one in envelopes if one.state.parcel}
        )
        self._terms = self._texts({n.collaboration_id for n in self._of(NoticeKind.ACCEPTED)})
        self._events = self._event_data()
        self._submissions = self._by_id(Submission, "submission_id", NoticeKind.CHANGES_REQUESTED)
        self._checks = self._by_id(
            DisclosureCheck, "check_id", NoticeKind.DISCLOSURE_FIX, NoticeKind.POST_CHANGED
        )
        self._posts = self._post_places()
        self._paid_at = self._payments()

    def terms_of(self, collaboration_id: str) -> bytes:
        """The accepted text, where the batch has the mail that carries it."""
        return self._terms.get(collaboration_id, b"")

    def event(self, notice: Claimed) -> dict[str, Any]:
        """What the events of the notice's change say."""
        return self._events.get((notice.collaboration_id, notice.event_sequence), {})

    def product(self, one: Envelope) -> tuple[str, int, int | None]:
        """What is given, how many choices there are, and the value of one piece when it is one value."""
        variant = one.state.variant_id
        found = (
            [self._chosen[variant]] if variant in self._chosen else self._choices.get(one.row.campaign_id, [])
        )
        if not one.state.type.ships or not found:
            return "", 0, None
        values = {row.retail_amount for row in found}
        value = values.pop() if len(values) == 1 else None
        if variant is not None:
            return _piece(found[0]), 1, value
        names = list(dict.fromkeys(row.product for row in found))
        shown = " or ".join(names[:_MOST_NAMED]) + (" and more" if len(names) > _MOST_NAMED else "")
        return shown, len(found), value

    def parcel(self, one: Envelope) -> tuple[Parcel, bool]:
        """The parcel that the notice is about, and whether any parcel ever left."""
        sent = self._parcels.get(one.notice.collaboration_id, {})
        number = one.notice.step if one.notice.kind is NoticeKind.SHIPPED else one.state.parcel
        any_left = any(row.shipped_at is not None for row in sent.values())
        row = sent.get(number)
        if row is None:
            return Parcel(), any_left
        return (
            Parcel(
                kind=row.kind,
                carrier=row.carrier,
                tracking_number=row.tracking_number or "",
                tracking_url=row.tracking_url,
            ),
            any_left,
        )

    def feedback(self, notice: Claimed) -> str:
        """What the brand wrote about the draft."""
        row = self._submissions.get(self.event(notice).get("submission_id"))
        return "" if row is None else row.feedback

    def fixes(self, notice: Claimed) -> tuple[Fix, ...]:
        """What to change in each post that failed the check."""
        check = self._checks.get(self.event(notice).get("check_id"))
        found = [] if check is None else check.findings
        return tuple(
            _fix(one, self._posts.get(one.get("url", ""), ""))
            for one in found
            if one.get("outcome") == "fail" and one.get("verdict")
        )

    def paid_at(self, collaboration_id: str, part: int) -> datetime | None:
        """When the transfer of this part was made."""
        return self._paid_at.get((collaboration_id, part))

    def _of(self, *kinds: NoticeKind) -> list[Claimed]:
        return [notice for notice in self._notices if notice.kind in kinds]

    def _variants(self, ids: set[Any]) -> dict[str, Row[Any]]:
        if not ids:
            return {}
        return {row.id: row for row in self._session.execute(_variant_query().where(Variant.id.in_(ids)))}

    def _campaign_variants(self, campaign_ids: set[str]) -> dict[str, list[Row[Any]]]:
        if not campaign_ids:
            return {}
        query = (
            _variant_query()
            .add_columns(CampaignVariant.campaign_id)
            .join(CampaignVariant, CampaignVariant.variant_id == Variant.id)
            .where(CampaignVariant.campaign_id.in_(campaign_ids))
            .order_by(Product.name, Variant.name)
        )
        found: dict[str, list[Row[Any]]] = {}
        for row in self._session.execute(query):
            found.setdefault(row.campaign_id, []).append(row)
        return found

    def _shipments(self, ids: set[str]) -> dict[str, dict[int, Shipment]]:
        if not ids:
            return {}
        found: dict[str, dict[int, Shipment]] = {}
        for row in self._session.scalars(select(Shipment).where(Shipment.collaboration_id.in_(ids))):
            found.setdefault(row.collaboration_id, {})[row.number] = row
        return found

    def _texts(self, ids: set[str]) -> dict[str, bytes]:
        if not ids:
            return {}
        query = (
            select(Collaboration.id, OfferRow.text)
            .join(OfferRow, OfferRow.id == Collaboration.offer_id)
            .where(Collaboration.id.in_(ids))
        )
        return {row.id: row.text.encode() for row in self._session.execute(query)}

    def _event_data(self) -> dict[tuple[str, int], dict[str, Any]]:
        """By collaboration and sequence: the data of every event of the same request, together."""
        keys = {(n.collaboration_id, n.event_sequence) for n in self._of(*_TELLS_BY_EVENT)}
        if not keys:
            return {}
        last, each = aliased(Event), aliased(Event)
        query = (
            select(last.collaboration_id, last.sequence, each.data)
            .join(
                each,
                and_(each.collaboration_id == last.collaboration_id, each.request_id == last.request_id),
            )
            .where(tuple_(last.collaboration_id, last.sequence).in_(keys))
            .order_by(each.sequence)
        )
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for row in self._session.execute(query):
            found.setdefault((row.collaboration_id, row.sequence), {}).update(row.data)
        return found

    def _by_id(self, table: Any, name: str, *kinds: NoticeKind) -> dict[Any, Any]:
        ids = {self.event(notice).get(name) for notice in self._of(*kinds)} - {None}
        if not ids:
            return {}
        return {row.id: row for row in self._session.scalars(select(table).where(table.id.in_(ids)))}

    def _post_places(self) -> dict[str, str]:
        ids = {check.submission_id for check in self._checks.values()}
        if not ids:
            return {}
        return {
            row.url: f"{PLATFORM_NAMES[Platform(row.platform)]} {FORMAT_NAMES[Format(row.format)][0]}"
            for row in self._session.scalars(select(Post).where(Post.submission_id.in_(ids)))
        }

    def _payments(self) -> dict[tuple[str, int], datetime | None]:
        ids = {notice.collaboration_id for notice in self._of(NoticeKind.PAID)}
        if not ids:
            return {}
        query = (
            select(Payout.collaboration_id, Payout.part, PayoutAttempt.finished_at)
            .join(PayoutAttempt, PayoutAttempt.payout_id == Payout.id)
            .where(Payout.collaboration_id.in_(ids), PayoutAttempt.state == "sent")
        )
        rows = self._session.execute(query)
        return {(row.collaboration_id, row.part): row.finished_at for row in rows}


def _variant_query() -> Any:
    return select(Variant.id, Variant.name, Variant.retail_amount, Product.name.label("product")).join(
        Product, Product.id == Variant.product_id
    )


def _piece(row: Row[Any]) -> str:
    return row.product if not row.name or row.name == row.product else f"{row.product}, {row.name}"


def _fix(found: Mapping[str, Any], place: str) -> Fix:
    verdict = found["verdict"]
    change = verdict.get("change") or {}
    return Fix(
        place=place,
        url=found.get("url", ""),
        explanation=verdict.get("explanation", ""),
        sentence=change.get("sentence", ""),
        words=change.get("words", ""),
        where=change.get("where", ""),
    )
