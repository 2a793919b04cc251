"""The next thing that time itself does to a collaboration: when, and by which command.

Deadlines are data of the state, so an extension or an answer moves them by changing the state. The
workflow waits for the earliest alarm and gives its command; the command checks the time once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from domain.clocks import earlier, later, length
from domain.command_table import COMMANDS
from domain.commands import (
    Approve,
    CloseContent,
    Command,
    EscalateHold,
    Expire,
    GrantExtension,
    Lose,
    MarkSilent,
    Recheck,
    Remind,
)
from domain.decisions.fulfilment import LOSS_OF
from domain.stages import STAGES, Attention, Ball, Stage
from domain.state import State

_CONTENT = (Stage.DELIVERED, Stage.IN_PRODUCTION, Stage.CHANGES_REQUESTED, Stage.APPROVED)


class Alarm(NamedTuple):
    """A moment (UTC) and the command that the clock gives then."""

    at: datetime
    command: Command


def next_alarm(state: State) -> Alarm | None:
    """The earliest alarm of this state, or None when time alone changes nothing."""
    return min(_alarms(state), key=lambda alarm: alarm.at, default=None)


def ball(state: State) -> Ball:
    """Who has to do the next thing, as the pages say it."""
    if state.stage is Stage.DISCLOSURE_CHECK and state.remedy_by is None:
        return Ball.BRAND
    if state.stage is Stage.SHIPPED and state.attention is Attention.PARCEL_DISPUTED:
        return Ball.BRAND
    if state.stage is Stage.PAYABLE and state.attention is Attention.PAYEE_MISSING:
        return Ball.CREATOR
    if state.stage is Stage.PAYABLE and state.attention is not None:
        return Ball.BRAND
    return STAGES[state.stage].ball


def _alarms(state: State) -> Iterator[Alarm]:
    if (
        state.held_at is not None
        and not state.hold_overdue
        and state.stage in COMMANDS["escalate_hold"].stages
    ):
        yield Alarm(later(state.held_at, state.policy.payment.hold_alarm, state.zone), EscalateHold())
    if state.stage is Stage.INVITED or state.stage is Stage.ACCEPTED:
        yield from _answer(state, state.policy.invitation_reminders)
    elif state.stage is Stage.PREPARING:
        yield from _shipping(state)
    elif state.stage is Stage.SHIPPED:
        yield from _parcel(state)
    elif state.stage in _CONTENT:
        yield from _content(state)
    elif state.stage is Stage.IN_REVIEW and state.review_by and state.submission_id:
        yield Alarm(state.review_by, Approve(submission_id=state.submission_id))
    elif state.stage is Stage.DISCLOSURE_CHECK and state.remedy_by:
        yield Alarm(state.remedy_by, Recheck())
    elif state.stage is Stage.VERIFIED and state.live_until:
        yield Alarm(state.live_until, Recheck())
    elif state.stage is Stage.PAYABLE and state.attention is Attention.PAYEE_MISSING:
        yield from _reminders_after(state, state.policy.payment_reminders)


def _reminders_after(state: State, offsets: list[str]) -> Iterator[Alarm]:
    if state.since is not None and state.reminders < len(offsets):
        at = later(state.since, sorted(offsets, key=length)[state.reminders], state.zone)
        if state.due_at is None or at < state.due_at:
            yield Alarm(at, Remind())


def _answer(state: State, offsets: list[str]) -> Iterator[Alarm]:
    yield from _reminders_after(state, offsets)
    if state.due_at is not None:
        yield Alarm(state.due_at, Expire())


def _shipping(state: State) -> Iterator[Alarm]:
    if state.attention is None and state.since is not None:
        yield Alarm(later(state.since, state.policy.ship_within, state.zone), MarkSilent())


def _parcel(state: State) -> Iterator[Alarm]:
    if state.dispute:
        if state.review_by is not None:
            yield Alarm(state.review_by, Lose(reason=LOSS_OF[state.dispute]))
        return
    if state.news_at is None:
        return
    if state.attention is None:
        yield Alarm(later(state.news_at, state.policy.silent_after, state.zone), MarkSilent())
    yield Alarm(later(state.news_at, state.policy.lost_after, state.zone), Lose())


def _content(state: State) -> Iterator[Alarm]:
    if state.due_at is None or state.since is None:
        return
    if state.extension and state.extension_at is not None:
        yield Alarm(state.extension_at, GrantExtension())
        return
    offsets = sorted(state.policy.content_reminders, key=length, reverse=True)
    moments = [earlier(state.due_at, offset) for offset in offsets]
    ahead = [moment for moment in moments if moment > state.since]
    if state.reminders < len(ahead):
        yield Alarm(ahead[state.reminders], Remind())
    yield Alarm(later(state.due_at, state.policy.grace, state.zone), CloseContent())
