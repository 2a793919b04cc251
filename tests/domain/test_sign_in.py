"""What is kept of where somebody came from, where they may go, and how long codes and invitations count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sign_in import (
    CODE_LIFE,
    MOST_TRIES,
    Result,
    Standing,
    browser_name,
    network_of,
    safe_next,
    standing_of_code,
    standing_of_invitation,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("testclient", ""),
        ("", ""),
    ],
)
def test_of_an_address_its_network_is_kept(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.ip_addresses())
def test_a_network_never_tells_its_address_apart(address: object) -> None:
    kept = network_of(str(address))
    assert kept.endswith(("/24", "/48"))
    assert network_of(kept.partition("/")[0]) == kept


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537", "Chrome, Android"),
        ("curl/8", "unknown browser"),
        ("", "unknown browser"),
    ],
)
def test_a_browser_is_told_in_two_words(agent: str, name: str) -> None:
    assert browser_name(agent) == name


@pytest.mark.parametrize("path", ["/console", "/console/people?role=ops", "/console/sign-ins?result=used"])
def test_a_page_of_the_console_is_gone_to(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/c/token",
        "/consoles",
        "//evil.example/console",
        "https://evil.example/console",
        "/console//evil.example",
        "/console/../api/v1/brand",
        "/console\\evil",
        "/console/\r\nSet-Cookie: a=b",
        "/console/\u202e",
        "/console/" + "x" * 400,
        "/console/sign-in",
        "/console/sign-in/code",
        "/console/sign-out",
        "javascript:alert(1)",
    ],
)
def test_everywhere_else_leads_home(path: str) -> None:
    assert safe_next(path) == "/console"


@given(st.text(max_size=60))
def test_no_text_leads_to_another_site(path: str) -> None:
    went = safe_next(path)
    assert went == "/console" or went.startswith(("/console/", "/console?"))
    assert not any(mark in went for mark in ("//", "\\", "\r", "\n"))


def test_a_code_counts_once_in_time_and_for_five_tries() -> None:
    until = NOW + CODE_LIFE
    assert standing_of_code(used=False, expires_at=until, tries=MOST_TRIES - 1, now=NOW) is None
    assert standing_of_code(used=False, expires_at=until, tries=MOST_TRIES, now=NOW) is Result.WORN
    assert standing_of_code(used=False, expires_at=until, tries=0, now=until) is Result.EXPIRED
    assert standing_of_code(used=True, expires_at=until, tries=0, now=until) is Result.USED


def test_an_invitation_says_the_first_thing_that_ended_it() -> None:
    until = NOW + timedelta(days=7)
    for accepted, revoked, at, standing in (
        (None, None, NOW, Standing.OPEN),
        (None, None, until, Standing.EXPIRED),
        (None, NOW, until, Standing.REVOKED),
        (NOW, None, until, Standing.ACCEPTED),
    ):
        found = standing_of_invitation(accepted_at=accepted, revoked_at=revoked, expires_at=until, now=at)
        assert found is standing
