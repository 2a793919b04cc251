"""What can be wrong around Handsel, each as a small check that says so in plain words.

A check looks and never changes anything, takes a few seconds at most, and answers findings: what is
wrong, and what to do about it. No finding means that all is well.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from infra.local.folder import StackFolder
from infra.local.part import NotReady
from infra.local.parts import BY_NAME
from infra.local.ports import is_free
from infra.local.postgres import MAJOR_VERSION
from infra.local.processes import owner_of_port
from infra.local.works import answers_http, answers_sql, answers_temporal
from infra.other_clocks import database_time, http_time
from infra.refusals import find_refusals, missing_settings
from infra.settings import Settings

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 150_000
"""`server_version_num` of PostgreSQL 15."""
OLDEST_TEMPORAL = (1, 28)
"""First server whose updates Handsel relies on: update with start, update id reuse."""
PACKAGES = {"temporalio": "1.35.", "stripe": "16.1.", "sqlalchemy": "2.1.", "alembic": "1."}
"""Packages whose other versions break Handsel, with how their version must begin."""

LOW_DISK, FULL_DISK = 2_000_000_000, 200_000_000
"""Free bytes below which the doctor warns, and below which it calls the disk full."""
CLOCK_DRIFT, BROKEN_CLOCK = 5.0, 60.0
"""Seconds between two clocks. Signatures of S3 and Stripe stop working at 5 to 15 minutes; dates
on offers and payments are wrong before that."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth knowing."""

    about: str
    """What it concerns: a server, a folder, a setting."""
    words: str
    """What is wrong, in one plain sentence."""
    mend: str
    """What to do about it."""
    weight: Literal["wrong", "note"] = "wrong"
    """`wrong` makes `handsel doctor` exit with 1; a note does not."""


