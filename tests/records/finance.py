"""The finance people of an office: members, rules of approval, payments that wait, Stripe's word on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from activities.errands import Errand
from activities.gates import report
from activities.payments_port import PayeeStatus
from activities.stripe_messages import StripeMessages
from domain.approvals import ApprovalRules
from domain.commands import ApprovePayout, CheckOutcome, OpenAttempt
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.policy import Policy
from domain.roles import Actor, ActorKind, Role
from infra.ids import new_id
from infra.ledger_check import check, trial_balance
from infra.tables import ApprovalRuleSet, DisclosureCheck, GateReport, Inbox, Member, PaymentDocument, Post
from tests.records.office import NO_DRAFT, Office

ONE_APPROVAL: dict[str, Any] = {"tiers": {"USD": [{"above": 0, "approvals": 1}]}}
TWO_APPROVALS: dict[str, Any] = {"tiers": {"USD": [{"above": 0, "approvals": 2}]}}


def person(office: Office, role: Role = Role.FINANCE) -> Actor:
    """A new member of the brand."""
    member_id = new_id("member")
    with office.sessions.begin() as session:
        session.add(
            Member(
                id=member_id,
                brand_id=office.brand_id,
                name="Mo",
                email=f"{member_id}@hazel.example",
                role=role.value,
            )
        )
    return Actor(kind=ActorKind.BRAND, id=member_id)


def set_rules(office: Office, rules: dict[str, Any], version: int = 1) -> None:
    """The brand's rules from now on."""
    ApprovalRules.model_validate(rules)
    with office.sessions.begin() as session:
        session.add(
            ApprovalRuleSet(
                id=new_id("approval_rules"),
                brand_id=office.brand_id,
                version=version,
                rules=rules,
                made_by="brand:somebody",
            )
        )


def waiting(office: Office, *, url: str = "", policy: Policy = NO_DRAFT) -> str:
    """A payable collaboration with everything that the gates look at, payee included."""
    of = office.payable(policy)
    office.payee(of, f"acct_{of}")
    seen(office, of, url)
    return of


def seen(office: Office, of: str, url: str = "") -> None:
    """The live post of a payable collaboration, and the check that found it as agreed."""
    check_found(office, of, 1)
    with office.sessions.begin() as session:
        session.add(
            Post(
                id=new_id("post"),
                submission_id=office.state(of).post_id or "",
                collaboration_id=of,
                deliverable=0,
                platform="instagram",
                format="reel",
                url=url or f"https://social.example/{of}",
            )
        )


def check_found(office: Office, of: str, number: int, outcome: CheckOutcome = CheckOutcome.PASS) -> str:
    """The stored check of this number, and what it found; gives its id."""
    check_id = derived_id("disclosure_check", of, number)
    with office.sessions.begin() as session:
        session.add(
            DisclosureCheck(
                id=check_id,
                collaboration_id=of,
                submission_id=office.state(of).post_id or "",
                number=number,
                outcome=outcome.value,
                reason="",
                pack="US@1",
                findings=[],
                input=[],
                input_sha256="",
                checked_at=office.clock,
            )
        )
    return check_id


def document(office: Office, of: str, name: str = "a") -> str:
    """A stored document that says that this payment was made elsewhere; gives its id."""
    document_id = derived_id("payment_document", of, name)
    with office.sessions.begin() as session:
        session.add(
            PaymentDocument(
                id=document_id,
                brand_id=office.brand_id,
                payout_id=payout_id(of),
                object_key="k",
                file_name="receipt.pdf",
                media_type="application/pdf",
                size=10,
                sha256="ab" * 32,
                uploaded_by="brand:x",
            )
        )
    return document_id


def gates(office: Office, of: str, **known: Any) -> tuple[str, dict[str, Any]]:
    """A fresh report by the real rules: its id, and each gate by name."""
    answer = report(office.sessions, of, office.state(of).sequence, **known)
    with office.sessions() as session:
        row = session.get_one(GateReport, answer.report_id)
        assert row.all_pass == answer.all_pass
        return answer.report_id, {gate["name"]: gate for gate in row.gates}


def approve(of: str, part: int = 1) -> ApprovePayout:
    """The command."""
    return ApprovePayout(payout_id=payout_id(of, part))


def pay(office: Office, of: str) -> None:
    """Open the attempt on a fresh report, which must pass."""
    report_id, found = gates(office, of)
    in_the_way = [name for name, gate in found.items() if gate["result"] not in ("pass", "overridden")]
    assert in_the_way == []
    office.must(of, OpenAttempt(report_id=report_id))


def sound(office: Office) -> None:
    """Every invariant of the books holds."""
    with office.sessions() as session:
        assert check(session) == []
        assert sum(line.amount for line in trial_balance(session)) == 0


class Quiet:
    """A Stripe that knows every account, which can receive, and can tell nothing else."""

    def payee_status(self, account_id: str) -> PayeeStatus:
        return PayeeStatus(
            account_id=account_id,
            can_receive=True,
            status="active",
            requirements_due=[],
            disabled_reason=None,
        )


def told(office: Office, kind: str, **body: object) -> list[Errand]:
    """What a message of Stripe's comes to."""
    messages = StripeMessages(office.sessions, Quiet())  # type: ignore[arg-type] # only what is asked of it
    row = Inbox(source="stripe", external_id="evt", type=kind, body=body, received_at=datetime.now(UTC))
    return messages.errands(row)
