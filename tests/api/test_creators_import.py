"""CSV files as they come: every encoding, delimiter and mistake; nothing half taken, nothing repeated."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from infra.creators import LARGEST_IMPORT
from infra.tables import Creator, IdempotentCall
from tests.api.conftest import Tenant

HEADER = "email,name,country,platform,handle,followers"
ANA = "ana@mail.example,Ana Müller,de,Instagram,@ana.müller,12'400"


def upload(brand: Tenant, content: str | bytes, status: int = 200, **options: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    answer = brand.call(
        "POST", "/creators/import", content=raw, headers={"Content-Type": "text/csv"}, **options
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def codes(report: Any) -> list[tuple[int, str, str]]:
    return [(one["line"], one["field"], one["code"]) for one in report["problems"]]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_of_any_spreadsheet_is_read(brand: Tenant, encoding: str, named: str, delimiter: str) -> None:
    text = f"{HEADER}\r\n{ANA}\r\n".replace(",", delimiter)
    report = upload(brand, text.encode(encoding))
    assert (report["imported"], report["refused"], report["encoding"]) == (1, 0, named)
    (creator,) = brand.get("/creators")["items"]
    assert creator["profile"] == {"name": "Ana Müller", "email": "ana@mail.example", "phone": ""}
    assert (creator["country"], creator["time_zone"], creator["tier"]) == ("DE", "Europe/Berlin", "micro")
    assert creator["accounts"][0]["handle"] == "ana.müller"
    assert creator["accounts"][0]["followers"] == 12_400


def test_a_form_with_a_file_works_too(brand: Tenant) -> None:
    files = {"file": ("creators.csv", f"{HEADER}\n{ANA}\n".encode(), "text/csv")}
    answer = brand.call("POST", "/creators/import", files=files)
    assert answer.json()["imported"] == 1
    wrong = brand.call("POST", "/creators/import", files={"other": ("x.csv", b"x", "text/csv")})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "file")


def test_good_rows_are_taken_and_every_bad_one_is_named(brand: Tenant) -> None:
    upload(brand, f"{HEADER}\nknown@mail.example,Known,FR,tiktok,known,10\n")
    rows = [
        ANA,
        "no-address,Bo,DE,instagram,bo,10",
        "bo@mail.example,,DE,instagram,bo,10",
        "bo@mail.example,Bo,XX,instagram,bo,10",
        "bo@mail.example,Bo,US,instagram,bo,10",
        "bo@mail.example,Bo,DE,myspace,bo,10",
        "bo@mail.example,Bo,DE,instagram,bo bo,10",
        "bo@mail.example,Bo,DE,instagram,bo,many",
        "bo@mail.example,Bo,DE,instagram,bo,10,surplus",
        "ANA@mail.example,Ana again,DE,instagram,ana2,10",
        "Known@Mail.example,Known,FR,tiktok,known,10",
        "",
        '"bo@mail.example","Bo\nBcc: all@mail.example",DE,instagram,bo,10',
        "bo@mail.example,Bo,DE,instagram,bo,1.000",
    ]
    report = upload(brand, "\n".join([HEADER, *rows]))
    assert (report["rows"], report["imported"], report["refused"]) == (13, 2, 11)
    assert codes(report) == [
        (3, "email", "invalid"),
        (4, "name", "invalid"),
        (5, "country", "invalid"),
        (6, "time_zone", "invalid"),
        (7, "platform", "invalid"),
        (8, "handle", "invalid"),
        (9, "followers", "invalid"),
        (10, "", "row_shape"),
        (11, "email", "email_twice"),
        (14, "name", "invalid"),
        (12, "email", "email_known"),
    ]
    assert len(brand.get("/creators")["items"]) == 3
    assert "all@mail.example" not in str(report)


def test_a_dry_run_reports_the_same_and_writes_nothing(brand: Tenant) -> None:
    content = f"{HEADER}\n{ANA}\nbad,row,DE,instagram,x,1\n"
    looked = upload(brand, content, params={"dry_run": "true"})
    assert brand.get("/creators")["items"] == []
    assert upload(brand, content) == looked | {"dry_run": False}


def test_unknown_columns_are_named_and_the_rest_is_read(brand: Tenant) -> None:
    report = upload(brand, f"{HEADER},Shoe Size,Full Name\n{ANA},42,x\n".replace("Full Name", "Colour"))
    assert (report["unknown_columns"], report["imported"]) == (["shoe_size", "colour"], 1)


def test_several_accounts_and_optional_columns(brand: Tenant) -> None:
    header = "E-Mail;Full Name;Country;Time-Zone;Language;Platform;Handle;Followers;ER;platform_2;handle_2;"
    header += "followers_2;Niches;Phone"
    row = "kim@mail.example;Kim;us;America/Chicago;en_us;youtube;@kim;1 200;3,5 %;tiktok;kimtok;99;"
    row += "a|b, c;+1 555 0100"
    report = upload(brand, f"{header}\n{row}\n")
    assert report["problems"] == []
    (kim,) = brand.get("/creators")["items"]
    assert [one["platform"] for one in kim["accounts"]] == ["youtube", "tiktok"]
    assert (kim["accounts"][0]["engagement_rate"], kim["niches"]) == (3.5, ["a", "b", "c"])
    assert (kim["language"], kim["time_zone"]) == ("en-US", "America/Chicago")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"\n\n", "no_header"),
        (b"email,name\n", "column_missing"),
        (f"{HEADER},Email\n{ANA},x\n".encode(), "column_twice"),
        (f'{HEADER}\n"ana@mail.example,Ana\n'.encode(), "unreadable_line"),
        (f'{HEADER}\n"ana"x@mail.example,Ana\n'.encode(), "unreadable_line"),
        (f"{HEADER}\n{ANA}\x00\n".encode(), "encoding"),
        (b"\xff\xfe\x00", "encoding"),
        (HEADER.encode() + b"\n\x81\x8d\x8f\n", "encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(brand: Tenant, content: bytes, code: str) -> None:
    good = f"{HEADER}\n{ANA}\n"
    assert upload(brand, content, 422)["code"] == code
    assert brand.get("/creators")["items"] == []
    assert upload(brand, good)["imported"] == 1


def test_a_body_that_is_no_csv_is_refused(brand: Tenant) -> None:
    answer = brand.call("POST", "/creators/import", json={"rows": []})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Content-Type")


def test_thousands_of_rows_come_in_at_once_and_too_many_are_refused(
    brand: Tenant, sessions: sessionmaker[Session]
) -> None:
    rows = "\n".join(f"c{n}@mail.example,C {n},DE,instagram,c{n},{n}" for n in range(2_500))
    assert upload(brand, f"{HEADER}\n{rows}\n")["imported"] == 2_500
    with sessions() as session:
        count = session.scalar(select(func.count()).where(Creator.brand_id == brand.id))
    assert count == 2_500
    endless = "\n".join(["x,x,x,x,x,x"] * (LARGEST_IMPORT + 1))
    assert upload(brand, f"{HEADER}\n{endless}\n", 422)["code"] == "too_many_rows"


def test_nothing_readable_of_a_person_is_stored(brand: Tenant, sessions: sessionmaker[Session]) -> None:
    answer = brand.call(
        "POST",
        "/creators/import",
        content=f"{HEADER}\n{ANA}\n".encode(),
        headers={"Content-Type": "text/csv", "Idempotency-Key": "people"},
    )
    assert answer.json()["imported"] == 1
    with sessions() as session:
        kept = session.scalars(select(IdempotentCall.body).where(IdempotentCall.key == "people")).one()
        sealed = session.scalars(select(Creator.sealed).where(Creator.brand_id == brand.id)).one()
    for stored in (str(kept).encode(), sealed):
        assert b"ana@mail" not in stored
        assert "Müller".encode() not in stored