@dataclass(frozen=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    folder: StackFolder
    clock: Callable[[], datetime]
    """This machine's time now, in UTC."""

    @property
    def runs_stack(self) -> bool:
        """Whether the local stack of this folder runs."""
        return self.folder.supervisor() is not None

    def is_asleep(self, part: str) -> bool:
        """Whether a server belongs to a local stack that does not run: then it cannot answer."""
        if not self.settings.is_local or self.runs_stack or BY_NAME[part].replacement(os.environ):
            return False
        return part in self.folder.read().get("parts", [])


Check = Callable[[Patient], Iterator[Finding]]


def examine(patient: Patient) -> list[Finding]:
    """Every finding of every check, in the order in which one would mend them."""
    return [finding for check in CHECKS for finding in check(patient)]


def versions(_patient: Patient) -> Iterator[Finding]:
    """Python and the packages are those that Handsel was tried with."""
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("Python", f"is {sys.version.split()[0]}; Handsel needs 3.11", "install a newer Python")
    for package, start in PACKAGES.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Finding(package, "is not installed", "run `make setup`")
            continue
        if not found.startswith(start):
            yield Finding(package, f"is {found}; Handsel needs {start}x", "run `make setup`")


def secrets_and_settings(patient: Patient) -> Iterator[Finding]:
    """Settings are complete and strong, and nobody else can read the secrets."""
    settings = patient.settings
    refusals = [*find_refusals(settings)]
    if settings.is_local and patient.runs_stack:
        refusals += missing_settings(settings)
    for setting, reason in dict.fromkeys(refusals):
        yield Finding(setting, reason, f"correct {setting}")
    for name in ("env", "secrets.json"):
        path = patient.folder.path / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding(str(path), "can be read by other accounts", f"chmod 600 {path}")


def disk(patient: Patient) -> Iterator[Finding]:
    """There is room, and the state directory can be written."""
    if not patient.settings.is_local:
        return
    place = patient.folder.path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LOW_DISK:
        full = free < FULL_DISK
        words = f"has {free / 1e9:.1f} GB left{'; the stack cannot work' if full else ''}"
        yield Finding(f"Disk of {place}", words, "free some space", "wrong" if full else "note")
    if problem := _cannot_write(place):
        yield Finding(str(place), f"cannot be written: {problem}", "correct its owner, mode or disk")


def mailbox(patient: Patient) -> Iterator[Finding]:
    """The mail server of the local stack can keep what it takes."""
    folder = patient.folder.path / "mail"
    if not patient.settings.is_local or "mail" not in patient.folder.read().get("parts", []):
        return
    for place in (folder, folder / "tmp", folder / "new"):
        if not place.exists() and not patient.runs_stack:
            return  # the next start makes it
        if problem := _cannot_write(place):
            words = f"cannot be written: {problem}. Mails are refused and tried again later"
            yield Finding(f"Mailbox {place}", words, "make it a folder that this account can write")
            return


def local_data(patient: Patient) -> Iterator[Finding]:
    """The data on disk were made by the PostgreSQL that is installed."""
    note = patient.folder.path / "postgres" / "PG_VERSION"
    with suppress(OSError):
        found = note.read_text().strip()
        if found != str(MAJOR_VERSION):
            yield Finding(
                str(note.parent),
                f"was made by PostgreSQL {found}; the installed server is {MAJOR_VERSION}",
                "dump it with the old version and restore it, or move it away to begin anew",
            )


def ports(patient: Patient) -> Iterator[Finding]:
    """No stranger sits on a port of the stack, and every part of a running stack lives."""
    if not patient.runs_stack:
        for name, port in patient.folder.read().get("ports", {}).items():
            part = BY_NAME.get(name.partition(".")[0])
            if part is not None and not is_free(port):
                words = f"its port {port} is taken by {owner_of_port(port)}"
                mend = "nothing: the next `handsel up` takes another port"
                yield Finding(part.title, words, mend, "note")
        return
    alive = patient.folder.processes()
    for name in patient.folder.read().get("parts", []):
        if name not in alive and not BY_NAME[name].once:
            log = patient.folder.path / "logs" / f"{name}.log"
            mend = f"`handsel up` starts it again by itself; if it does not, read {log}"
            yield Finding(BY_NAME[name].title, "does not run", mend)


def stack(patient: Patient) -> Iterator[Finding]:
    """In local mode, the stack runs."""
    if patient.settings.is_local and not patient.runs_stack:
        yield Finding("The local stack", "does not run in this folder", "run `handsel up`", "note")


def database(patient: Patient) -> Iterator[Finding]:
    """PostgreSQL answers, is new enough, and has every migration."""
    url = patient.settings.database_url
    if not url or patient.is_asleep("postgres"):
        return
    plain, where = url.replace("+psycopg", "", 1), _place(url)
    try:
        answers_sql(plain)
    except NotReady as error:
        yield _unreachable("PostgreSQL", where, "HANDSEL_DATABASE_URL", str(error))
        return
    import psycopg

    with psycopg.connect(plain) as connection:
        number = int(connection.info.parameter_status("server_version_num") or connection.info.server_version)
    if number < OLDEST_POSTGRES:
        words = f"at {where} is version {number // 10_000}; Handsel needs 15 or newer"
        yield Finding("PostgreSQL", words, "upgrade the server")
    yield from _migrations(url)


def _migrations(url: str) -> Iterator[Finding]:
    from infra.migrate import current_revision, head_revision

    current, head = current_revision(url), head_revision()
    if current == head:
        return
    if current > head:
        words = f"was migrated to {current} by a newer Handsel; this one knows {head}"
        yield Finding("The database", words, "run the newer version of Handsel")
    else:
        words = f"is at migration {current or 'none'}; this version needs {head}"
        yield Finding("The database", words, "run `handsel migrate`")


def temporal(patient: Patient) -> Iterator[Finding]:
    """Temporal answers, knows the namespace, and is new enough."""
    settings = patient.settings
    address = settings.temporal_address
    if not address or patient.is_asleep("temporal"):
        return
    if any(os.environ.get(name) for name in ("TEMPORAL_TLS", "TEMPORAL_API_KEY", "TEMPORAL_PROFILE")):
        return  # only Temporal's own client has what it takes to ask
    try:
        answers_temporal(address, settings.temporal_namespace)
    except NotReady as error:
        yield _unreachable("Temporal", address, "TEMPORAL_ADDRESS", str(error))
        return
    found = _temporal_version(address)
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if numbers and numbers < OLDEST_TEMPORAL:
        words = f"at {address} is version {found}; Handsel needs 1.28 or newer"
        yield Finding("Temporal", words, "upgrade the server")


def _temporal_version(address: str) -> str:
    import asyncio

    from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
    from temporalio.client import Client

    async def ask() -> str:
        client = await Client.connect(address)
        answer = await client.workflow_service.get_system_info(GetSystemInfoRequest())
        return answer.server_version

    return asyncio.run(ask())


def objects(patient: Patient) -> Iterator[Finding]:
    """S3 answers and the bucket can be read with these keys."""
    settings = patient.settings
    if patient.is_asleep("objects") or not (settings.s3_endpoint or settings.s3_access_key):
        return
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint or None,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key or None,
        aws_secret_access_key=settings.s3_secret_key or None,
        config=Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 1}),
    )
    where = settings.s3_endpoint or f"region {settings.s3_region}"
    try:
        client.head_bucket(Bucket=settings.s3_bucket)
    except ClientError as error:
        code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        words = f"at {where} refuses the bucket {settings.s3_bucket} (answer {code})"
        yield Finding("S3", words, "correct HANDSEL_S3_BUCKET, HANDSEL_S3_ACCESS_KEY or their rights")
    except BotoCoreError as error:
        yield _unreachable("S3", where, "HANDSEL_S3_ENDPOINT", type(error).__name__)


