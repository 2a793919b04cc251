"""The payment gates: readable conditions, each pass, fail, or waiting on somebody until some time.

The same answer is shown to the creator, to ops and to finance, stored, and frozen into the attempt. Money
moves only on a stored report in which every gate passes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.approvals import enough
from domain.commands import CheckOutcome
from domain.gate_facts import Gate, GateFacts, GateResult
from domain.money import Money
from domain.payout_line import UNSURE_LOOKS_AGAIN
from domain.stages import Attention
from domain.terms import money_in_words

ATTENTION_OF: Final[dict[str, Attention]] = {
    "not_held": Attention.PAYOUT_HELD,
    "payee_ready": Attention.PAYEE_MISSING,
    "tax_data_present": Attention.TAX_DATA_MISSING,
    "payee_unchanged": Attention.PAYEE_CHANGED,
    "approvals_given": Attention.AWAITS_APPROVAL,
    "funds_available": Attention.FUNDS_SHORT,
}
"""What to flag when this gate is the one that waits."""

PAID_ELSEWHERE: Final = "paid_elsewhere"
"""Why a payment rests while a person decides whether it was paid outside of Stripe."""
OVERRIDABLE: Final = frozenset(
    {
        "content_complete",
        "disclosure_passed",
        "live_long_enough",
        "tax_data_present",
        "payee_unchanged",
        "not_duplicate",
    }
)
"""Gates that a named person may answer for. What protects the money itself, the agreement, or the approvals
is not among them."""


def assess(facts: GateFacts, now: datetime) -> list[Gate]:
    """Every gate, in the order in which a reader would ask."""
    gates = [
        _terms(facts),
        _parcel(facts),
        _content(facts),
        _disclosure(facts),
        _live_long_enough(facts, now),
        _no_duplicate(facts),
        _owed(facts),
        _not_held(facts),
        _payee(facts),
        _tax_data(facts),
        _payee_unchanged(facts, now),
        _approvals(facts),
        _in_run(facts, now),
        _funds(facts, now),
        _no_other_attempt(facts),
    ]
    return [_answered_for(gate, facts) for gate in gates]


def _answered_for(gate: Gate, facts: GateFacts) -> Gate:
    """The gate as overridden, where a person answers for it and it may be."""
    override = facts.overrides.get(gate.name)
    if override is None or gate.result is GateResult.PASS or gate.name not in OVERRIDABLE:
        return gate
    return gate.model_copy(
        update={
            "result": GateResult.OVERRIDDEN,
            "detail": f"{gate.detail} A person of the brand answers for it: {override.reason}.",
            "waiting_on": "",
            "until": None,
            "event": override.event,
            "override": override,
        }
    )


def but_money(gates: list[Gate]) -> bool:
    """Whether nothing is in the way but money, or the hour of the run."""
    return all_pass([gate for gate in gates if gate.name not in ("funds_available", "in_payout_run")])


def all_pass(gates: list[Gate]) -> bool:
    """Whether money may move: each gate passes, or a named person answers for it."""
    return all(gate.result in (GateResult.PASS, GateResult.OVERRIDDEN) for gate in gates)


def look_at(gates: list[Gate], now: datetime) -> datetime | None:
    """When time alone changes an answer next."""
    moments = [
        gate.until
        for gate in gates
        if gate.result is GateResult.WAITING and gate.waiting_on == "time" and gate.until is not None
    ]
    return min((moment for moment in moments if moment > now), default=None)


def flag_of(gates: list[Gate], facts: GateFacts) -> str:
    """The attention that the first gate in the way asks for; empty when only time is waited for."""
    for gate in gates:
        if gate.result is GateResult.FAIL:
            return Attention.GATE_FAILED.value
    for gate in gates:
        if (
            gate.result is GateResult.WAITING
            and gate.name in ATTENTION_OF
            and not _settles_itself(gate, facts)
        ):
            return _attention_of(gate.name, facts).value
    return ""


def _settles_itself(gate: Gate, facts: GateFacts) -> bool:
    """Money is under way in the line, and nobody was told before that it is short."""
    return gate.name == "funds_available" and gate.waiting_on == "time" and not facts.parked


def _attention_of(name: str, facts: GateFacts) -> Attention:
    if name == "not_held" and facts.held == PAID_ELSEWHERE:
        return Attention.OFF_PLATFORM_ASKED
    if name == "not_held" and facts.hold_overdue:
        return Attention.HOLD_OVERDUE
    return ATTENTION_OF[name]


def _gate(name: str, passed: bool, yes: str, no: str, event: int | None = None) -> Gate:
    result = GateResult.PASS if passed else GateResult.FAIL
    return Gate(name=name, result=result, detail=yes if passed else no, event=event)


def _terms(facts: GateFacts) -> Gate:
    same = bool(facts.terms_sha256) and facts.terms_sha256 == facts.accepted_sha256
    return _gate(
        "terms_accepted",
        same and facts.accepted_event is not None,
        "The creator accepted exactly these terms.",
        "The accepted text is not the text of the offer.",
        facts.accepted_event,
    )


def _parcel(facts: GateFacts) -> Gate:
    if not facts.type.ships:
        return _gate("parcel_arrived", True, "Nothing is shipped in this campaign.", "")
    return _gate(
        "parcel_arrived",
        facts.delivered_event is not None,
        "The parcel arrived.",
        "No arrival of the parcel is recorded.",
        facts.delivered_event,
    )


def _earned_before(name: str, facts: GateFacts) -> Gate:
    return _gate(name, True, f"This was earned with payment {facts.belongs_to}.", "")


def _content(facts: GateFacts) -> Gate:
    if facts.belongs_to:
        return _earned_before("content_complete", facts)
    return _gate(
        "content_complete",
        facts.posts_live >= facts.pieces_owed,
        "Every piece that was agreed is handed in.",
        f"{facts.posts_live} of {facts.pieces_owed} agreed pieces are handed in.",
    )


def _disclosure(facts: GateFacts) -> Gate:
    if facts.belongs_to:
        return _earned_before("disclosure_passed", facts)
    if facts.accepted_by_person is not None:
        return _gate(
            "disclosure_passed",
            True,
            "A person looked at the post and accepted it with a reason.",
            "",
            facts.accepted_by_person,
        )
    return _gate(
        "disclosure_passed",
        facts.last_check is CheckOutcome.PASS,
        "The live post is correctly marked.",
        "The last check of the live post did not pass.",
        facts.check_event,
    )


def _live_long_enough(facts: GateFacts, now: datetime) -> Gate:
    if facts.belongs_to:
        return _earned_before("live_long_enough", facts)
    if facts.live_until is not None and now < facts.live_until:
        return Gate(
            name="live_long_enough",
            result=GateResult.WAITING,
            detail="The post has to stay live a little longer.",
            waiting_on="time",
            until=facts.live_until,
        )
    return _gate(
        "live_long_enough",
        facts.verified_at is not None,
        "The post has been live as long as agreed.",
        "The post was never verified.",
    )


def _owed(facts: GateFacts) -> Gate:
    return _gate(
        "fee_owed",
        facts.fee > 0 and facts.held_for_fee >= facts.fee,
        "The fee is set aside for the creator in the ledger.",
        "The ledger does not owe this fee to the creator.",
    )


def _payee(facts: GateFacts) -> Gate:
    if facts.payee_account and facts.payee_can_receive:
        return _gate("payee_ready", True, "The creator's payment account can receive money.", "")
    detail = (
        "The payment account is not complete yet."
        if facts.payee_account
        else "The creator has not set up a payment account yet."
    )
    return Gate(
        name="payee_ready",
        result=GateResult.WAITING,
        detail=detail,
        waiting_on="creator",
        until=facts.pay_by,
    )


def _no_duplicate(facts: GateFacts) -> Gate:
    return _gate(
        "not_duplicate",
        not facts.duplicate_of,
        "Nothing was paid for the same before.",
        f"The same may be paid already: {facts.duplicate_of}.",
    )


def _not_held(facts: GateFacts) -> Gate:
    if not facts.held:
        return _gate("not_held", True, "The payment is not held.", "")
    return Gate(
        name="not_held",
        result=GateResult.WAITING,
        detail=f"The payment is held for a closer look: {facts.held}.",
        waiting_on="finance",
        until=facts.pay_by,
        event=facts.hold_event,
    )


def _tax_data(facts: GateFacts) -> Gate:
    if not facts.tax_data_missing:
        return _gate("tax_data_present", True, "No tax data is missing.", "")
    return Gate(
        name="tax_data_present",
        result=GateResult.WAITING,
        detail="Stripe still asks the creator for tax data.",
        waiting_on="creator",
        until=facts.pay_by,
    )


def _payee_unchanged(facts: GateFacts, now: datetime) -> Gate:
    until = facts.payee_changed_until
    if until is None or now >= until:
        return _gate("payee_unchanged", True, "The payment details did not change lately.", "")
    return Gate(
        name="payee_unchanged",
        result=GateResult.WAITING,
        detail="The payment details changed a short while ago; the payment rests for safety.",
        waiting_on="time",
        until=until,
    )


def _approvals(facts: GateFacts) -> Gate:
    wanted, given = facts.need, facts.approvals
    if wanted.approvals == 0:
        return _gate("approvals_given", True, "No approval is needed for this amount.", "")
    last = max((one.event for one in given), default=None)
    if enough(wanted, given):
        count = len({one.member_id for one in given})
        return _gate("approvals_given", True, f"Approved by {count} of {wanted.approvals}.", "", last)
    owner = ", one of them by an owner" if wanted.owner else ""
    return Gate(
        name="approvals_given",
        result=GateResult.WAITING,
        detail=f"{len(given)} of {wanted.approvals} approvals are given{owner}.",
        waiting_on="finance",
        until=facts.pay_by,
        event=last,
    )


def _in_run(facts: GateFacts, now: datetime) -> Gate:
    if facts.run_at is None or now >= facts.run_at:
        return _gate("in_payout_run", True, "It goes out now.", "")
    return Gate(
        name="in_payout_run",
        result=GateResult.WAITING,
        detail="It goes out with the payments of the day.",
        waiting_on="time",
        until=facts.run_at,
    )


def _funds(facts: GateFacts, now: datetime) -> Gate:
    line = facts.line
    if line is None or line.covered:
        return _gate("funds_available", True, "The paying balance covers the fee.", "")
    place = f"Place {line.place} of {line.of} in the payout run"
    if not line.certain:
        return Gate(
            name="funds_available",
            result=GateResult.WAITING,
            detail=f"{place}; payments before it are with Stripe, and the balance is looked at again.",
            waiting_on="time",
            until=now + UNSURE_LOOKS_AGAIN,
        )
    lacking, whole = (
        money_in_words(Money(amount=amount, currency=facts.currency))
        for amount in (line.lacking, line.shortage)
    )
    return Gate(
        name="funds_available",
        result=GateResult.WAITING,
        detail=f"{place}; the paying balance lacks {lacking} for this fee, and {whole} for the whole run.",
        waiting_on="finance",
        until=facts.pay_by,
    )


def _no_other_attempt(facts: GateFacts) -> Gate:
    return _gate(
        "no_open_attempt",
        not facts.open_attempt,
        "No payment is under way for this.",
        "A payment is under way already.",
    )
