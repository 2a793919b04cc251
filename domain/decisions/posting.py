"""The live post: handed in, checked, mended, verified, accepted or rejected by a person.

Only a passing check, or a person's named reason in its place, leads to money or to a good end.
"""

from __future__ import annotations

from domain.approvals import is_person
from domain.clocks import length
from domain.commands import CheckOutcome
from domain.decisions.closing import close
from domain.decisions.content import is_late, refuse_when_over
from domain.decisions.parts import go_on, take_earning_back, withhold_the_rest
from domain.decisions.turn import Handler, Turn
from domain.errors import Forbidden, IllegalCommand
from domain.notices import NoticeKind
from domain.proof import PROOF_NEEDED
from domain.roles import ActorKind
from domain.stages import Attention, Stage
from domain.state import MarkSubmission, Scalar

MOST_CHECKS = 40
"""Looks at one collaboration's post; a bound against a page that is clicked all day."""


def submit_post(turn: Turn) -> None:
    """The post is live; reading it is Handsel's next duty."""
    state, submission_id = turn.state, turn.command.submission_id
    before_approval = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED)
    if state.draft_first and state.stage in before_approval:
        raise IllegalCommand("hand in a draft first; post when it is approved", code="draft_first")
    refuse_when_over(turn)
    late = is_late(state, turn)
    turn.settle()
    turn.do(MarkSubmission(submission_id=submission_id, state="live"))
    turn.set(accepted_by="", post_id=submission_id, due_at=None, extension="", extension_at=None)
    turn.happen("post_submitted", Stage.POSTED, submission_id=submission_id, late=late)


def record_check(turn: Turn) -> None:
    """What the check found decides who has the ball."""
    command = turn.command
    turn.set(checks=turn.state.checks + 1)
    facts = {"check_id": command.check_id, "reason": command.reason}
    if command.outcome is CheckOutcome.PASS:
        turn.happen("disclosure_passed", Stage.VERIFIED, **facts)
        _verify(turn)
    elif command.outcome is CheckOutcome.NEEDS_REVIEW and command.unchanged and _judged(turn):
        turn.happen("post_unchanged", Stage.VERIFIED, **facts)
        _verify(turn)
    elif command.outcome is CheckOutcome.NEEDS_REVIEW:
        _ask_person(turn, "disclosure_unsure", Attention.POST_UNSURE, facts)
    elif command.outcome is CheckOutcome.UNREADABLE:
        _ask_person(turn, "post_unreadable", Attention.POST_UNREADABLE, facts)
    elif turn.state.remedy_over:
        _ask_person(turn, "post_not_mended", Attention.POST_NOT_MENDED, facts)
    else:
        _ask_creator(turn, facts)


def _judged(turn: Turn) -> bool:
    """Whether a person has accepted the post, and nobody waits for one: the same is not asked twice."""
    return turn.state.verified_at is not None and turn.state.attention is None


def _ask_person(turn: Turn, event: str, reason: Attention, facts: dict[str, str]) -> None:
    turn.flag(reason)
    turn.set(remedy_by=None)
    turn.happen(event, Stage.DISCLOSURE_CHECK, **facts)
    if facts["reason"] == PROOF_NEEDED:
        turn.notify(NoticeKind.PROOF_WANTED, turn.state.sequence + 1)


def _ask_creator(turn: Turn, facts: dict[str, str]) -> None:
    state = turn.state
    turn.set(
        remedies=state.remedies + 1,
        remedy_by=state.remedy_by or turn.after(state.policy.remedy_within),
        verified_at=None,
        live_until=None,
        pay_by=None,
    )
    if turn.command.outcome is CheckOutcome.FAIL:
        turn.happen("disclosure_failed", Stage.DISCLOSURE_CHECK, **facts)
        turn.notify(NoticeKind.DISCLOSURE_FIX, turn.state.remedies)
    else:
        turn.happen("post_problem", Stage.DISCLOSURE_CHECK, problem=turn.command.outcome.value, **facts)
        turn.notify(NoticeKind.POST_PROBLEM, turn.state.remedies)


def _verify(turn: Turn) -> None:
    """Verified: wait while the post has to stay live, then pay or complete."""
    state = turn.state
    turn.settle()
    turn.set(remedy_by=None, remedy_over=False)
    if state.post_id is not None:
        turn.do(MarkSubmission(submission_id=state.post_id, state="accepted"))
    if state.verified_at is None:
        turn.set(verified_at=turn.now, watch=state.watch + bool(state.policy.watch_after))
        if not state.type.pays and length(state.policy.live_for).total_seconds() > 0:
            turn.set(live_until=turn.after(state.policy.live_for))
            return
    elif state.live_until is not None and turn.now < state.live_until:
        return
    go_on(turn)


