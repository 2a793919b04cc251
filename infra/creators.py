"""Creators: how one is written down, and how many come in from a CSV file.

The API and the shell share this. A row is taken whole or not at all, and every row that is not taken is named
with its line, its field and the reason; the report never repeats what stood in a cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import ARRAY, Text, any_, cast, select, text
from sqlalchemy.orm import Session

from domain.clocks import ZoneName
from domain.errors import Invalid, Refused
from domain.offer import Platform
from domain.tiers import tier_of
from infra.contact import Country, Email, Language, Phone, Title, one_line
from infra.csv_text import Row, read_csv
from infra.ids import new_id
from infra.tables import Creator
from infra.vault import Profile, Vault
from infra.zones import usual_zone

LARGEST_IMPORT: Final = 100_000
MOST_PROBLEMS: Final = 1_000
"""Problems listed in one report; the others are counted."""
_BATCH: Final = 2_000

_ACCOUNT: Final = ("platform", "handle", "followers", "engagement_rate")
_SUFFIXES: Final = ("", "_2", "_3")
"""Columns of a second and a third account end so."""
COLUMNS: Final = (
    "email", "name", "country", "language", "time_zone", "niches", "phone",
    *(name + suffix for suffix in _SUFFIXES for name in _ACCOUNT),
)  # fmt: skip
REQUIRED: Final = ("email", "name", "country", "platform", "handle", "followers")
_ALIASES: Final = {
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "full_name": "name",
    "timezone": "time_zone",
    "zone": "time_zone",
    "locale": "language",
    "network": "platform",
    "username": "handle",
    "follower": "followers",
    "er": "engagement_rate",
    "niche": "niches",
    "telephone": "phone",
}


def _handle(text: str) -> str:
    handle = one_line(text).lstrip("@")
    if not handle or any(char.isspace() or char in "/\\?#" for char in handle):
        raise ValueError("this is not a handle; write it without address and blanks")
    return handle


class NewAccount(BaseModel):
    """A handle on a platform. `engagement_rate` is percent of followers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform
    handle: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_handle)]
    followers: Annotated[int, Field(ge=0, le=2_000_000_000)]
    engagement_rate: Annotated[float, Field(ge=0, le=100, examples=[3.5])] | None = None


