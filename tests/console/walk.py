"""Every route of the application, read from the application itself, and quick ways to be somebody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from domain.sign_in import How
from infra.sessions import Origin, open_session
from infra.settings import Settings
from infra.tables import Member


class Walked(NamedTuple):
    """One method of one route."""

    method: str
    path: str
    name: str
    kind: str
    """Class of the route, which says who lets people in."""

    def at(self, things: dict[str, str]) -> str:
        """The address with these things in it; what is not named is something that does not exist."""
        return re.sub(
            r"\{(\w+)(?::\w+)?\}",
            lambda found: things.get(found.group(1), "nothing_00000000000000000000000000"),
            self.path,
        )


def every_route(app: FastAPI) -> list[Walked]:
    """Every method of every route, of included routers too."""
    return [
        Walked(method, route.path, getattr(route, "original_route", route).name, _kind(route))
        for route in _flat(app.routes)
        for method in sorted(getattr(getattr(route, "original_route", route), "methods", None) or {"*"})
        if method != "HEAD"
    ]


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _flat(route.effective_candidates())
        else:
            yield route


def _kind(route: Any) -> str:
    return type(getattr(route, "original_route", route)).__name__


@dataclass
class Insider:
    """Signed in without a mail: a session as the program opens it, and the mark of its forms."""

    app: FastAPI
    sessions: sessionmaker[Session]
    settings: Settings
    member_id: str

    def __post_init__(self) -> None:
        self.client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)
        with self.sessions.begin() as session:
            member = session.get_one(Member, self.member_id)
            now = datetime.now(UTC)
            opened = open_session(session, self.settings, member, How.CODE, Origin("", "test"), now)
        self.session_id = opened.session_id
        self.client.cookies.set("handsel_session", opened.secret)
        self.csrf = mark_on(self.client.get("/console/brands").text)

    def call(self, walked: Walked, things: dict[str, str], **fields: str) -> Any:
        """Open the page, or send a form with nothing but its marks and these fields."""
        if walked.method == "GET":
            return self.client.get(walked.at(things))
        marks = {"csrf": self.csrf, "nonce": "walk"}
        return self.client.request(walked.method, walked.at(things), data=marks | fields)


def mark_on(text: str) -> str:
    """The mark that the forms of this page carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found, text
    return found.group(1)