def recheck(turn: Turn) -> None:
    """Look at the post again. The clock's look at the end of the remedy time is the last one."""
    state = turn.state
    by_clock = turn.request.actor.kind is ActorKind.CLOCK
    if not by_clock and state.checks >= MOST_CHECKS:
        raise IllegalCommand("this post was looked at too often", code="too_many_checks")
    if by_clock:
        deadline = state.live_until if state.stage is Stage.VERIFIED else state.remedy_by
        if deadline is None or turn.now < deadline:
            raise IllegalCommand("the time is not over yet", code="too_early")
        turn.set(remedy_over=state.stage is Stage.DISCLOSURE_CHECK)
    turn.set(accepted_by="")
    turn.happen("check_requested", Stage.POSTED)


def accept_post(turn: Turn) -> None:
    """A person's reason stands in for the check; where the policy says so, two people's."""
    reason = {"reason": turn.command.reason, **_remark(turn)}
    if turn.state.policy.accept_by_two and not _second(turn):
        turn.set(accepted_by=turn.request.actor.id)
        turn.happen("acceptance_begun", None, **reason)
        return
    turn.set(accepted_by="")
    turn.happen("post_accepted", Stage.VERIFIED, **reason)
    _verify(turn)
    turn.notify(NoticeKind.POST_ACCEPTED, turn.state.sequence + 1)


def _second(turn: Turn) -> bool:
    """Whether another person accepted before. Raises when it is no person, or the same one."""
    actor = turn.request.actor
    if not is_person(actor):
        raise Forbidden("a person has to do this; an API key cannot", code="needs_person")
    if turn.state.accepted_by == actor.id:
        raise Forbidden("another person has to accept it too", code="four_eyes")
    return bool(turn.state.accepted_by)


def _remark(turn: Turn) -> dict[str, Scalar]:
    return {"remark_id": turn.command.remark_id} if turn.command.remark_id else {}


def reject_post(turn: Turn) -> None:
    """A person ends it: what is not earned goes back to the campaign."""
    if turn.state.post_id is not None:
        turn.do(MarkSubmission(submission_id=turn.state.post_id, state="rejected"))
    turn.set(accepted_by="")
    if turn.state.parts and any(part.over for part in turn.state.parts):
        withhold_the_rest(turn, turn.command.reason, _remark(turn))
        turn.notify(NoticeKind.TAIL_WITHHELD)
        return
    close(turn, "post_rejected", Stage.FAILED, turn.command.reason, facts=_remark(turn))
    turn.notify(NoticeKind.POST_REJECTED)


def record_look(turn: Turn) -> None:
    """What the watch found. Before payment the check begins anew; after it people are told."""
    state, command = turn.state, turn.command
    if command.watch != state.watch:
        raise IllegalCommand("another watch is kept over this post", code="other_watch")
    waits = state.stage in (Stage.VERIFIED, Stage.PAYABLE)
    if waits and (state.current is None or state.current.of_the_fee):
        _before_payment(turn)
    else:
        _after_payment(turn)


def _before_payment(turn: Turn) -> None:
    """The fee is not earned any more, and whoever can mend it has the ball."""
    state, command = turn.state, turn.command
    if command.outcome in (CheckOutcome.PASS, CheckOutcome.UNREADABLE):
        raise IllegalCommand("there is nothing to mend", code="no_finding")
    facts = {"check_id": command.check_id, "reason": command.reason}
    if state.stage is Stage.PAYABLE:
        take_earning_back(turn)
        turn.settle()
        turn.set(payable_at=None)
    if command.outcome is CheckOutcome.NEEDS_REVIEW:
        _ask_person(turn, "disclosure_unsure", Attention.POST_UNSURE, facts)
    else:
        _ask_creator(turn, facts)


def _after_payment(turn: Turn) -> None:
    """Nothing moves by itself: a person is asked, and the creator is asked to mend it.

    A late fee or what is paid again goes on; a tail is not earned before the post was read anew (`go_on`).
    """
    command = turn.command
    facts = {"check_id": command.check_id, "reason": command.reason}
    if command.outcome is CheckOutcome.PASS:
        if not turn.state.changed:
            raise IllegalCommand("nothing is open about this post", code="no_finding")
        turn.set(changed=False)
        turn.settle_earlier()
        turn.happen("post_mended", **facts)
        return
    turn.set(changed=True)
    turn.flag_earlier(Attention.POST_CHANGED)
    turn.happen("post_changed", problem=command.outcome.value, **facts)
    if command.outcome in (CheckOutcome.FAIL, CheckOutcome.REMOVED, CheckOutcome.WRONG_AUTHOR):
        turn.notify(NoticeKind.POST_CHANGED, turn.state.sequence + 1)


def settle_finding(turn: Turn) -> None:
    """A person's word on what the watch found; a refund is finance's own decision."""
    if not turn.state.changed:
        raise IllegalCommand("nothing is open about this post", code="no_finding")
    turn.set(changed=False)
    turn.settle_earlier()
    facts = {"verdict": turn.command.verdict, "reason": turn.command.reason, **_remark(turn)}
    turn.happen("finding_settled", None, **facts)


HANDLERS: dict[str, Handler] = {
    "submit_post": submit_post,
    "record_check": record_check,
    "recheck": recheck,
    "accept_post": accept_post,
    "reject_post": reject_post,
    "record_look": record_look,
    "settle_finding": settle_finding,
}