def erased(patient: Patient) -> Iterator[Finding]:
    """Nobody who was erased came back with a backup."""
    settings = patient.settings
    if not settings.database_url or patient.is_asleep("postgres") or patient.is_asleep("objects"):
        return
    from infra.erasure.again import how_many_came_back

    count = how_many_came_back(settings)
    if count:
        words = f"are here again, {count} of them, as after a restore from a backup"
        mend = "run `handsel creator erase-again` before the front and the workers start"
        yield Finding("Creators who were erased", words, mend)


def mail(patient: Patient) -> Iterator[Finding]:
    """The mail server greets."""
    url = patient.settings.smtp_url
    if not url or patient.is_asleep("mail"):
        return
    import smtplib

    parts = urlsplit(url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(parts.hostname or "", parts.port or 25, timeout=5) as connection:
            connection.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield _unreachable("The mail server", _place(url), "HANDSEL_SMTP_URL", str(error))


def money(patient: Patient) -> Iterator[Finding]:
    """The Stripe simulator answers. Stripe itself is not asked."""
    base = patient.settings.stripe_api_base
    if not base or patient.is_asleep("stripe"):
        return
    try:
        answers_http(base)
    except (OSError, NotReady) as error:
        yield _unreachable("The Stripe simulator", base, "STRIPE_API_BASE", str(error))


def clock(patient: Patient) -> Iterator[Finding]:
    """This machine's clock agrees with the database's and with S3's."""
    settings = patient.settings
    asked: dict[str, Callable[[], datetime | None]] = {}
    if settings.database_url and not patient.is_asleep("postgres"):
        asked["PostgreSQL"] = lambda: database_time(settings.database_url)
    if settings.s3_endpoint and not patient.is_asleep("objects"):
        asked["S3"] = lambda: http_time(settings.s3_endpoint)
    for name, ask in asked.items():
        theirs, ours = ask(), patient.clock()
        if theirs is None:
            continue
        drift = (ours - theirs).total_seconds()
        if abs(drift) > CLOCK_DRIFT:
            ahead = "ahead of" if drift > 0 else "behind"
            words = f"is {abs(drift):.0f} s {ahead} the clock of {name}"
            weight: Literal["wrong", "note"] = "wrong" if abs(drift) > BROKEN_CLOCK else "note"
            yield Finding("This machine's clock", words, "set both clocks by NTP (timedatectl)", weight)


def _unreachable(name: str, where: str, setting: str, reason: str) -> Finding:
    words = f"at {where} does not answer: {reason}"
    return Finding(name, words, f"start it (`handsel up` for the local one), or correct {setting}")


def _place(url: str) -> str:
    """Host and port of an address, without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _cannot_write(folder: Path) -> str | None:
    """Why nothing can be written into `folder`, or None; it is really tried."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return None


CHECKS: tuple[Check, ...] = (
    versions,
    secrets_and_settings,
    disk,
    local_data,
    mailbox,
    ports,
    stack,
    database,
    temporal,
    objects,
    erased,
    mail,
    money,
    clock,
)
