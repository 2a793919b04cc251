"""The local stack: what was acknowledged survives kill -9, and a stack looks after itself only."""

import json
import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import httpx
import psycopg
import pytest
from botocore.config import Config

from infra.local.folder import AlreadyRunning
from infra.local.ports import HIGHEST, LOWEST
from infra.local.processes import Process, marked_with
from infra.local.stack import Stack, StackFailed
from infra.local.supervise import News, State
from infra.settings import Settings, settings_from

PARTS = ("postgres", "temporal", "objects", "mail")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: its parts are killed."""
    with Stack(tmp_path_factory.mktemp("own") / ".handsel", PARTS, environ={}) as stack:
        yield stack


@pytest.fixture
def own_settings(own_stack: Stack) -> Settings:
    return settings_from(own_stack.env())


def s3(settings: Settings):
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=Config(signature_version="s3v4"),
    )


def kill_and_wait(stack: Stack, part: str) -> None:
    before = stack.process(part)
    stack.kill(part)
    stack.wait_for(part, 30)
    assert stack.process(part) != before


def test_postgres_keeps_every_commit(own_stack: Stack, own_settings: Settings) -> None:
    url = own_settings.migration_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table if not exists kept (n int)")
    committed: list[int] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                    while not over.is_set():
                        connection.execute("insert into kept values (%s)", (len(committed),))
                        committed.append(len(committed))
            except psycopg.Error:
                time.sleep(0.01)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    for _ in range(3):
        target = len(committed) + 20
        while len(committed) < target:
            time.sleep(0.01)
        kill_and_wait(own_stack, "postgres")
    over.set()
    writer.join()
    with psycopg.connect(url) as connection:
        found = {row[0] for row in connection.execute("select n from kept")}
    assert len(committed) >= 60
    assert set(committed) <= found


def test_a_server_comes_back_though_its_old_process_id_lives_on(own_stack: Stack) -> None:
    """A killed server leaves its process id behind; by now another program may have it."""
    note = own_stack.folder.path / "postgres" / "postmaster.pid"
    own_stack.kill("postgres", down_for=1.0)
    while own_stack.states()["postgres"] is State.WORKS:
        time.sleep(0.01)
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    own_stack.wait_for("postgres", 30)


def test_temporal_keeps_a_started_workflow(own_stack: Stack, own_settings: Settings) -> None:
    import asyncio

    from temporalio.client import Client

    async def start(name: str) -> None:
        client = await Client.connect(own_settings.temporal_address)
        await client.start_workflow("Nobody", id=name, task_queue="nobody")

    async def status(name: str) -> str:
        client = await Client.connect(own_settings.temporal_address)
        found = (await client.get_workflow_handle(name).describe()).status
        return found.name if found else ""

    names = [f"kept/{uuid4()}" for _ in range(3)]
    for name in names:
        asyncio.run(start(name))
        kill_and_wait(own_stack, "temporal")
    assert [asyncio.run(status(name)) for name in names] == ["RUNNING"] * 3


def test_s3_keeps_every_object(own_stack: Stack, own_settings: Settings) -> None:
    keys = [f"kept/{uuid4()}.bin" for _ in range(5)]
    for key in keys:
        s3(own_settings).put_object(Bucket=own_settings.s3_bucket, Key=key, Body=key.encode() * 1000)
    kill_and_wait(own_stack, "objects")
    for key in keys:
        found = s3(own_settings).get_object(Bucket=own_settings.s3_bucket, Key=key)["Body"].read()
        assert found == key.encode() * 1000


def test_a_browser_may_put_from_the_pages_address(own_stack: Stack, own_settings: Settings) -> None:
    """The browser asks first (preflight), from the address where the pages are."""
    link = s3(own_settings).generate_presigned_url(
        "put_object", {"Bucket": own_settings.s3_bucket, "Key": "draft.jpg", "ContentType": "image/jpeg"}
    )
    origin = own_settings.public_url
    asked = httpx.options(link, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"})
    assert asked.headers["access-control-allow-origin"] == origin
    assert httpx.put(link, content=b"jpeg", headers={"Content-Type": "image/jpeg"}).status_code == 200
    assert httpx.get(link.partition("?")[0]).status_code in (400, 403), "it was read without a signature"


def test_mail_keeps_every_acknowledged_message(own_stack: Stack) -> None:
    recipient, acknowledged, over = f"{uuid4().hex}@example.org", [], threading.Event()
    line = "x" * 80 + "\r\n"

    def send() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                with smtplib.SMTP("127.0.0.1", own_stack.port("mail", "smtp"), timeout=5) as server:
                    text = f"Message-ID: <{number}@try>\r\nSubject: {number}\r\n\r\n{line * 60}"
                    server.sendmail("brand@example.org", [recipient], text)
                    acknowledged.append(f"<{number}@try>")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.01)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for _ in range(3):
        target = len(acknowledged) + 20
        while len(acknowledged) < target:
            time.sleep(0.01)
        kill_and_wait(own_stack, "mail")
    over.set()
    sender.join()
    answer = httpx.get(f"{own_stack.url('mail', 'web')}/messages.json", params={"to": recipient})
    found = {message["message_id"] for message in answer.json()["messages"]}
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= found


def test_secrets_are_their_owners_only(own_stack: Stack) -> None:
    for name in ("env", "secrets.json"):
        mode = stat.S_IMODE((own_stack.folder.path / name).stat().st_mode)
        assert mode == 0o600, name
    for name in ("mail", "objects", "logs", "postgres"):
        mode = stat.S_IMODE((own_stack.folder.path / name).stat().st_mode)
        assert mode == 0o700, name


def test_every_port_is_on_loopback_and_below_the_outgoing_range(own_stack: Stack) -> None:
    for part, port in (("postgres", "main"), ("temporal", "grpc"), ("objects", "main"), ("mail", "smtp")):
        number = own_stack.port(part, port)
        assert LOWEST <= number <= HIGHEST
        with socket.socket() as outside:
            outside.settimeout(2)
            # 127.0.0.2 is this machine too, but not the address that a server of the stack binds.
            assert outside.connect_ex(("127.0.0.2", number)) != 0


def test_two_stacks_in_one_folder_are_refused(own_stack: Stack) -> None:
    with pytest.raises(AlreadyRunning, match=f"as process {os.getpid()}"):
        Stack(own_stack.folder.path, ("mail",), environ={}).start()


def test_a_part_is_replaced_by_an_address_in_the_environment(tmp_path: Path, own_stack: Stack) -> None:
    news: list[News] = []
    environ = {"HANDSEL_SMTP_URL": "smtp://mail.example.org:587?starttls=required"}
    stack = Stack(tmp_path / ".handsel", ("mail", "objects"), environ, news.append)
    with stack:
        assert set(stack.states()) == {"objects"}
        assert stack.env()["HANDSEL_SMTP_URL"] == environ["HANDSEL_SMTP_URL"]
        assert "mail.example.org" not in (stack.folder.path / "env").read_text()
    told = {one.part.name: one.words for one in news if one.state is State.ELSEWHERE}
    assert told == {"mail": "replaced by HANDSEL_SMTP_URL"}


def test_a_remembered_port_that_is_taken_is_exchanged_and_said(tmp_path: Path) -> None:
    with Stack(tmp_path / ".handsel", ("objects",), {}) as first:
        remembered = first.port("objects")
    with Stack(tmp_path / ".handsel", ("objects",), {}) as again:
        assert again.port("objects") == remembered
    news: list[News] = []
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", remembered))
        stranger.listen()
        with Stack(tmp_path / ".handsel", ("objects",), {}, news.append) as moved:
            assert moved.port("objects") != remembered
            assert moved.env()["HANDSEL_S3_ENDPOINT"].endswith(str(moved.port("objects")))
    said = " ".join(one.words for one in news)
    assert f"port {remembered} is taken by" in said
    assert str(os.getpid()) in said


def test_a_port_that_a_person_asked_for_is_not_exchanged(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = str(stranger.getsockname()[1])
        with pytest.raises(StackFailed, match=f"Port {port}, which HANDSEL_API_PORT asks for, is taken by"):
            Stack(tmp_path / ".handsel", ("api",), {"HANDSEL_API_PORT": port}).start()


def test_a_part_that_cannot_start_is_named_with_its_reason_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / ".handsel"
    folder.mkdir()
    (folder / "objects").mkdir()
    (folder / "objects" / "handsel").write_text("a file where a bucket should be")
    with pytest.raises(StackFailed, match="S3: "):
        Stack(folder, ("objects", "mail"), {}).start()
    assert marked_with(folder) == []
    with Stack(folder, ("mail",), {}):
        pass


def test_nothing_runs_after_a_stop(tmp_path: Path) -> None:
    stack = Stack(tmp_path / ".handsel", ("objects", "mail"), {})
    stack.start()
    processes = [stack.process(part) for part in ("objects", "mail")]
    assert all(process and process.is_alive() for process in processes)
    stack.stop()
    assert not any(process and process.is_alive() for process in processes)
    assert marked_with(stack.folder.path) == []


def test_the_next_up_ends_what_a_killed_stack_left_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / ".handsel"
    words = [sys.executable, "-m", "infra.cli", "up", "--state-dir", str(folder), "--only", "objects,mail"]
    up = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    wait_for_text(up, "Up after")
    left = marked_with(folder)
    up.send_signal(signal.SIGKILL)
    up.wait()
    assert len(left) == 2
    assert all(process.is_alive() for process in left)
    # A living process that is not ours, under a process id that the folder remembers.
    stranger = subprocess.Popen(["sleep", "60"])
    note = json.loads((folder / "stack.json").read_text())
    note["processes"]["carrier"] = {"pid": stranger.pid, "started": note["supervisor"]["started"] - 100}
    (folder / "stack.json").write_text(json.dumps(note))
    try:
        with Stack(folder, ("objects", "mail"), {}) as stack:
            assert not any(process.is_alive() for process in left)
            assert stack.leftovers == 2
            assert stack.port("mail", "smtp") == note["ports"]["mail.smtp"]
            assert Process.of(stranger.pid).is_alive()
    finally:
        stranger.kill()
        stranger.wait()


def wait_for_text(process: subprocess.Popen[str], text: str, seconds: float = 60) -> str:
    """Read lines until one holds `text`; answers all that was read."""
    assert process.stdout is not None
    read, until = "", time.monotonic() + seconds
    while text not in read and time.monotonic() < until:
        line = process.stdout.readline()
        if not line:
            break
        read += line
    assert text in read, read
    return read
