"""What every page of the console shares: who is there, may they, is the form ours, one transaction, one look.

A page is a function that takes a `ViewOf`; `ConsoleRoute` does the rest around it. What a page wrote is
committed when it answers, and undone when it raises. Whatever goes wrong becomes a page that says what
happened and what to do now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from jinja2 import Environment
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session, sessionmaker
from starlette.datastructures import UploadFile

from api.console import wording
from api.console.access import names_of, roles_of_page
from api.console.limits import ConsoleLimits
from api.console.marks import Marks, id_of, new_nonce
from api.console.navigation import here, navigation_for
from api.console.session import Person, door_cookie, is_https, session_cookie
from api.pages.door import COOKIE_SECONDS, Browsers
from api.pages.forms import FormRefused
from api.pages.rendering import FOLDER as PAGES_FOLDER
from api.pages.rendering import Renderer, make_environment
from domain.errors import Defect, Invalid, Refused
from domain.sign_in import browser_name, network_of
from infra.objects import ObjectStore
from infra.sessions import Opened, Origin
from infra.settings import Settings
from infra.vault import Vault

M = TypeVar("M", bound=BaseModel)
_MOST_TEXT: Final = 4000


@cache
def _environment() -> Environment:
    environment = make_environment(wording.FOLDER, PAGES_FOLDER)
    environment.globals.update(
        say=wording.say,
        knows=wording.knows,
        moment=wording.moment,
        day=wording.day,
        money=wording.money,
        names_of=names_of,
    )
    return environment


@dataclass
class Console:
    """The shared parts. One per process and application."""

    settings: Settings
    sessions: sessionmaker[Session]
    vault: Vault
    objects: ObjectStore | None
    limits: ConsoleLimits = field(default_factory=ConsoleLimits)

    def __post_init__(self) -> None:
        secret = self.settings.secret_key
        self.marks = Marks(secret)
        self.browsers = Browsers(secret)
        self.render = Renderer(self.settings, self.objects, _environment(), leads_to_stripe=False)


def console_of(app: FastAPI) -> Console:
    """The console of this application, made at its first page."""
    console: Console | None = getattr(app.state, "console", None)
    if console is None:
        state = app.state
        console = Console(state.settings, state.sessions, state.vault, getattr(state, "objects", None))
        app.state.console = console
    return console


@dataclass
class View:
    """One request to one page: who asks, what was typed, and how to answer."""

    request: Request
    console: Console
    visitor: Person | None = None
    fields: dict[str, str] = field(default_factory=dict)
    """What was typed; of a field that came several times the last."""
    lists: dict[str, list[str]] = field(default_factory=dict)
    """The same, with all values of each field: ticked lines of a table."""
    files: dict[str, UploadFile] = field(default_factory=dict)
    cookies: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """Cookies to set: name to text and seconds; an empty text takes it away."""

    def __post_init__(self) -> None:
        self.now = datetime.now(UTC)
        self._session: Session | None = None
        settings = self.console.settings
        self._door = self.request.cookies.get(door_cookie(settings), "")
        if self.console.browsers.digest(self._door) is None:
            self._door = self.console.browsers.make()
            self.cookies[door_cookie(settings)] = (self._door, COOKIE_SECONDS)

    # --- who and where -------------------------------------------------------------------------------

    @property
    def person(self) -> Person:
        """Who is signed in. Every page but the doors has one."""
        if self.visitor is None:
            raise Defect("a page was opened without a person")
        return self.visitor

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.console.settings

    @property
    def session(self) -> Session:
        """The transaction of this request, begun when it is first needed."""
        if self._session is None:
            self._session = self.console.sessions()
        return self._session

    @property
    def asked(self) -> Mapping[str, str]:
        """The query of the address: filters, cursor, flash."""
        return self.request.query_params

    @property
    def ip(self) -> str:
        """The address that the request came from. Never stored."""
        return self.request.client.host if self.request.client else ""

    @property
    def origin(self) -> Origin:
        """Where the request came from, as far as it may be kept."""
        return Origin(network_of(self.ip), browser_name(self.request.headers.get("user-agent", "")))

    @property
    def browser_digest(self) -> str:
        """Digest of the cookie that tells this browser from others before anybody is signed in."""
        return self.console.browsers.digest(self._door) or ""

    @property
    def anchor(self) -> str:
        """What the forms of this page belong to."""
        return self.visitor.session_id if self.visitor else f"door {self.browser_digest}"

    def may(self, page: str) -> bool:
        """Whether the person may open or send this."""
        return self.visitor is not None and self.visitor.role in roles_of_page(page)

    # --- what was typed ------------------------------------------------------------------------------

    def text(self, name: str, most: int = 200) -> str:
        """A field without blanks around it. Raises `FormRefused` when it is too long or no plain text."""
        typed = self.fields.get(name, "").replace("\r\n", "\n").strip()
        if len(typed) > most:
            raise FormRefused({name: wording.say("form.too_long", most=most)})
        if any((ord(letter) < 32 and letter not in "\n\t") or letter in "\x7f\ufeff" for letter in typed):
            raise FormRefused({name: wording.say("form.strange_character")})
        return typed

    def read(self, model: type[M]) -> M:
        """The fields as this model has them. Raises `FormRefused` with a sentence for each wrong one."""
        given = {name: self.fields[name] for name in model.model_fields if name in self.fields}
        try:
            return model.model_validate(given)
        except ValidationError as error:
            raise FormRefused(_by_field(error)) from None

    def id_of(self, kind: str) -> str:
        """The id of what this form creates: the same form sent twice names the same thing."""
        return id_of(kind, self.anchor, self.fields.get("nonce", ""))

    @contextmanager
    def all_or_nothing(self) -> Iterator[Session]:
        """What is written in here is undone when it raises, and the page can still answer."""
        with self.session.begin_nested():
            yield self.session

    # --- the answer ----------------------------------------------------------------------------------

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A page of this template, in the frame."""
        done = self.asked.get("done", "")
        return self.console.render.page(
            template,
            status,
            me=self.visitor,
            may=self.may,
            navigation=navigation_for(self.visitor.role) if self.visitor else [],
            here=here(self.request.url.path),
            csrf=self.console.marks.make(self.anchor),
            nonce=new_nonce,
            flash=wording.say(f"done.{done}") if wording.knows(f"done.{done}") else "",
            asked=self.asked,
            **facts,
        )

    def go(self, path: str, done: str = "") -> Response:
        """On to another page by GET, with a word about what was done (`done.<name>` of the texts)."""
        mark = "&" if "?" in path else "?"
        return self.console.render.redirect(path + (mark + urlencode({"done": done}) if done else ""))

    def let_in(self, opened: Opened, path: str, done: str = "") -> Response:
        """On as who has just signed in."""
        seconds = self.settings.session_days * 86400
        self.cookies[session_cookie(self.settings)] = (opened.secret, seconds)
        return self.go(path, done)

    def let_out(self, path: str, done: str = "") -> Response:
        """On as nobody."""
        self.cookies[session_cookie(self.settings)] = ("", None)
        return self.go(path, done)

    # --- for the route alone -------------------------------------------------------------------------

    def finish(self, response: Response) -> Response:
        """Set the cookies of this answer."""
        for name, (text, seconds) in self.cookies.items():
            response.set_cookie(
                name,
                text,
                max_age=seconds if text else 0,
                path="/",
                secure=is_https(self.settings),
                httponly=True,
                samesite="lax",
            )
        return response

    def commit(self) -> None:
        """What the page wrote counts."""
        if self._session is not None:
            self._session.commit()

    def close(self) -> None:
        """End the transaction, whatever came of it."""
        if self._session is not None:
            self._session.close()

    def back(self) -> str:
        """The page of the console that this request came from, or home."""
        parts = urlsplit(self.request.headers.get("referer", ""))
        return parts.path if parts.path.startswith("/console") else "/console"


def errors_of(refused: Refused) -> dict[str, str]:
    """What the form says of a refusal: a sentence by field; without a field, on top."""
    if isinstance(refused, FormRefused):
        return refused.by_field
    known = f"refused.{refused.code}"
    return {refused.field or "": wording.say(known) if wording.knows(known) else _sentence(refused.message)}


def status_of(refused: Refused) -> int:
    """The status of a page that shows its form again."""
    return 422 if isinstance(refused, Invalid) else refused.status


def _by_field(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in error.errors():
        name = str(one["loc"][0]) if one["loc"] else ""
        kind = one["type"]
        if kind in ("missing", "string_too_short"):
            text = wording.say("form.fill_in")
        elif kind == "enum":
            text = wording.say("form.choose")
        else:
            text = _sentence(str(one["msg"]).removeprefix("Value error, "))
        found.setdefault(name, text)
    return found


def _sentence(text: str) -> str:
    """The same text as a sentence: a capital, a full stop."""
    return f"{text[:1].upper()}{text[1:300]}".rstrip(".") + "." if text else ""


def view_of(request: Request) -> View:
    """The view of this request, once `ConsoleRoute` has let it in."""
    view: View = request.state.view
    return view


ViewOf = Annotated[View, Depends(view_of)]