class NewCreator(BaseModel):
    """A creator to be added. The time zone may be left out where the country has a usual one."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "maren@creators.example",
                    "name": "Maren Holt",
                    "country": "US",
                    "language": "en",
                    "time_zone": "America/New_York",
                    "accounts": [{"platform": "instagram", "handle": "maren_holt", "followers": 13678}],
                }
            ]
        },
    )

    email: Email
    name: Title
    country: Country
    language: Language = "en"
    time_zone: ZoneName = ""
    accounts: list[NewAccount] = Field(min_length=1, max_length=len(Platform))
    niches: list[Annotated[str, Field(min_length=1, max_length=40), AfterValidator(one_line)]] = Field(
        default=[], max_length=20
    )
    phone: Phone = ""

    @model_validator(mode="before")
    @classmethod
    def _zone_of_country(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("time_zone"):
            return given
        zone = usual_zone(str(given.get("country", "")).strip().upper())
        return {name: value for name, value in given.items() if name != "time_zone"} | (
            {"time_zone": zone} if zone else {}
        )

    @model_validator(mode="after")
    def _parts_fit(self) -> NewCreator:
        if not self.time_zone:
            raise ValueError(f"time_zone: {self.country} has several; give one, such as America/New_York")
        platforms = [account.platform for account in self.accounts]
        if len(set(platforms)) < len(platforms):
            raise ValueError("accounts: one account a platform")
        return self


class RowProblem(BaseModel):
    """Why one row was not taken."""

    line: int = Field(description="Line as a spreadsheet counts; the header is line 1", examples=[7])
    field: str = Field(examples=["email"])
    code: str = Field(examples=["invalid"])
    message: str = Field(examples=["this is not an e-mail address"])


class ImportReport(BaseModel):
    """What came of an import."""

    dry_run: bool = Field(description="Whether it was only looked at, and nothing was written")
    encoding: str = Field(examples=["utf-8"])
    delimiter: str = Field(examples=[","])
    rows: int = Field(description="Rows with anything in them")
    imported: int = Field(description="Creators added (or that would be, in a dry run)")
    refused: int
    unknown_columns: list[str] = Field(description="Columns that were not read")
    problems: list[RowProblem] = Field(description=f"The first {MOST_PROBLEMS} problems")


class _Found(NamedTuple):
    line: int
    creator: NewCreator
    digest: str


def add_creator(session: Session, vault: Vault, brand_id: str, new: NewCreator) -> Creator:
    """Write one creator. Raises `Refused` (code `email_known`) when the brand has this address already."""
    digest = vault.email_digest(new.email)
    if _known(session, brand_id, [digest]):
        raise Refused("a creator with this e-mail address exists already", code="email_known", field="email")
    (creator_id,) = _write(session, vault, brand_id, [_Found(0, new, digest)])
    return session.get_one(Creator, creator_id)


def import_creators(
    session: Session, vault: Vault, brand_id: str, raw: bytes, *, dry_run: bool = False
) -> ImportReport:
    """Add the creators of a CSV file to a brand; good rows are taken, bad rows reported.

    Raises `Invalid` when the file as a whole cannot be read: encoding, header, quotation marks, more than
    100,000 rows. The caller commits.
    """
    file = read_csv(raw, required=REQUIRED, aliases=_ALIASES)
    report = ImportReport(
        dry_run=dry_run,
        encoding=file.encoding,
        delimiter="tab" if file.delimiter == "\t" else file.delimiter,
        rows=0,
        imported=0,
        refused=0,
        unknown_columns=[name for name in file.columns if name and name not in COLUMNS],
        problems=[],
    )
    seen: dict[str, int] = {}
    for rows in _batches(_bounded(file.rows)):
        found = list(_readable(rows, report, vault, seen))
        known = _known(session, brand_id, [one.digest for one in found])
        for one in found:
            if one.digest in known:
                _refuse(
                    report, one.line, "email", "email_known", "this address is a creator of yours already"
                )
        fresh = [one for one in found if one.digest not in known]
        report.imported += len(fresh)
        if not dry_run:
            _write(session, vault, brand_id, fresh)
    return report


def _bounded(rows: Iterator[Row]) -> list[Row]:
    """All rows. Read to the end before the first is written: a file that breaks off changes nothing."""
    found = list(islice(rows, LARGEST_IMPORT + 1))
    if len(found) > LARGEST_IMPORT:
        raise Invalid(f"more than {LARGEST_IMPORT:,} rows; split the file", code="too_many_rows")
    return found


def _batches(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def _readable(
    rows: Iterable[Row], report: ImportReport, vault: Vault, seen: dict[str, int]
) -> Iterator[_Found]:
    for row in rows:
        report.rows += 1
        if row.problem:
            _refuse(report, row.number, "", "row_shape", row.problem)
            continue
        try:
            creator = NewCreator.model_validate(_fields(row.cells))
        except (ValidationError, ValueError) as error:
            _refuse(report, row.number, *_why(error))
            continue
        digest = vault.email_digest(creator.email)
        if digest in seen:
            message = f"this address stands in line {seen[digest]} already"
            _refuse(report, row.number, "email", "email_twice", message)
            continue
        seen[digest] = row.number
        yield _Found(row.number, creator, digest)


def _refuse(report: ImportReport, line: int, field: str, code: str, message: str) -> None:
    report.refused += 1
    if len(report.problems) < MOST_PROBLEMS:
        report.problems.append(RowProblem(line=line, field=field, code=code, message=message))


def _why(error: ValueError) -> tuple[str, str, str]:
    """Field, code and sentence of a row's first problem, in the words of the file."""
    if not isinstance(error, ValidationError):
        field, _, message = str(error).partition(": ")
        return field, "invalid", message
    first = error.errors(include_input=False, include_url=False)[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    field = str(first["loc"][-1]) if first["loc"] else ""
    if field.isdigit():
        field = str(first["loc"][0])
    head, colon, rest = message.partition(": ")
    if not first["loc"] and colon:
        field, message = head, rest
    return field, "invalid", message[:200]


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    """A row as `NewCreator` reads it. Raises ValueError (`field: reason`) for a number that is none."""
    given: dict[str, Any] = {
        "email": cells["email"],
        "name": cells["name"],
        "country": cells["country"],
        "accounts": [
            _account_fields(cells, one) for one in _SUFFIXES if not one or cells.get("handle" + one)
        ],
        "niches": _list(cells.get("niches", "")),
    }
    for name in ("language", "time_zone", "phone"):
        if cells.get(name):
            given[name] = cells[name]
    return given


def _account_fields(cells: dict[str, str], suffix: str) -> dict[str, Any]:
    account: dict[str, Any] = {
        "platform": cells.get("platform" + suffix, "").lower(),
        "handle": cells["handle" + suffix],
        "followers": _whole(cells.get("followers" + suffix, ""), "followers" + suffix),
    }
    if rate := cells.get("engagement_rate" + suffix):
        account["engagement_rate"] = _percent(rate, "engagement_rate" + suffix)
    return account


def _whole(text: str, column: str) -> int:
    """A whole number, with or without marks between the thousands."""
    groups = text.replace("\u00a0", " ").replace("'", " ").replace(",", " ").replace(".", " ").split()
    if not groups or not all(group.isascii() and group.isdigit() for group in groups):
        raise ValueError(f"{column}: this is not a whole number")
    if len(groups) > 1 and (len(groups[0]) > 3 or any(len(group) != 3 for group in groups[1:])):
        raise ValueError(f"{column}: this is not a whole number")
    return int("".join(groups)[:15])


def _percent(text: str, column: str) -> float:
    try:
        return float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"{column}: this is not a percentage; write for example 3.5") from None


