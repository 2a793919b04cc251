"""The account codes of the journal on the staff's pages: which code each kind of ledger account has.

Only lines that somebody changed are written, and only where nobody else changed them since the page was
shown.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fastapi.responses import Response
from pydantic import ValidationError

from api.auth import PAYS
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors
from api.console.route import LARGEST_FORMS, console_router
from api.console.wording import say
from api.pages.forms import FormRefused
from api.schemas.exports import MAPPABLE, CodeGiven
from domain.errors import Refused
from domain.ledger import ACCOUNT_MEANINGS, kind_of
from infra.account_codes import codes_of, set_code
from infra.tables import AccountCode

router = console_router()
PATH: Final = "/console/account-codes"
LARGEST_FORMS["set_codes_here"] = 100_000
_MEANINGS: Final = {kind_of(name): meaning for name, meaning in ACCOUNT_MEANINGS.items()}


class Line(NamedTuple):
    """One kind of account on the page."""

    account: str
    field: str
    """Its account in names of fields."""
    meaning: str
    row: AccountCode | None


@router.get("/account-codes")
def account_codes_page(view: ViewOf) -> Response:
    """Every kind of account with its code; those of the world's, kind of entry by kind of entry."""
    return _show(view)


@router.post("/account-codes")
def set_codes_here(view: ViewOf) -> Response:
    """Write the lines that were changed. Files that were made before stay as they are."""
    person = view.person
    try:
        with view.all_or_nothing() as session:
            known = codes_of(session, person.brand_id)
            for one in _changed(view, known):
                set_code(session, person.brand_id, one.account, one.code, one.name, person.actor, view.now)
    except Refused as refused:
        return _show(view, errors_of(refused), status_of(refused))
    return view.go(PATH, "codes_set")


def _changed(view: View, known: dict[str, AccountCode]) -> list[CodeGiven]:
    """The lines that say something else than was shown. Raises `FormRefused` for each that is wrong."""
    found: list[CodeGiven] = []
    wrong: dict[str, str] = {}
    for account in MAPPABLE:
        name = _field(account)
        code, title = view.fields.get(f"code-{name}"), view.fields.get(f"name-{name}", "").strip()
        if code is None:
            continue
        code = code.strip()
        shown, now = view.fields.get(f"was-{name}", ""), _said(known.get(account))
        if _joined(code, title) in (shown, now):
            continue
        if shown != now:
            wrong[f"code-{name}"] = say("codes.overtaken")
            continue
        try:
            found.append(CodeGiven(account=account, code=code, name=title))
        except ValidationError as error:
            for one in error.errors():
                part = str(one["loc"][0])
                wrong[f"{part}-{name}"] = say(f"codes.wrong.{part}")
    if wrong:
        raise FormRefused(wrong)
    return found


def _show(view: View, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    known = codes_of(view.session, view.person.brand_id)
    typed = {}
    for account in MAPPABLE:
        name, row = _field(account), known.get(account)
        typed[f"code-{name}"] = row.code if row else ""
        typed[f"name-{name}"] = row.name if row else ""
    was = {f"was-{_field(account)}": _said(known.get(account)) for account in MAPPABLE}
    lines = [Line(one, _field(one), _MEANINGS.get(one, ""), known.get(one)) for one in MAPPABLE]
    return view.page(
        "account_codes.html",
        status,
        kinds=[line for line in lines if not line.account.startswith("world/")],
        entries=[line for line in lines if line.account.startswith("world/")],
        missing=sum(1 for line in lines if line.meaning and line.row is None),
        was=was,
        typed=typed | view.fields if errors else typed,
        payers=PAYS,
        actors=Actors(view.session, view.person.brand_id),
        errors=errors or {},
    )


def _field(account: str) -> str:
    return account.replace(":", ".").replace("/", ".")


def _joined(code: str, name: str) -> str:
    return f"{code} {name}".strip()


def _said(row: AccountCode | None) -> str:
    return _joined(row.code, row.name) if row else ""
