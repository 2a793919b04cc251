"""A brand with a campaign, products and creators in a real database, and one way to give commands.

What the front and the workflow do around the record (store the form, decide, hand over) is done here in
the fewest steps; the record, the ledger and the database are the real ones.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from activities.contracts import Recorded
from activities.ledger import balance_of, post
from activities.record import record, write
from activities.stock_value import Counted, count_stock
from domain.campaign import CampaignStatus
from domain.commands import (
    Accept,
    Command,
    Deliver,
    Invite,
    OpenAttempt,
    RecordCheck,
    Request,
    SettleAttempt,
    Ship,
    SubmitPost,
)
from domain.decide import decide
from domain.decisions.fulfilment import current_shipment
from domain.gate_facts import Gate, GateResult
from domain.ids import derived_id
from domain.ledger import budget_declared, payout_id
from domain.money import Money
from domain.offer import CampaignType, Deliverable, FeeTail, Format, Offer, Platform
from domain.policy import Policy
from domain.roles import HANDSEL, Actor, ActorKind
from domain.state import Change, State
from infra.ids import new_id
from infra.tables import (
    Answer,
    Brand,
    Campaign,
    CampaignVariant,
    Collaboration,
    Creator,
    CreatorKey,
    GateReport,
    Link,
    OfferRow,
    Payee,
    Product,
    Submission,
    Variant,
)
from infra.vault import AnswerForm, PostalAddress, Profile, Vault

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BRAND = Actor(kind=ActorKind.BRAND, id="member_1")
CREATOR = Actor(kind=ActorKind.CREATOR, id="creator_1")
CARRIER = Actor(kind=ActorKind.CARRIER, id="scan_1")
STRIPE = Actor(kind=ActorKind.STRIPE, id="evt_1")
TERMS = "You get one serum. You post one reel. You are paid 220.00 USD."
TERMS_SHA256 = hashlib.sha256(TERMS.encode()).hexdigest()
FEE = Money(amount=22_000, currency="USD")
NO_DRAFT = Policy(needs_draft=False)


def in_type(kind: CampaignType) -> Money | None:
    """The fee of this type."""
    return FEE if kind.pays else None


@dataclass
class Office:
    """One brand in one database."""

    sessions: sessionmaker[Session]
    vault: Vault
    brand_id: str = field(default_factory=lambda: new_id("brand"))
    campaign_id: str = field(default_factory=lambda: new_id("campaign"))
    variant_id: str = field(default_factory=lambda: new_id("variant"))
    clock: datetime = START
    numbers: Any = field(default_factory=itertools.count)
    tails: list[FeeTail] = field(default_factory=list)
    """Of the offers that are made from now on."""

    def open(
        self,
        kind: CampaignType = CampaignType.GIFTING_PAID,
        *,
        stock: int = 10,
        budget: int = 10 * 22_000,
        cost: int = 0,
    ) -> None:
        """A live campaign with one product, its stock (a piece at `cost`), and its declared budget."""
        with self.sessions.begin() as session:
            session.add(
                Brand(
                    id=self.brand_id,
                    name="Hazel",
                    sender_name="Hazel",
                    sender_email="hello@Hazel.example",
                    currency="USD",
                )
            )
            session.flush()
            product_id = new_id("product")
            session.add(Product(id=product_id, brand_id=self.brand_id, name="Serum"))
            session.flush()
            session.add(
                Variant(
                    id=self.variant_id,
                    product_id=product_id,
                    name="30 ml",
                    sku="S30",
                    stock=stock,
                    retail_amount=4200,
                    cost_amount=cost,
                )
            )
            session.add(
                Campaign(
                    id=self.campaign_id,
                    brand_id=self.brand_id,
                    name="Spring",
                    type=kind.value,
                    status=CampaignStatus.LIVE,
                    currency="USD",
                    budget_amount=budget,
                    brief={"summary": "Spring"},
                    offer={},
                    policy={},
                )
            )
            session.flush()
            session.add(CampaignVariant(campaign_id=self.campaign_id, variant_id=self.variant_id))
            count_stock(
                session,
                self.variant_id,
                "USD",
                Counted(0, 0, 0),
                Counted(stock, 0, cost),
                brand_id=self.brand_id,
                actor=HANDSEL,
                at=self.clock,
            )
            if budget:
                money = Money(amount=budget, currency="USD")
                post(
                    session,
                    budget_declared(self.campaign_id, money),
                    brand_id=self.brand_id,
                    actor=HANDSEL,
                    at=self.clock,
                )

    def set_campaign(self, status: CampaignStatus) -> None:
        with self.sessions.begin() as session:
            session.get_one(Campaign, self.campaign_id).status = status

    def queue(
        self, kind: CampaignType = CampaignType.GIFTING_PAID, policy: Policy = NO_DRAFT, count: int = 1
    ) -> list[str]:
        """Creators in the campaign, each with an offer, waiting for the invitation."""
        states = [
            State(
                collaboration_id=new_id("collaboration"),
                campaign_id=self.campaign_id,
                brand_id=self.brand_id,
                creator_id=new_id("creator"),
                offer_id=new_id("offer"),
                type=kind,
                fee=in_type(kind),
                tails=self.tails if kind.pays else [],
                policy=policy,
                zone="Europe/Berlin",
            )
            for _ in range(count)
        ]
        keys = {state.creator_id: self.vault.new_key() for state in states}
        with self.sessions.begin() as session:
            session.add_all([self._creator(state.creator_id, keys[state.creator_id]) for state in states])
            session.flush()
            session.add_all([CreatorKey(creator_id=of, wrapped=key) for of, key in keys.items()])
            session.add_all([self._offer(state) for state in states])
            session.add_all([self._collaboration(state) for state in states])
        return [state.collaboration_id for state in states]

    def _creator(self, creator_id: str, wrapped: bytes) -> Creator:
        email = f"{creator_id}@example.net"
        return Creator(
            id=creator_id,
            brand_id=self.brand_id,
            sealed=self.vault.seal(wrapped, Profile(name="Ada", email=email)),
            email_digest=self.vault.email_digest(email),
            country="DE",
            language="de",
            zone="Europe/Berlin",
            tier="nano",
        )

    def _offer(self, state: State) -> OfferRow:
        return OfferRow(
            id=state.offer_id,
            collaboration_id=state.collaboration_id,
            version=1,
            terms=Offer(
                type=state.type,
                fee=state.fee,
                tails=state.tails,
                deliverables=[Deliverable(platform=Platform.INSTAGRAM, format=Format.REEL)],
            ).model_dump(mode="json"),
            text=TERMS,
            sha256=TERMS_SHA256,
        )

    def _collaboration(self, state: State) -> Collaboration:
        return Collaboration(
            id=state.collaboration_id,
            brand_id=self.brand_id,
            campaign_id=self.campaign_id,
            creator_id=state.creator_id,
            offer_id=state.offer_id,
            stage=state.stage.value,
            since=self.clock,
            state=state.model_dump(mode="json"),
        )

    def state(self, of: str) -> State:
        with self.sessions() as session:
            return State.model_validate(session.get_one(Collaboration, of).state)

    def decided(self, of: str, command: Command, actor: Actor = HANDSEL, request_id: str = "") -> Change:
        """The change that this command would be now."""
        return self._decide(self.state(of), command, actor, request_id)

    def _decide(self, state: State, command: Command, actor: Actor, request_id: str = "") -> Change:
        request = Request(id=request_id or f"test:{next(self.numbers)}", actor=actor, command=command)
        return decide(state, request, self.clock)

    def give(self, of: str, command: Command, actor: Actor = HANDSEL) -> Recorded:
        """Decide and record one command."""
        return record(self.sessions, self.decided(of, command, actor))

    def must(self, of: str, command: Command, actor: Actor = HANDSEL) -> None:
        recorded = self.give(of, command, actor)
        assert not recorded.refused, recorded

    def later(self, **span: float) -> None:
        self.clock += timedelta(**span)

    # --- what creators hand in ------------------------------------------------------------------

    def answer(self, of: str, kind: str = "acceptance", *, sha256: str = TERMS_SHA256) -> str:
        """A stored form."""
        with self.sessions.begin() as session:
            return self._answer(session, self.state(of), kind, sha256)

    def _answer(self, session: Session, state: State, kind: str, sha256: str) -> str:
        form = AnswerForm(
            legal_name="Ada Byron",
            consent=True,
            address=PostalAddress(name="Ada Byron", lines=["Ringweg 7"], city="Jena", country="DE"),
        )
        wrapped = session.get_one(CreatorKey, state.creator_id).wrapped
        answer = Answer(
            id=new_id("answer"),
            collaboration_id=state.collaboration_id,
            creator_id=state.creator_id,
            kind=kind,
            offer_id=state.offer_id,
            offer_sha256=sha256,
            variant_id=self.variant_id,
            sealed=self.vault.seal(wrapped, form),
            country="DE",
            sent_at=self.clock,
        )
        session.add(answer)
        return answer.id

    def submission(self, of: str, kind: str = "live") -> str:
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
        return submission_id

    def link(self, of: str) -> str:
        link_id = new_id("link")
        with self.sessions.begin() as session:
            session.add(
                Link(
                    id=link_id,
                    collaboration_id=of,
                    creator_id=self.state(of).creator_id,
                    expires_at=self.clock + timedelta(days=90),
                )
            )
        return link_id

    def payee(self, of: str, account: str = "acct_1", *, can_receive: bool = True) -> None:
        with self.sessions.begin() as session:
            session.merge(
                Payee(
                    creator_id=self.state(of).creator_id, stripe_account_id=account, can_receive=can_receive
                )
            )

    def report(self, of: str, **changed: Any) -> str:
        """A gate report of this moment in which all passes, unless told otherwise."""
        state = self.state(of)
        passed = Gate(name="fee_owed", result=GateResult.PASS, detail="It is set aside.")
        values: dict[str, Any] = {
            "id": new_id("gate_report"),
            "collaboration_id": of,
            "sequence": state.sequence,
            "payout_id": payout_id(of, state.part),
            "gates": [passed.model_dump(mode="json")],
            "all_pass": True,
            "destination": "acct_1",
            "amount": state.due.amount if state.due else 0,
            "currency": FEE.currency,
            "at": self.clock,
        }
        with self.sessions.begin() as session:
            session.add(GateReport(**values | changed))
        return str((values | changed)["id"])

    # --- shortcuts to a stage -------------------------------------------------------------------

    def invited(self, kind: CampaignType = CampaignType.GIFTING_PAID, policy: Policy = NO_DRAFT) -> str:
        return self.invited_many(1, kind, policy)[0]

    def invited_many(
        self, count: int, kind: CampaignType = CampaignType.GIFTING_PAID, policy: Policy = NO_DRAFT
    ) -> list[str]:
        collaborations = self.queue(kind, policy, count)
        with self.sessions.begin() as session:
            for of in collaborations:
                write(session, self.decided(of, Invite()))
        return collaborations

    def yes_of_all(self, collaborations: list[str]) -> list[Change]:
        """Every creator's form is stored; the changes that their acceptances would be."""
        with self.sessions.begin() as session:
            rows = session.scalars(select(Collaboration).where(Collaboration.id.in_(collaborations))).all()
            states = [State.model_validate(row.state) for row in rows]
            answers = [self._answer(session, state, "acceptance", TERMS_SHA256) for state in states]
        return [
            self._decide(state, self._accept(state, answer_id), CREATOR)
            for state, answer_id in zip(states, answers, strict=True)
        ]

    def _accept(self, state: State, answer_id: str) -> Accept:
        variant_id = self.variant_id if state.type.ships else None
        return Accept(answer_id=answer_id, offer_id=state.offer_id, variant_id=variant_id)

    def yes(self, of: str) -> Accept:
        """The acceptance form, stored, and its command."""
        return self._accept(self.state(of), self.answer(of))

    def accepted(self, kind: CampaignType = CampaignType.GIFTING_PAID, policy: Policy = NO_DRAFT) -> str:
        of = self.invited(kind, policy)
        self.must(of, self.yes(of), CREATOR)
        return of

    def in_production(self, kind: CampaignType = CampaignType.GIFTING_PAID, policy: Policy = NO_DRAFT) -> str:
        of = self.accepted(kind, policy)
        if kind.ships:
            self.must(of, Ship(shipment_id=current_shipment(self.state(of))), BRAND)
            self.later(days=3)
            self.must(of, Deliver(), CARRIER)
        return of

    def payable(self, policy: Policy = NO_DRAFT) -> str:
        of = self.in_production(policy=policy)
        self.must(of, SubmitPost(submission_id=self.submission(of)), CREATOR)
        self.must(of, RecordCheck(check_id=derived_id("disclosure_check", of, 1), outcome="pass"))
        return of

    def paying(self) -> str:
        of = self.payable()
        self.payee(of, f"acct_{of}")
        self.must(of, OpenAttempt(report_id=self.report(of, destination=f"acct_{of}")))
        return of

    def sent(self) -> str:
        of = self.paying()
        self.must(of, SettleAttempt(result="sent", transfer_id=f"tr_{of}"))
        return of

    # --- looking ----------------------------------------------------------------------------------

    def balance(self, account: str) -> int:
        with self.sessions() as session:
            return balance_of(session, account)

    def rows(self, table: Any, of: str) -> list[Any]:
        """Rows of a table that belong to a collaboration."""
        with self.sessions() as session:
            return list(session.scalars(select(table).where(table.collaboration_id == of)))

    def count_everything(self, of: str) -> dict[str, Any]:
        """What a refused change must leave as it was."""
        from infra.tables import Entry, Event, Notice, Payout, Shipment

        with self.sessions() as session:
            row = session.get_one(Collaboration, of)
            variant = session.get_one(Variant, self.variant_id)
            return {
                "row": (row.stage, row.sequence, row.head, row.state, row.attention),
                "reserved": variant.reserved,
                "budget": balance_of(session, f"campaign:{self.campaign_id}:budget"),
                "answers": [
                    (one.id, one.used_at)
                    for one in session.scalars(select(Answer).where(Answer.collaboration_id == of))
                ],
                **{
                    table.__tablename__: len(
                        session.scalars(select(table).where(table.collaboration_id == of)).all()
                    )
                    for table in (Event, Entry, Shipment, Notice, Payout)
                },
            }
