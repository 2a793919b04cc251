"""The mailbox of the local stack: what a person sees, and what programs read."""

import re
import smtplib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from infra.local.stack import Stack

PAGE = "<!doctype html><html><head><title>x</title></head><body><a href='https://example.org/c/1'>Open</a></body>"


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("mail") / ".handsel", ("mail",), environ={}) as stack:
        yield stack


@pytest.fixture
def mailbox(post_office: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=post_office.url("mail", "web")) as client:
        yield client


@pytest.fixture
def send(post_office: Stack) -> Callable[..., None]:
    def send_one(to: str, subject: str, text: str = "Hello", html: str = PAGE, **headers: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "Brand <brand@example.org>", to, subject
        message["Message-ID"] = f"<{re.sub('[^a-zA-Z0-9]', '-', subject)}@example.org>"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        message.add_attachment("The terms", subtype="plain", filename="terms.txt")
        with smtplib.SMTP("127.0.0.1", post_office.port("mail", "smtp")) as server:
            server.send_message(message)

    return send_one


def test_the_list_shows_the_newest_first_and_finds_a_recipient(
    mailbox: httpx.Client, send: Callable[..., None]
) -> None:
    send("Ada@example.org", "First for Ada")
    send("bob@example.org", "Only for Bob")
    send("ada@example.org", "Second for Ada")
    everything = mailbox.get("/").text
    assert everything.index("Second for Ada") < everything.index("Only for Bob") < everything.index("First")
    for_ada = mailbox.get("/", params={"to": "ada@"}).text
    assert "Only for Bob" not in for_ada
    assert "2 messages to ada@" in for_ada
    assert "Show all messages" in mailbox.get("/", params={"to": "nobody@"}).text


def test_pages_fit_a_phone_and_say_what_they_are(mailbox: httpx.Client) -> None:
    page = mailbox.get("/").text
    assert 'name="viewport"' in page
    assert 'lang="en"' in page
    assert "nothing here was sent to anyone" in page


def test_a_message_is_shown_in_a_frame_without_scripts(
    mailbox: httpx.Client, send: Callable[..., None]
) -> None:
    html = PAGE + "<script>parent.location='https://evil.example'</script>"
    send(
        "cy@example.org",
        "Look",
        "See https://example.org/c/1 now",
        html,
        List_Unsubscribe="<https://x.org/u>",
    )
    message = mailbox.get("/messages.json", params={"to": "cy@"}).json()["messages"][0]
    page = mailbox.get(f"/messages/{message['id']}").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "evil.example" not in page
    assert '<a href="https://example.org/c/1"' in page
    assert "List-Unsubscribe" in page
    frame = mailbox.get(f"/messages/{message['id']}/html")
    assert "allow-scripts" not in frame.headers["content-security-policy"]
    assert frame.headers["content-security-policy"].startswith("sandbox ")
    assert (
        frame.text.index("<head>") < frame.text.index('<base target="_blank">') < frame.text.index("<body>")
    )


def test_subjects_are_text_whatever_they_hold(mailbox: httpx.Client, send: Callable[..., None]) -> None:
    send("dee@example.org", "<img src=x> für dich")
    assert "&lt;img src=x&gt; für dich" in mailbox.get("/", params={"to": "dee@"}).text


def test_a_mail_with_broken_headers_is_kept_and_shown(mailbox: httpx.Client, post_office: Stack) -> None:
    head = "From: \r\nTo: <<<@\r\nSubject: =?utf-8?b?!!?=\r\nMessage-ID: <[broken\r\nDate: x\r\n"
    broken = head + "\r\nStill here\r\n"
    with smtplib.SMTP("127.0.0.1", post_office.port("mail", "smtp")) as server:
        server.sendmail("a@example.org", ["hal@example.org"], broken)
    (message,) = mailbox.get("/messages.json", params={"to": "hal@"}).json()["messages"]
    assert mailbox.get(f"/messages/{message['id']}.json").json()["text"].strip() == "Still here"
    assert "Still here" in mailbox.get(f"/messages/{message['id']}").text


def test_programs_read_messages_in_order_and_from_where_they_left_off(
    mailbox: httpx.Client, send: Callable[..., None]
) -> None:
    for number in range(3):
        send("eve@example.org", f"Number {number}", f"Text {number}")
    listed = mailbox.get("/messages.json", params={"to": "eve@example.org"}).json()["messages"]
    assert [one["subject"] for one in listed] == ["Number 0", "Number 1", "Number 2"]
    assert listed[0]["to"] == ["eve@example.org"]
    later = mailbox.get("/messages.json", params={"to": "eve@example.org", "since": listed[0]["id"]})
    assert [one["subject"] for one in later.json()["messages"]] == ["Number 1", "Number 2"]
    after = mailbox.get("/messages.json", params={"since": datetime.now(UTC).isoformat()})
    assert after.json() == {"messages": []}
    whole = mailbox.get(f"/messages/{listed[1]['id']}.json").json()
    assert whole["text"].strip() == "Text 1"
    assert "example.org/c/1" in whole["html"]
    assert whole["message_id"] == "<Number-1@example.org>"
    assert whole["attachments"] == [{"number": 0, "name": "terms.txt", "type": "text/plain", "size": 11}]


def test_an_attachment_is_a_download(mailbox: httpx.Client, send: Callable[..., None]) -> None:
    send("flo@example.org", "Terms")
    message = mailbox.get("/messages.json", params={"to": "flo@"}).json()["messages"][0]
    answer = mailbox.get(f"/messages/{message['id']}/attachments/0")
    assert answer.text.strip() == "The terms"
    assert answer.headers["content-disposition"] == 'attachment; filename="terms.txt"'
    assert mailbox.get(f"/messages/{message['id']}/attachments/1").status_code == 404


@pytest.mark.parametrize("path", ["/messages/1", "/messages/..%2Fsecrets.json", "/messages/x.json", "/no"])
def test_what_is_not_there_is_said_with_a_way_back(mailbox: httpx.Client, path: str) -> None:
    answer = mailbox.get(path)
    assert answer.status_code == 404
    assert 'href="/"' in answer.text


def test_since_must_be_an_id_or_a_time(mailbox: httpx.Client) -> None:
    assert mailbox.get("/messages.json", params={"since": "yesterday"}).status_code == 400


def test_long_lists_come_in_pages(mailbox: httpx.Client, send: Callable[..., None]) -> None:
    for number in range(51):
        send("gil@example.org", f"Gil {number:02d}", html="<p>x</p>")
    first = mailbox.get("/", params={"to": "gil@"}).text
    assert "Gil 50" in first
    assert "Gil 00" not in first
    assert "Gil 00" in mailbox.get("/", params={"to": "gil@", "from": "50"}).text


def test_what_cannot_be_kept_is_refused_for_a_later_try(tmp_path: Path) -> None:
    """A mail server whose folder is gone must not say that it delivered."""
    with Stack(tmp_path / ".handsel", ("mail",), environ={}) as stack:
        new = stack.folder.path / "mail" / "tmp"
        new.rmdir()
        with (
            smtplib.SMTP("127.0.0.1", stack.port("mail", "smtp")) as server,
            pytest.raises(smtplib.SMTPDataError) as refused,
        ):
            server.sendmail("a@example.org", ["b@example.org"], "Subject: x\r\n\r\nx\r\n")
        assert refused.value.smtp_code == 452