def _list(text: str) -> list[str]:
    for mark in ("|", ";"):
        text = text.replace(mark, ",")
    return [part.strip() for part in text.split(",") if part.strip()]


def _known(session: Session, brand_id: str, digests: list[str]) -> set[str]:
    query = select(Creator.email_digest).where(
        Creator.brand_id == brand_id, Creator.email_digest == any_(cast(digests, ARRAY(Text)))
    )
    return set(session.scalars(query)) if digests else set()


def _write(session: Session, vault: Vault, brand_id: str, found: list[_Found]) -> list[str]:
    """Write these creators, each table in one statement from arrays. Their ids, in the same order."""
    if not found:
        return []
    people = [_person(vault, one) for one in found]
    session.execute(_INSERT_CREATORS, {"brand_id": brand_id} | _columns(people))
    session.execute(_INSERT_KEYS, _columns([{"id": one["id"], "wrapped": one["wrapped"]} for one in people]))
    accounts = [
        _account(person["id"], account)
        for person, one in zip(people, found, strict=True)
        for account in one.creator.accounts
    ]
    session.execute(_INSERT_ACCOUNTS, _columns(accounts))
    return [str(person["id"]) for person in people]


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _person(vault: Vault, one: _Found) -> dict[str, Any]:
    wrapped, new = vault.new_key(), one.creator
    return {
        "id": new_id("creator"),
        "sealed": vault.seal(wrapped, Profile(name=new.name, email=new.email, phone=new.phone)),
        "digest": one.digest,
        "country": new.country,
        "language": new.language,
        "zone": new.time_zone,
        "tier": tier_of(max(account.followers for account in new.accounts)).value,
        "niches": json.dumps(new.niches),
        "wrapped": wrapped,
    }


def _account(creator_id: str, account: NewAccount) -> dict[str, Any]:
    rate = account.engagement_rate
    return {
        "id": creator_id,
        "platform": account.platform.value,
        "handle": account.handle,
        "followers": account.followers,
        "points": None if rate is None else round(rate * 100),
    }


_INSERT_CREATORS: Final = text(
    "INSERT INTO creators (id, brand_id, sealed, email_digest, country, language, zone, tier, niches,"
    " do_not_contact)"
    " SELECT one.id, :brand_id, one.sealed, one.digest, one.country, one.language, one.zone, one.tier,"
    " CAST(one.niches AS jsonb), ''"
    " FROM unnest(CAST(:id AS text[]), CAST(:sealed AS bytea[]), CAST(:digest AS text[]),"
    " CAST(:country AS text[]), CAST(:language AS text[]), CAST(:zone AS text[]), CAST(:tier AS text[]),"
    " CAST(:niches AS text[])) AS one(id, sealed, digest, country, language, zone, tier, niches)"
)
_INSERT_KEYS: Final = text(
    "INSERT INTO creator_keys (creator_id, wrapped)"
    " SELECT * FROM unnest(CAST(:id AS text[]), CAST(:wrapped AS bytea[]))"
)
_INSERT_ACCOUNTS: Final = text(
    "INSERT INTO social_accounts (creator_id, platform, handle, followers, engagement_basis_points)"
    " SELECT * FROM unnest(CAST(:id AS text[]), CAST(:platform AS text[]), CAST(:handle AS text[]),"
    " CAST(:followers AS int[]), CAST(:points AS int[]))"
)
