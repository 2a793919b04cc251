"""The ledger and its files: trial balance at any day, the statement of an account, exports. Reads only."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from fastapi.responses import Response

from api.auth import WORKS, own_brand
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors
from api.console.route import console_router
from api.console.wording import say
from api.export_files import Wanted, export_file
from api.months import months_shown
from api.pages.forms import FormRefused
from domain.errors import Refused
from domain.ledger import ACCOUNT_MEANINGS, kind_of
from infra import books
from infra.exports.columns import COLUMNS
from infra.exports.formats import Format

router = console_router()
LEDGER: Final = "/console/ledger"
EXPORTS: Final = "/console/exports"
_LINES: Final = 100
_MOMENT: Final = timedelta(microseconds=1)
_MOST_ACCOUNTS: Final = 500
_MEANINGS: Final = {kind_of(name): meaning for name, meaning in ACCOUNT_MEANINGS.items()}


@router.get("/ledger")
def ledger_page(view: ViewOf) -> Response:
    """The trial balance at the end of a day, by kind of account or by account."""
    asked = view.asked
    by: books.By = "account" if asked.get("by") == "account" else "kind"
    errors: dict[str, str] = {}
    at = None
    try:
        at = _end_of_day(view, "day")
    except FormRefused as refused:
        errors = refused.by_field
    lines = books.trial_balance(view.session, view.person.brand_id, at=at, by=by)
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.balance
    return view.page(
        "ledger.html",
        422 if errors else 200,
        lines=lines[:_MOST_ACCOUNTS],
        left_out=max(0, len(lines) - _MOST_ACCOUNTS),
        sums=sorted(sums.items()),
        by=by,
        at=at,
        meanings=_MEANINGS,
        typed=asked,
        errors=errors,
    )


@router.get("/ledger/account")
def account_page(view: ViewOf) -> Response:
    """Opening balance, lines with the running balance, closing balance. Raises `NotFound` for no account."""
    asked = view.asked
    errors: dict[str, str] = {}
    since = until = None
    try:
        since, last = _start_of_day(view, "since"), _end_of_day(view, "until")
        until = None if last is None else last + _MOMENT
    except FormRefused as refused:
        errors = refused.by_field
    account, after = asked.get("account", ""), asked.get("after") or None
    found = books.statement(
        view.session,
        view.person.brand_id,
        account,
        since=since,
        until=until,
        after=after,
        limit=_LINES,
    )
    kept = {name: asked[name] for name in ("account", "since", "until") if asked.get(name)}
    return view.page(
        "account.html",
        422 if errors else 200,
        found=found,
        meaning=_MEANINGS.get(kind_of(account), ""),
        kept=kept,
        last=found.lines[-1].entry_id if found.more else "",
        after=after,
        actors=Actors(view.session, view.person.brand_id),
        typed=asked,
        errors=errors,
    )


@router.get("/exports")
def exports_page(view: ViewOf) -> Response:
    """What can be had as a file, of which time, in which form."""
    return _show_exports(view)


@router.get("/exports/file")
def export_file_here(view: ViewOf) -> Response:
    """The file itself, made whole before its first byte leaves."""
    asked = view.asked
    wrong: dict[str, str] = {}
    name, form, month = asked.get("name", ""), asked.get("form", "csv"), asked.get("month", "")
    if name not in COLUMNS:
        wrong["name"] = say("form.choose")
    if form not in get_args(Format):
        wrong["form"] = say("form.choose")
    account = asked.get("account", "").strip() if name == "statement" else ""
    if name == "statement" and not account:
        wrong["account"] = say("form.fill_in")
    if wrong:
        return _show_exports(view, wrong, 422)
    zone = own_brand(view.session, view.person).zone
    try:
        wanted = Wanted.model_validate(
            {"form": form, "month": month or None, "zone": "brand" if asked.get("zone") == "brand" else "utc"}
        )
        return export_file(view.console.sessions, view.person.brand_id, zone, wanted, name, account)
    except Refused as refused:
        return _show_exports(view, errors_of(refused), status_of(refused))


def _show_exports(view: View, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    months, _ = months_shown(view.session, view.person.brand_id, limit=120)
    return view.page(
        "exports.html",
        status,
        names=[(name, say(f"exports.what.{name}")) for name in COLUMNS],
        columns=COLUMNS,
        forms=[(form, say(f"exports.as.{form}")) for form in get_args(Format)],
        months=[(one.month, one.month) for one in months],
        zones=[("utc", say("exports.zone_utc")), ("brand", own_brand(view.session, view.person).zone)],
        workers=WORKS,
        errors=errors or {},
        typed=view.asked,
    )


def _start_of_day(view: View, name: str) -> datetime | None:
    """The first moment of a day in the brand's zone; None for no day. Raises `FormRefused`."""
    typed = view.asked.get(name, "").strip()
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
        zone = ZoneInfo(own_brand(view.session, view.person).zone)
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FormRefused({name: say("ledger.no_day")}) from error


def _end_of_day(view: View, name: str) -> datetime | None:
    """The last moment of a day in the brand's zone."""
    start = _start_of_day(view, name)
    if start is None:
        return None
    zone = ZoneInfo(own_brand(view.session, view.person).zone)
    following = start.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(following, time(), zone).astimezone(UTC) - _MOMENT
