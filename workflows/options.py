"""Timeouts and retries of every activity, in one table; docs/operations.md explains them, a test compares.

start_to_close: the longest honest single try. schedule_to_close: how long the business can wait; left out
where a thing has to be written however long it takes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

from workflows.messages import PAYMENTS_QUEUE


class Options(TypedDict, total=False):
    """Keyword arguments of `workflow.execute_activity`."""

    task_queue: str
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


def _retry(first: float, most: float, attempts: int = 0) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=first),
        maximum_interval=timedelta(seconds=most),
        maximum_attempts=attempts,
    )


RECORD: Options = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": _retry(0.5, 30),
}
CHECK: Options = {
    "start_to_close_timeout": timedelta(seconds=60),
    "schedule_to_close_timeout": timedelta(days=2),
    "retry_policy": _retry(2, 30 * 60),
}
WATCH: Options = {
    "start_to_close_timeout": timedelta(seconds=120),
    "schedule_to_close_timeout": timedelta(hours=12),
    "retry_policy": _retry(2, 30 * 60),
}
ASSESS: Options = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=60),
    "schedule_to_close_timeout": timedelta(hours=6),
    "retry_policy": _retry(2, 5 * 60),
}
TRANSFER: Options = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=60),
    # Below the 24 hours for which Stripe keeps an idempotency key.
    "schedule_to_close_timeout": timedelta(hours=19),
    "retry_policy": _retry(1, 5 * 60),
}
LOOK_UP: Options = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=60),
    "schedule_to_close_timeout": timedelta(hours=6),
    "retry_policy": _retry(5, 5 * 60),
}
CAMPAIGN: Options = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": _retry(0.5, 30),
}
PAGE: Options = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": _retry(1, 60),
}
PUMP: Options = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=12),
    "retry_policy": _retry(0.5, 10),
}
AUDIT_PUMP: Options = {**PUMP}
RECONCILE: Options = {
    "task_queue": PAYMENTS_QUEUE,
    # The first round copies everything that Stripe has; it goes on where it stopped.
    "start_to_close_timeout": timedelta(hours=2),
    "heartbeat_timeout": timedelta(seconds=60),
    "retry_policy": _retry(5, 10 * 60),
}
INBOX_PUMP: Options = {**PUMP, "task_queue": PAYMENTS_QUEUE}
