"""An office whose offers, terms and creators are complete, and the pump over it with a real mail server."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select, update

from domain.campaign import Brief
from domain.money import Money
from domain.offer import CampaignType, Deliverable, Format, Offer, Platform
from domain.state import State
from domain.terms import Gift, terms_hash, terms_text
from infra.tables import Brand, Campaign, Creator, Notice, OfferRow, Suppression
from infra.vault import Profile
from tests.records.office import Office, in_type

BRIEF = Brief(summary="Show how the serum fits into your own morning.\nIn your own words.")


@dataclass
class Mailroom(Office):
    """An office that can send its mail."""

    names: list[str] = field(default_factory=lambda: ["Mia Weber"])
    mailbox: str = "{}"
    """How an address begins; the mail server of the tests reads it."""

    def open(
        self, kind: CampaignType = CampaignType.GIFTING_PAID, *, stock: int = 10, budget: int = 10 * 22_000
    ) -> None:
        super().open(kind, stock=stock, budget=budget)
        with self.sessions.begin() as session:
            session.execute(update(Brand).values(postal_address="Hazel Inc.\n1 Elm Street\nPortland, OR"))
            session.execute(update(Campaign).values(brief=BRIEF.model_dump(mode="json")))

    def _creator(self, creator_id: str, wrapped: bytes) -> Creator:
        creator = super()._creator(creator_id, wrapped)
        name = self.names[next(self.numbers) % len(self.names)]
        profile = Profile(name=name, email=self.address(creator_id))
        creator.sealed = self.vault.seal(wrapped, profile)
        creator.email_digest = self.vault.email_digest(profile.email)
        creator.country, creator.language = "US", "en-US"
        return creator

    def address(self, creator_id: str) -> str:
        return f"{self.mailbox.format(creator_id)}@example.net"

    def _offer(self, state: State) -> OfferRow:
        offer = offer_of(state.type)
        text = terms_text(
            brand="Hazel",
            campaign="Spring",
            offer=offer,
            policy=state.policy,
            brief=BRIEF,
            gifts=[Gift("Serum, 30 ml", Money(amount=4200, currency="USD"))] if state.type.ships else [],
        )
        return OfferRow(
            id=state.offer_id,
            collaboration_id=state.collaboration_id,
            version=1,
            terms=offer.model_dump(mode="json"),
            text=text,
            sha256=terms_hash(text),
        )

    def answer(self, of: str, kind: str = "acceptance", *, sha256: str = "") -> str:
        return super().answer(of, kind, sha256=sha256 or self.terms_sha256(of))

    def terms_sha256(self, of: str) -> str:
        return self.rows(OfferRow, of)[0].sha256

    def notices(self, of: str) -> dict[str, Notice]:
        """The newest notice of each kind."""
        ordered = sorted(self.rows(Notice, of), key=lambda row: row.event_sequence)
        return {row.kind: row for row in ordered}

    def email_of(self, of: str) -> str:
        return self.address(self.state(of).creator_id)

    def waiting(self) -> int:
        """How many notices are queued or being sent."""
        open_ = Notice.state.in_(("queued", "sending"))
        with self.sessions() as session:
            return session.scalar(select(func.count()).select_from(Notice).where(open_)) or 0

    def suppress(self, of: str, reason: str) -> None:
        with self.sessions.begin() as session:
            digest = self.vault.email_digest(self.email_of(of))
            session.add(Suppression(brand_id=self.brand_id, email_digest=digest, reason=reason))


def offer_of(kind: CampaignType) -> Offer:
    return Offer(
        type=kind,
        fee=in_type(kind),
        deliverables=[Deliverable(platform=Platform.INSTAGRAM, format=Format.REEL)],
    )
