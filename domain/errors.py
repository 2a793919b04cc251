"""Every refusal and failure that Handsel names, in one tree.

    HandselError
    ├── Refused                 the request is understood and not allowed; nothing was changed
    │   ├── IllegalCommand      this command does not exist at this stage, or not for this actor
    │   ├── Invalid             a field is missing or wrong; `field` names it
    │   ├── SoldOut             no piece or no budget is left to promise
    │   ├── NotOpen             the campaign is paused, closed or cancelled
    │   ├── LinkRefused         an e-mailed link is forged, expired, revoked or used elsewhere
    │   ├── NotFound            no such thing for this brand
    │   ├── Unauthorised        nobody, or a wrong key
    │   ├── Forbidden           a known actor whose role does not allow it
    │   └── IdempotencyConflict the same key came with other content
    └── Defect                  a promise of the program itself is broken; a person must look

Each carries a stable `code` (linked to docs/errors.md), a plain sentence, and the HTTP status that
the API answers. Nothing here knows of HTTP libraries, Temporal or the database.
"""

from __future__ import annotations


class HandselError(Exception):
    """Base of all named errors. `code` is stable and documented; `status` is the HTTP status."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class Refused(HandselError):
    """The request was understood, is not allowed, and changed nothing."""

    code = "refused"
    status = 409


class IllegalCommand(Refused):
    """The command does not exist at this stage, or this actor may not give it."""

    code = "illegal_command"


class Invalid(Refused):
    """A field is missing or wrong; `field` names it."""

    code = "invalid"
    status = 422


class SoldOut(Refused):
    """No piece of stock or no budget is left to promise."""

    code = "sold_out"


NOTHING_LEFT = frozenset({"sold_out", "budget_short"})
"""Codes of `SoldOut`: what was asked for may be had another way, or later."""


class NotOpen(Refused):
    """The campaign is paused, closed or cancelled."""

    code = "campaign_not_open"


class LinkRefused(Refused):
    """An e-mailed link is forged, expired, revoked or bound to another device."""

    code = "link_refused"
    status = 403


class NotFound(Refused):
    """No such thing for this brand; also said of things that belong to another brand."""

    code = "not_found"
    status = 404


class Unauthorised(Refused):
    """No credentials, or wrong ones."""

    code = "unauthorised"
    status = 401


class Forbidden(Refused):
    """A known actor whose role does not allow this."""

    code = "forbidden"
    status = 403


class IdempotencyConflict(Refused):
    """The same idempotency key came with other content."""

    code = "idempotency_conflict"
    status = 409


class Defect(HandselError):
    """A promise of the program itself is broken: never the caller's fault."""

    code = "defect"
