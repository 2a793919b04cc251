"""The first run: one brand, for who holds the token, however often and by however many it is tried."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.main import create_app
from infra.settings import Settings
from infra.setup import setup_address, setup_token
from infra.tables import Brand, Member
from tests.conftest import RunningStack
from tests.console.conftest import hidden_fields

ROOT = Path(__file__).resolve().parents[2]
SETUP = "/console/setup"
FIELDS = {
    "name": "Lumen & Oak",
    "currency": "EUR",
    "postal_address": "1 Way, Town",
    "sender_name": "Lumen",
    "sender_email": "hello@lumen.example",
    "owner_name": "Olga Owner",
    "owner_email": "olga@lumen.example",
}


@pytest.fixture
def fresh_settings(settings: Settings, new_database: Callable[[], str]) -> Settings:
    return settings.model_copy(update={"database_url": new_database()})


@pytest.fixture
def fresh(fresh_settings: Settings) -> Iterator[FastAPI]:
    """The application over an empty database."""
    app = create_app(fresh_settings)
    with TestClient(app, follow_redirects=False):
        yield app


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def brands(app: FastAPI) -> tuple[int, int]:
    with app.state.sessions() as session:
        return (
            session.scalar(select(func.count()).select_from(Brand)) or 0,
            session.scalar(select(func.count()).select_from(Member)) or 0,
        )


def test_who_holds_the_token_sets_up_and_is_the_owner(fresh: FastAPI, fresh_settings: Settings) -> None:
    me = browser(fresh)
    assert "handsel setup" in me.get("/console/sign-in").text
    page = me.get(setup_address(fresh_settings).partition(fresh_settings.public_url)[2])
    assert page.status_code == 200
    form = hidden_fields(page.text, SETUP)
    wrong = me.post(SETUP, data=form | FIELDS | {"currency": "euro", "owner_email": "olga"})
    assert wrong.status_code == 422
    assert 'href="#setup-currency"' in wrong.text
    assert 'href="#setup-owner_email"' in wrong.text
    assert 'value="Olga Owner"' in wrong.text
    assert brands(fresh) == (0, 0)
    done = me.post(SETUP, data=form | FIELDS)
    assert done.headers["location"] == "/console?done=set_up"
    home = me.get("/console").text
    assert "Hello Olga Owner" in home
    assert "invite a second person" in home
    again = me.post(SETUP, data={**form, "csrf": hidden_fields(home, "/console/sign-out")["csrf"]} | FIELDS)
    assert again.status_code == 409
    assert "There is a brand already" in again.text
    assert brands(fresh) == (1, 1)


def test_a_stranger_finds_nothing(fresh: FastAPI, fresh_settings: Settings) -> None:
    stranger = browser(fresh)
    token = setup_token(fresh_settings.secret_key)
    for wrong in ("", "x", token[:-1], token.upper(), token + "0", "é"):
        assert stranger.get(SETUP, params={"token": wrong}).status_code == 404, wrong
    page = stranger.get(SETUP, params={"token": token}).text
    form = hidden_fields(page, SETUP) | {"token": "guess"}
    assert stranger.post(SETUP, data=form | FIELDS).status_code == 404
    assert brands(fresh) == (0, 0)


def test_two_at_once_make_one_brand(fresh: FastAPI, fresh_settings: Settings) -> None:
    token = setup_token(fresh_settings.secret_key)
    people = [browser(fresh) for _ in range(4)]
    forms = [hidden_fields(one.get(SETUP, params={"token": token}).text, SETUP) for one in people]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].post(SETUP, data=pair[1] | FIELDS), zip(people, forms, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert brands(fresh) == (1, 1)


def test_the_shell_sets_up_once(fresh: FastAPI, fresh_settings: Settings, stack: RunningStack) -> None:
    environment = os.environ | stack.variables | {"HANDSEL_DATABASE_URL": fresh_settings.database_url}

    def handsel(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.cli", "setup", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    asked = handsel()
    assert setup_address(fresh_settings) in asked.stdout
    wrong = handsel("--brand", "Lumen", "--owner-email", "olga")
    assert wrong.returncode == 1
    assert "owner_email" in wrong.stderr + wrong.stdout
    assert brands(fresh) == (0, 0)
    words = ["--brand", "Lumen & Oak", "--owner-email", "olga@lumen.example", "--currency", "EUR"]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: handsel(*words), range(2)))
    assert [one.returncode for one in made] == [0, 0]
    assert brands(fresh) == (1, 1)
    assert "set up already" in handsel(*words).stdout
    assert "set up already" in handsel().stdout
