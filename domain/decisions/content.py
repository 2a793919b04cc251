"""Content before it is live: drafts, reviews, revisions, extensions, reminders, and the end of the clock.

Clocks bind both sides: the brand's silence on a draft or on an extension is consent.
"""

from __future__ import annotations

from domain.clocks import later, length
from domain.decisions.closing import close
from domain.decisions.turn import Handler, Turn
from domain.errors import IllegalCommand, Invalid
from domain.notices import NoticeKind
from domain.roles import ActorKind
from domain.stages import Attention, Stage
from domain.state import CheckDraft, MarkSubmission, State

_REMINDER = {
    Stage.INVITED: NoticeKind.INVITATION_REMINDER,
    Stage.ACCEPTED: NoticeKind.ADDRESS_REMINDER,
    Stage.DELIVERED: NoticeKind.CONTENT_REMINDER,
    Stage.IN_PRODUCTION: NoticeKind.CONTENT_REMINDER,
    Stage.CHANGES_REQUESTED: NoticeKind.CONTENT_REMINDER,
    Stage.APPROVED: NoticeKind.CONTENT_REMINDER,
    Stage.PAYABLE: NoticeKind.PAYMENT_SETUP,
}


def remind(turn: Turn) -> None:
    """The next reminder of this stage."""
    turn.set(reminders=turn.state.reminders + 1)
    turn.happen("reminder_sent", number=turn.state.reminders)
    turn.notify(_REMINDER[turn.state.stage], turn.state.sequence + 1)


def refuse_when_over(turn: Turn) -> None:
    """Content is taken until due date and grace are over."""
    state = turn.state
    if state.due_at is not None and turn.now > later(state.due_at, state.policy.grace, state.zone):
        raise IllegalCommand("the time for content is over", code="content_too_late")


def is_late(state: State, turn: Turn) -> bool:
    """Whether the content comes after its due date (and within the grace)."""
    return state.due_at is not None and turn.now > state.due_at


def submit_draft(turn: Turn) -> None:
    """A draft: now the brand's clock runs, and none of the creator's."""
    state, submission_id = turn.state, turn.command.submission_id
    if not state.draft_first:
        raise IllegalCommand("no draft is needed; post and hand in its address", code="no_draft")
    refuse_when_over(turn)
    late = is_late(state, turn)
    _drop_extension(turn)
    turn.do(
        MarkSubmission(submission_id=submission_id, state="in_review"),
        CheckDraft(submission_id=submission_id),
    )
    turn.set(
        drafts=state.drafts + 1,
        submission_id=submission_id,
        due_at=None,
        review_by=turn.after(state.policy.review_within),
    )
    turn.happen("draft_submitted", Stage.IN_REVIEW, submission_id=submission_id, late=late)


def _of_current_draft(turn: Turn) -> None:
    if turn.command.submission_id != turn.state.submission_id:
        raise IllegalCommand("a newer draft was handed in", code="other_draft")


def request_changes(turn: Turn) -> None:
    """Ask for changes, as often as the offer says."""
    state = turn.state
    _of_current_draft(turn)
    if state.revisions >= state.policy.revisions:
        raise IllegalCommand(
            f"the offer allows {state.policy.revisions} rounds of changes", code="revision_limit"
        )
    turn.do(MarkSubmission(submission_id=turn.command.submission_id, state="changes_requested"))
    turn.set(
        revisions=state.revisions + 1,
        review_by=None,
        due_at=turn.after(state.policy.revise_within),
    )
    turn.happen(
        "changes_requested",
        Stage.CHANGES_REQUESTED,
        submission_id=turn.command.submission_id,
        round=state.revisions + 1,
    )
    turn.notify(NoticeKind.CHANGES_REQUESTED, state.revisions + 1)


