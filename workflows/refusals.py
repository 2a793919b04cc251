"""Carries the domain's refusals over Temporal's boundary, and reads them back on the other side.

The domain knows nothing of Temporal. A plain exception in a handler would retry the workflow task for ever,
so every refusal becomes an `ApplicationError` with its code, class and field.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain import errors

_CLASSES = {
    error.__name__: error
    for error in (
        errors.Refused,
        errors.IllegalCommand,
        errors.Invalid,
        errors.SoldOut,
        errors.NotOpen,
        errors.NotFound,
        errors.Forbidden,
    )
}


def to_application_error(error: errors.Refused) -> ApplicationError:
    """The refusal as Temporal carries it: expected, and never retried."""
    return ApplicationError(
        error.message,
        type(error).__name__,
        error.field,
        type=error.code,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def from_application_error(error: ApplicationError) -> errors.Refused:
    """The refusal as the domain raised it."""
    name, field = ([*error.details, None, None])[:2]
    kind = _CLASSES.get(str(name), errors.Refused)
    return kind(error.message, code=error.type, field=field)


@contextmanager
def refusals() -> Iterator[None]:
    """Within this block a refusal of the domain leaves as an `ApplicationError`."""
    try:
        yield
    except errors.Refused as error:
        raise to_application_error(error) from error
