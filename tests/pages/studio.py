"""A brand, its campaigns and their creators in a real database, and the way of one to any stage.

What the workflow does around the record is done here in the fewest steps: decide, and record. Offers, terms
and collaborations are written by the product's own code, links are issued by it.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from activities.contracts import Recorded
from activities.ledger import post
from activities.record import record
from domain.campaign import Brief, CampaignStatus, NewCampaign
from domain.commands import (
    Accept,
    Approve,
    Command,
    ConfirmTransfer,
    Deliver,
    Flag,
    Invite,
    OpenAttempt,
    RecordCheck,
    RecordLook,
    Request,
    RequestChanges,
    SettleAttempt,
    Ship,
    SubmitDraft,
    SubmitPost,
)
from domain.decide import decide
from domain.decisions.fulfilment import current_shipment
from domain.gates import all_pass, assess
from domain.ids import derived_id
from domain.ledger import budget_declared, payout_id
from domain.money import Money
from domain.offer import CampaignType, Deliverable, FeeTail, Offer
from domain.policy import Policy
from domain.roles import HANDSEL, Actor, ActorKind
from domain.state import State
from infra.brands import NewBrand, found_brand
from infra.campaigns import create_campaign
from infra.creators import NewAccount, NewCreator, add_creator
from infra.ids import new_id
from infra.invitations import invite
from infra.links import issue, token_of
from infra.settings import Settings
from infra.tables import (
    Answer,
    Campaign,
    Collaboration,
    DisclosureCheck,
    GateReport,
    OfferRow,
    Payee,
    Post,
    Product,
    Shipment,
    Submission,
    Variant,
)
from infra.vault import AnswerForm, PostalAddress, Vault, key_of

BRAND = Actor(kind=ActorKind.BRAND, id="member_1")
CREATOR = Actor(kind=ActorKind.CREATOR, id="creator_1")
CARRIER = Actor(kind=ActorKind.CARRIER, id="scan_1")
STRIPE = Actor(kind=ActorKind.STRIPE, id="evt_1")
FEE = Money(amount=22_000, currency="USD")
FAILED_FINDING = {
    "outcome": "fail",
    "reason": "missing",
    "verdict": {
        "explanation": "There is no marking in the caption.",
        "change": {
            "words": "#ad",
            "where": "at the very start of the caption",
            "sentence": "Write #ad at the very start of the caption.",
        },
    },
}


@dataclass
class Studio:
    """One brand in one database."""

    sessions: sessionmaker[Session]
    vault: Vault
    settings: Settings
    clock: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=6))
    numbers: Any = field(default_factory=itertools.count)
    brand_id: str = ""
    variant_ids: list[str] = field(default_factory=list)

    def found(self, name: str = "") -> Studio:
        """Open the brand with one product in three shades, of which one is gone."""
        name = name or f"Hazel & Rye {secrets.token_hex(4)}"
        with self.sessions.begin() as session:
            founded = found_brand(
                session,
                NewBrand(
                    name=name,
                    sender_name=name,
                    sender_email="hello@hazel.example",
                    currency="USD",
                    owner_name="Rye",
                    owner_email="rye@hazel.example",
                ),
                mode="local",
            )
            brand_id = founded.brand.id
        return self.of_brand(brand_id)

    def of_brand(self, brand_id: str) -> Studio:
        """Work for a brand that is there already: one product in three shades, of which one is gone."""
        self.brand_id = brand_id
        with self.sessions.begin() as session:
            product = Product(id=new_id("product"), brand_id=self.brand_id, name="Oat Serum")
            session.add(product)
            session.flush()
            for shade, stock in (("30 ml", 20), ("50 ml", 20), ("Travel set", 0)):
                variant = Variant(
                    id=new_id("variant"),
                    product_id=product.id,
                    name=shade,
                    sku=f"OAT-{shade.replace(' ', '')}",
                    stock=stock,
                    retail_amount=4200,
                )
                session.add(variant)
                self.variant_ids.append(variant.id)
        return self

    def campaign(
        self,
        kind: CampaignType = CampaignType.GIFTING_PAID,
        policy: Policy | None = None,
        *,
        budget: int = 10 * FEE.amount,
        variants: tuple[str, ...] = ("OAT-30ml", "OAT-50ml", "OAT-Travelset"),
        ships_to: tuple[str, ...] = (),
        pieces: int = 1,
        tails: tuple[FeeTail, ...] = (),
        status: CampaignStatus = CampaignStatus.LIVE,
    ) -> str:
        """A campaign of this type."""
        new = NewCampaign(
            name=f"Spring launch {secrets.token_hex(4)}",
            currency="USD",
            budget=budget if kind.pays else 0,
            brief=Brief(
                summary="We launch a serum made of oats. Show it in your morning routine.",
                hard_requirements=["Say that it is unscented", "Show the bottle"],
                talking_points=["How it feels after a week"],
                please_avoid=["Claims about healing"],
            ),
            offer=Offer(
                type=kind,
                fee=FEE if kind.pays else None,
                deliverables=[Deliverable(platform="instagram", format="reel", quantity=pieces)],
                tails=list(tails),
            ),
            policy=policy or Policy(),
            variants=list(variants) if kind.ships else [],
            ships_to=list(ships_to),
        )
        with self.sessions.begin() as session:
            made = create_campaign(session, self.brand_id, new)
            made.status = status.value
            if kind.pays and budget:
                money = Money(amount=budget, currency="USD")
                entry = budget_declared(made.id, money)
                post(session, entry, brand_id=self.brand_id, actor=HANDSEL, at=self.clock)
            return made.id

    def queue(self, campaign_id: str, country: str = "DE", zone: str = "Europe/Berlin") -> str:
        """A creator of the campaign, waiting for the invitation. Gives the collaboration."""
        mark = secrets.token_hex(5)
        new = NewCreator(
            name="Ada Byron",
            email=f"ada.{mark}@mail.example",
            country=country,
            language="en",
            time_zone=zone,
            accounts=[NewAccount(platform="instagram", handle=f"ada{mark}", followers=12_000)],
        )
        with self.sessions.begin() as session:
            creator = add_creator(session, self.vault, self.brand_id, new)
            campaign = session.get_one(Campaign, campaign_id)
            return invite(session, campaign, [creator.id], now=self.clock).collaboration_ids[0]

    def link(self, of: str, life: timedelta = timedelta(days=90), now: datetime | None = None) -> str:
        """The path of a fresh link."""
        with self.sessions.begin() as session:
            made = issue(
                session,
                collaboration_id=of,
                creator_id=self.state(of).creator_id,
                now=now or datetime.now(UTC),
                life=life,
            )
        return f"/c/{token_of(made.id, self.settings.secret_key)}"

    # --- commands ------------------------------------------------------------------------------------

    def state(self, of: str) -> State:
        with self.sessions() as session:
            return State.model_validate(session.get_one(Collaboration, of).state)

    def give(self, of: str, command: Command, actor: Actor = HANDSEL) -> Recorded:
        request = Request(id=f"test:{next(self.numbers)}", actor=actor, command=command)
        recorded = record(self.sessions, decide(self.state(of), request, self.clock))
        assert not recorded.refused, recorded
        self.clock += timedelta(minutes=5)
        return recorded

    def later(self, **span: float) -> None:
        self.clock += timedelta(**span)

    # --- what creators hand in -----------------------------------------------------------------------

    def answer(self, of: str, kind: str = "acceptance") -> str:
        state = self.state(of)
        form = AnswerForm(
            legal_name="Ada Byron",
            consent=True,
            address=PostalAddress(
                name="Ada Byron", lines=["Ringweg 7"], city="Jena", postcode="07743", country="DE"
            ),
        )
        with self.sessions.begin() as session:
            offer = session.get_one(OfferRow, state.offer_id)
            answer = Answer(
                id=new_id("answer"),
                collaboration_id=of,
                creator_id=state.creator_id,
                kind=kind,
                offer_id=offer.id,
                offer_sha256=offer.sha256,
                variant_id=self.variant_ids[0],
                sealed=self.vault.seal(key_of(session, state.creator_id), form),
                country="DE",
                sent_at=self.clock,
            )
            session.add(answer)
            return answer.id

    def submission(self, of: str, kind: str, url: str = "") -> str:
        submission_id = new_id("submission")
        with self.sessions.begin() as session:
            session.add(
                Submission(
                    id=submission_id,
                    collaboration_id=of,
                    creator_id=self.state(of).creator_id,
                    kind=kind,
                    created_at=self.clock,
                )
            )
            session.flush()
            if url:
                session.add(
                    Post(
                        id=new_id("post"),
                        submission_id=submission_id,
                        collaboration_id=of,
                        deliverable=0,
                        platform="instagram",
                        format="reel",
                        url=url,
                    )
                )
        return submission_id

    def check(
        self,
        of: str,
        outcome: str,
        finding: dict[str, Any] | None = None,
        seen: dict[str, Any] | None = None,
    ) -> None:
        """Record a check of the live post with this finding."""
        state = self.state(of)
        number = state.checks + 1
        check_id = derived_id("disclosure_check", of, number)
        found = {"url": self.post_url, "outcome": outcome, "reason": outcome} | (finding or {})
        with self.sessions.begin() as session:
            session.add(
                DisclosureCheck(
                    id=check_id,
                    collaboration_id=of,
                    submission_id=state.post_id or "",
                    number=number,
                    outcome=outcome,
                    reason=found["reason"],
                    pack="US@2026-11",
                    findings=[found],
                    input=[seen] if seen else [],
                    input_sha256="0" * 64,
                    checked_at=self.clock,
                )
            )
        self.give(of, RecordCheck(check_id=check_id, outcome=outcome, reason=found["reason"]))

    post_url = "https://www.instagram.example/instagram/ada/p/Xy12"

    def payee(self, of: str, *, can_receive: bool = True) -> None:
        with self.sessions.begin() as session:
            session.merge(
                Payee(
                    creator_id=self.state(of).creator_id,
                    stripe_account_id=f"acct_{of[-12:]}",
                    can_receive=can_receive,
                )
            )

    def report(self, of: str) -> str:
        """A stored gate report of this moment."""
        from activities.gates import read_facts

        with self.sessions.begin() as session:
            facts = read_facts(session, of)
            gates = assess(facts, self.clock)
            report = GateReport(
                id=new_id("gate_report"),
                collaboration_id=of,
                sequence=self.state(of).sequence,
                payout_id=payout_id(of, facts.part),
                gates=[gate.model_dump(mode="json") for gate in gates],
                all_pass=all_pass(gates),
                destination=facts.payee_account,
                amount=facts.fee,
                currency=facts.currency,
                at=self.clock,
            )
            session.add(report)
            return report.id

    # --- the way to a stage --------------------------------------------------------------------------

    def invited(self, campaign_id: str, **who: str) -> str:
        of = self.queue(campaign_id, **who)
        self.give(of, Invite())
        return of

    def accepted(self, campaign_id: str, **who: str) -> str:
        of = self.invited(campaign_id, **who)
        state = self.state(of)
        variant_id = self.variant_ids[0] if state.type.ships else None
        yes = Accept(answer_id=self.answer(of), offer_id=state.offer_id, variant_id=variant_id)
        self.give(of, yes, CREATOR)
        return of

    def shipped(self, campaign_id: str) -> str:
        of = self.accepted(campaign_id)
        self.give(of, Ship(shipment_id=current_shipment(self.state(of))), BRAND)
        with self.sessions.begin() as session:
            session.execute(
                update(Shipment)
                .where(Shipment.collaboration_id == of)
                .values(carrier="DHL", tracking_number="JD0146", tracking_url="https://dhl.example/JD0146")
            )
        return of

    def in_production(self, campaign_id: str) -> str:
        with self.sessions() as session:
            kind = CampaignType(session.get_one(Campaign, campaign_id).type)
        if not kind.ships:
            return self.accepted(campaign_id)
        of = self.shipped(campaign_id)
        self.later(days=2)
        self.give(of, Deliver(), CARRIER)
        return of

    def in_review(self, campaign_id: str) -> str:
        of = self.in_production(campaign_id)
        self.give(of, SubmitDraft(submission_id=self.submission(of, "draft")), CREATOR)
        return of

    def changes_requested(self, campaign_id: str, feedback: str = "Please show the bottle longer.") -> str:
        of = self.in_review(campaign_id)
        draft = self.state(of).submission_id
        assert draft is not None
        with self.sessions.begin() as session:
            session.get_one(Submission, draft).feedback = feedback
        self.give(of, RequestChanges(submission_id=draft), BRAND)
        return of

    def approved(self, campaign_id: str) -> str:
        of = self.in_review(campaign_id)
        draft = self.state(of).submission_id
        assert draft is not None
        self.give(of, Approve(submission_id=draft), BRAND)
        return of

    def posted(self, campaign_id: str) -> str:
        of = self.approved(campaign_id)
        self.give(of, SubmitPost(submission_id=self.submission(of, "live", self.post_url)), CREATOR)
        return of

    def to_mend(self, campaign_id: str) -> str:
        of = self.posted(campaign_id)
        self.check(of, "fail", FAILED_FINDING)
        return of

    def unsure(self, campaign_id: str) -> str:
        """A post that a person has to look at, with what the check saw."""
        of = self.posted(campaign_id)
        seen = {"url": self.post_url, "caption": "Morning! #sp", "author_handle": "@ada", "language": "en"}
        self.check(of, "needs_review", {"reason": "ambiguous_label"}, seen)
        return of

    def changed_after_payment(self, campaign_id: str) -> str:
        """A post whose film was another one when the watch looked after the payment."""
        of = self.completed(campaign_id)
        state = self.state(of)
        check_id = derived_id("disclosure_check", of, "watch", state.watch, 1)
        seen = {"url": self.post_url, "caption": "Ad: morning!", "author_handle": "@ada"}
        finding = {"url": self.post_url, "outcome": "needs_review", "reason": "media_changed"}
        with self.sessions.begin() as session:
            session.add(
                DisclosureCheck(
                    id=check_id,
                    collaboration_id=of,
                    submission_id=state.post_id or "",
                    kind="watch",
                    number=1,
                    outcome="needs_review",
                    reason="media_changed",
                    pack="US@2026-11",
                    findings=[finding],
                    input=[seen],
                    input_sha256="0" * 64,
                    checked_at=self.clock,
                )
            )
        look = RecordLook(
            check_id=check_id, watch=state.watch, outcome="needs_review", reason="media_changed"
        )
        self.give(of, look)
        return of

    def payable(self, campaign_id: str) -> str:
        of = self.posted(campaign_id)
        self.check(of, "pass")
        return of

    def waiting_for_account(self, campaign_id: str) -> str:
        of = self.payable(campaign_id)
        self.report(of)
        self.give(of, Flag(reason="payee_missing"))
        return of

    def paid(self, campaign_id: str) -> str:
        of = self.payable(campaign_id)
        self.payee(of)
        self.give(of, OpenAttempt(report_id=self.report(of)))
        self.give(of, SettleAttempt(result="sent", transfer_id=f"tr_{of[-12:]}"))
        return of

    def completed(self, campaign_id: str) -> str:
        of = self.paid(campaign_id)
        self.give(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of[-12:]}"), STRIPE)
        return of
