"""The stack that all tests share keeps what its fixtures promise."""

import asyncio
import smtplib
from collections.abc import Callable
from uuid import uuid4

import boto3
import httpx
import psycopg
import pytest
from temporalio.client import Client

from infra.settings import Settings
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query).fetchall()


def test_the_database_has_every_migration(database_url: str) -> None:
    from infra.migrate import current_revision, head_revision

    assert current_revision(database_url) == head_revision()


def test_handsels_processes_are_not_the_owner_of_the_tables(settings: Settings, database_url: str) -> None:
    assert rows(settings.database_url, "select current_user") == [("handsel_app",)]
    assert rows(database_url, "select current_user") == [("handsel",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(settings.database_url, "drop table campaigns")


def test_a_fresh_database_is_nobody_elses(new_database: Callable[[], str], database_url: str) -> None:
    names = {rows(url, "select current_database()")[0][0] for url in (new_database(), new_database())}
    names.add(rows(database_url, "select current_database()")[0][0])
    assert len(names) == 3


def test_a_workflow_can_be_started_in_the_workers_own_namespace(settings: Settings) -> None:
    async def start() -> str:
        client = await Client.connect(settings.temporal_address, namespace=settings.temporal_namespace)
        handle = await client.start_workflow("Nobody", id=f"try/{uuid4()}", task_queue="nobody")
        return (await handle.describe()).namespace

    assert settings.temporal_namespace != "default"
    assert asyncio.run(start()) == settings.temporal_namespace


def test_objects_go_into_the_workers_own_bucket(settings: Settings) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
    )
    client.put_object(Bucket=settings.s3_bucket, Key="try/one.txt", Body=b"kept")
    assert client.get_object(Bucket=settings.s3_bucket, Key="try/one.txt")["Body"].read() == b"kept"


def test_a_mail_arrives_in_the_mailbox(stack: RunningStack, settings: Settings) -> None:
    recipient = f"{uuid4().hex}@example.org"
    host, _, port = settings.smtp_url.removeprefix("smtp://").partition(":")
    with smtplib.SMTP(host, int(port)) as server:
        server.sendmail("brand@example.org", [recipient], "Subject: Hello\r\n\r\nA gift.\r\n")
    found = httpx.get(f"{stack.mailbox_url}/messages.json", params={"to": recipient}).json()["messages"]
    assert [message["subject"] for message in found] == ["Hello"]