def approve(turn: Turn) -> None:
    """Approve the draft; the clock does it when the brand's time is over."""
    state = turn.state
    _of_current_draft(turn)
    by_clock = turn.request.actor.kind is ActorKind.CLOCK
    if by_clock and (state.review_by is None or turn.now < state.review_by):
        raise IllegalCommand("the brand still has time to review", code="too_early")
    turn.do(MarkSubmission(submission_id=turn.command.submission_id, state="approved"))
    turn.set(review_by=None, due_at=turn.after(state.policy.post_within))
    turn.happen(
        "draft_approved",
        Stage.APPROVED,
        submission_id=turn.command.submission_id,
        by_silence=by_clock,
    )
    turn.notify(NoticeKind.DRAFT_APPROVED, state.drafts)


def ask_extension(turn: Turn) -> None:
    """More time: granted at once within the policy, else the brand is asked."""
    state, span = turn.state, turn.command.span
    if state.due_at is None:
        raise IllegalCommand("no clock is running", code="no_clock")
    if state.extension:
        raise IllegalCommand("you asked already; the brand has it", code="already_asked")
    refuse_when_over(turn)
    total = state.extended + int(length(span).total_seconds())
    if length(span).total_seconds() == 0 or total > length(state.policy.extension_max).total_seconds():
        raise Invalid(f"at most {state.policy.extension_max} more in all is possible", field="span")
    if total <= length(state.policy.extension_auto).total_seconds():
        turn.happen("extension_asked", span=span)
        _extend(turn, span)
        return
    turn.set(extension=span, extension_at=turn.after(state.policy.review_within))
    turn.flag(Attention.EXTENSION_ASKED)
    turn.happen("extension_asked", span=span)


def _extend(turn: Turn, span: str) -> None:
    state = turn.state
    if state.due_at is None:
        raise IllegalCommand("no clock is running", code="no_clock")
    _drop_extension(turn)
    turn.set(
        due_at=later(state.due_at, span, state.zone),
        extended=state.extended + int(length(span).total_seconds()),
    )
    turn.happen("extension_granted", span=span)
    turn.notify(NoticeKind.EXTENSION_GRANTED, turn.state.sequence + len(turn.events))


def _drop_extension(turn: Turn) -> None:
    turn.set(extension="", extension_at=None)
    if turn.state.attention is Attention.EXTENSION_ASKED:
        turn.settle()


def grant_extension(turn: Turn) -> None:
    """Grant what was asked; the clock does it when the brand does not answer."""
    state = turn.state
    if not state.extension:
        raise IllegalCommand("nobody asked for more time", code="nothing_asked")
    if turn.request.actor.kind is ActorKind.CLOCK and (
        state.extension_at is None or turn.now < state.extension_at
    ):
        raise IllegalCommand("the brand still has time to answer", code="too_early")
    _extend(turn, state.extension)


def refuse_extension(turn: Turn) -> None:
    """The due date stays."""
    if not turn.state.extension:
        raise IllegalCommand("nobody asked for more time", code="nothing_asked")
    _drop_extension(turn)
    turn.happen("extension_refused")
    turn.notify(NoticeKind.EXTENSION_REFUSED, turn.state.sequence + 1)


def close_content(turn: Turn) -> None:
    """Due date and grace are over: no post. A plain gift owes none, so no mark is made."""
    state = turn.state
    if state.due_at is None or turn.now < later(state.due_at, state.policy.grace, state.zone):
        raise IllegalCommand("the time is not over yet", code="too_early")
    reason = "not_delivered" if state.type.owes_content else "not_owed"
    close(turn, "content_closed", Stage.NO_POST, reason)
    turn.notify(NoticeKind.CLOSED_NO_POST)


HANDLERS: dict[str, Handler] = {
    "remind": remind,
    "submit_draft": submit_draft,
    "request_changes": request_changes,
    "approve": approve,
    "ask_extension": ask_extension,
    "grant_extension": grant_extension,
    "refuse_extension": refuse_extension,
    "close_content": close_content,
}
